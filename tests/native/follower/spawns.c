/* A server that starts programs: a line names one, which is looked for in several folders and waited for. The
 * answer is what posix_spawnp says, and the exit status. */
#include <spawn.h>
#include <sys/wait.h>

#include "server.h"

extern char **environ;

static void answer(char *reply, const char *line) {
    char name[64];
    (void)sscanf(line, "%63s", name);
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
