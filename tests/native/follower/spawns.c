/* A server that starts programs: a line names one, which is looked for in several folders and waited for. The
 * answer is what posix_spawnp says, the exit status, and errno. "from FILE": `true`, with its input from that
 * file. "fork" makes a child that adds a line to the file `children`, and waits for it; "vfork" one whose
 * exec fails, and the answer is why. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include "server.h"

extern char **environ;

static void fork_once(char *reply) {
    int status = -1;
    pid_t child = fork();
    if (!child) {
        int file = open("children", O_WRONLY | O_CREAT | O_APPEND, 0600);
        _exit(write(file, "child\n", 6) == 6 ? 7 : 1);
    }
    if (waitpid(child, &status, 0) != child)
        status = -2;
    (void)sprintf(reply, "%d\n", WIFEXITED(status) ? WEXITSTATUS(status) : status);
}

/* vfork itself is what is tested.
 * NOLINTBEGIN(clang-analyzer-security.insecureAPI.vfork, clang-analyzer-unix.Vfork) */
static void vfork_in_vain(char *reply) {
    static char *arguments[] = {"none", NULL};
    volatile int why = 0;
    pid_t child = vfork();
    if (!child) {
        execv("/nonexistent", arguments);
        why = errno;
        _exit(1);
    }
    waitpid(child, NULL, 0);
    (void)sprintf(reply, "%d\n", why);
}
/* NOLINTEND(clang-analyzer-security.insecureAPI.vfork, clang-analyzer-unix.Vfork) */

static void answer(char *reply, const char *line) {
    char name[64] = "", file[64] = "";
    (void)sscanf(line, "%63s %63s", name, file);
    if (!strcmp(name, "fork")) {
        fork_once(reply);
        return;
    }
    if (!strcmp(name, "vfork")) {
        vfork_in_vain(reply);
        return;
    }
    char *arguments[] = {name, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (!strcmp(name, "from"))
        posix_spawn_file_actions_addopen(&actions, 0, file, O_RDONLY, 0);
    pid_t child;
    int status = -1,
        error = (errno = 0, posix_spawnp(&child, *file ? "true" : name, &actions, NULL, arguments, environ));
    int left = errno;
    posix_spawn_file_actions_destroy(&actions);
    if (!error && waitpid(child, &status, 0) != child)
        status = -2;
    (void)sprintf(reply, "%d %d %d\n", error, WIFEXITED(status) ? WEXITSTATUS(status) : status, left);
}

int main(int argc, char **argv) {
    setenv("PATH", "/nonexistent:/proc/self:/var/empty:/usr/bin:/bin", 1);
    serve(argv[argc - 1], answer);
}
