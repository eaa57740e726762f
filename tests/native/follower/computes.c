/* A server that computes for a moment without a call, from begins() to ends(), when asked to "compute";
 * "handled" is answered with the number of signals that its handler has had. */
#include <signal.h>

#include "server.h"

static volatile int handled;

static void handler(int number) {
    (void)number;
    handled++;
}

__attribute__((noinline)) void begins(void) {
    __asm__ volatile("");
}

__attribute__((noinline)) void ends(void) {
    __asm__ volatile("");
}

static void answer(char *reply, const char *line) {
    begins();
    for (volatile int i = 0; line[0] == 'c' && i < 100000; i++)
        ;
    ends();
    if (line[0] == 'c')
        memcpy(reply, "done\n", 6);
    else
        (void)snprintf(reply, 256, "%d\n", handled);
}

int main(int argc, char **argv) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    return argc < 2 || sigaction(SIGUSR1, &action, NULL) || serve(argv[1], answer);
}
