/* A server that starts programs: a line names one, which is looked for in several folders and waited for. The
 * answer is what posix_spawnp says, and the exit status. "fork" makes a child that adds a line to the file
 * `children`, and waits for it. */
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

static void answer(char *reply, const char *line) {
    char name[64];
    (void)sscanf(line, "%63s", name);
    if (!strcmp(name, "fork")) {
        fork_once(reply);
        return;
    }
    char *arguments[] = {name, NULL};
    pid_t child;
    int status = -1, error = posix_spawnp(&child, name, NULL, NULL, arguments, environ);
    if (!error && waitpid(child, &status, 0) != child)
        status = -2;
    (void)sprintf(reply, "%d %d\n", error, WIFEXITED(status) ? WEXITSTATUS(status) : status);
}

int main(int argc, char **argv) {
    setenv("PATH", "/nonexistent:/proc/self:/var/empty:/usr/bin:/bin", 1);
    serve(argv[argc - 1], answer);
}
