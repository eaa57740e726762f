#include "signals.h"

#include <stddef.h>

static volatile sig_atomic_t end_asked, reopen_asked;
static sigset_t while_waiting;

static void on_signal(int number) {
    if (number == SIGHUP)
        reopen_asked = 1;
    else
        end_asked = 1;
}

void signals_start(void) {
    static const int told[] = {SIGTERM, SIGINT, SIGHUP};
    sigset_t blocked;
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&blocked);
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        sigaddset(&blocked, told[i]);
        sigaction(told[i], &action, NULL);
    }
    sigprocmask(SIG_BLOCK, &blocked, &while_waiting);
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        sigdelset(&while_waiting, told[i]);
    /* A client that has gone is told by the call's error. */
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

const sigset_t *signals_while_waiting(void) {
    return &while_waiting;
}

bool signals_end_asked(void) {
    return end_asked;
}

bool signals_reopen_asked(void) {
    bool asked = reopen_asked;
    reopen_asked = 0;
    return asked;
}
