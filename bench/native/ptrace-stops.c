/* ptrace-stops COMMAND…: stops the program at each call's entry and at its exit (PTRACE_SYSCALL) and does
 * nothing there: the least that a monitor in another process costs. One thread. Exits with the program's
 * status. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 2)
        return fputs("usage: ptrace-stops COMMAND...\n", stderr), 2;
    pid_t child = fork();
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, 0, 0) == 0)
            execvp(argv[1], argv + 1);
        perror("ptrace-stops");
        _exit(127);
    }
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
        return fputs("ptrace-stops: the program can't be traced\n", stderr), 1;
    if (ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD))
        return perror("ptrace-stops"), 1;
    for (long signal = 0;;) {
        if (ptrace(PTRACE_SYSCALL, child, 0, signal) || waitpid(child, &status, 0) != child)
            return perror("ptrace-stops"), 1;
        if (!WIFSTOPPED(status))
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        int at = WSTOPSIG(status);
        signal = at == (SIGTRAP | 0x80) || at == SIGTRAP ? 0 : at;
    }
}
