/* A server that maps and unmaps memory, and wakes nobody's futex, while a timer interrupts it all the time.
 * "map N" does so N times; the answer is how many ticks its handler has counted. */
#define _GNU_SOURCE
#include "server.h"

#include <linux/futex.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>

static volatile sig_atomic_t ticks;

static void tick(int number) {
    (void)number;
    ticks++;
}

static void answer(char *reply, const char *line) {
    static int word;
    long left = strchr(line, ' ') ? strtol(strchr(line, ' '), NULL, 10) : 0;
    for (; left; left--) {
        void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (at == MAP_FAILED || munmap(at, 4096))
            break;
        syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
        if (left % 8 == 0)
            getppid(); /* a handler may run here */
    }
    (void)snprintf(reply, 256, "%ld %d\n", left, (int)ticks);
}

int main(int argc, char **argv) {
    struct sigaction action = {.sa_handler = tick, .sa_flags = SA_RESTART};
    struct itimerval often = {{0, 300}, {0, 300}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    return serve(argv[argc - 1], answer);
}
