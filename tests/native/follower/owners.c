/* A server that is sent SIGIO for a socket that it owns, or its thread does: process | thread. "poke" makes
 * that readable; the answer is how many signals have come, and whether the owner is this server. */
#define _GNU_SOURCE
#include "server.h"

#include <fcntl.h>
#include <signal.h>

static int pair[2], of_thread;
static volatile sig_atomic_t signals;

static void arrived(int number) {
    (void)number;
    signals++;
}

static void answer(char *reply, const char *line) {
    struct f_owner_ex owner = {F_OWNER_PID, 0};
    int before = signals;
    if (!strncmp(line, "own", 3)) {
        owner = (struct f_owner_ex){of_thread ? F_OWNER_TID : F_OWNER_PID, of_thread ? gettid() : getpid()};
        if (fcntl(pair[0], F_SETOWN_EX, &owner))
            before = -1000;
    }
    if (write(pair[1], "x", 1) != 1)
        before = -2000;
    while (signals == before)
        usleep(100);
    fcntl(pair[0], F_GETOWN_EX, &owner);
    (void)snprintf(reply, 256, "%d %s %s\n", (int)signals - before, owner.pid == getpid() ? "own" : "other",
                   fcntl(pair[0], F_GETOWN) == getpid() ? "own" : "other");
}

int main(int argc, char **argv) {
    struct sigaction action = {.sa_handler = arrived, .sa_flags = SA_RESTART};
    of_thread = argc > 2 && !strcmp(argv[1], "thread");
    sigaction(SIGIO, &action, NULL);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || fcntl(pair[0], F_SETOWN, getpid()) ||
        fcntl(pair[0], F_SETFL, O_ASYNC))
        return 1;
    return serve(argv[argc - 1], answer);
}
