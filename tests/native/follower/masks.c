/* A server that blocks a signal, sends it to itself and lets it in again, in as many ways as there are: the
 * handler must have run when the call that let it in returns. A line "N\n" is answered with what was wrong,
 * in one word, and how many handlers have run. One connection at a time. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "server.h"

static volatile int handled, nested;

static void handler(int number) {
    sigset_t now;
    sigprocmask(SIG_BLOCK, NULL, &now);
    nested += !sigismember(&now, number); /* blocked while it is being handled */
    handled++;
}

/* To this thread alone: the other one lets in what is sent to the process. */
static void send_to_thread(long way, int number) {
    (void)way;
    syscall(SYS_tgkill, getpid(), (int)syscall(SYS_gettid), number);
}

static void send_to_self(long way, int number) {
    switch (way % 3) {
    case 0:
        kill(getpid(), number);
        break;
    case 1:
        send_to_thread(way, number);
        break;
    default: {
        union sigval value = {.sival_int = (int)way};
        sigqueue(getpid(), number, value);
    }
    }
}

static const char *once(long way, void (*send)(long way, int number)) {
    sigset_t set, before, seen;
    struct sigaction action = {.sa_handler = handler, .sa_flags = (way & 1) ? SA_RESTART : 0};
    int number = way % 5 == 0 ? SIGRTMIN : SIGUSR1, until = handled;
    sigaction(number, &action, NULL);
    sigemptyset(&set);
    sigaddset(&set, number);
    if (sigprocmask(SIG_BLOCK, &set, &before) || sigismember(&before, number))
        return "before";
    send(way, number);
    if (handled != until)
        return "early";
    switch (way % 4) {
    case 0:
        sigprocmask(SIG_UNBLOCK, &set, NULL);
        break;
    case 1:
        sigprocmask(SIG_SETMASK, &before, NULL);
        break;
    case 2: /* the old mask to where the new one is */
        seen = before;
        syscall(SYS_rt_sigprocmask, SIG_SETMASK, &seen, &seen, 8);
        if (!sigismember(&seen, number))
            return "alias";
        break;
    default:
        pthread_sigmask(SIG_SETMASK, &before, &seen);
    }
    if (handled != until + 1)
        return "late";
    if (sigprocmask(SIG_BLOCK, NULL, &seen) || sigismember(&seen, number))
        return "after";
    return nested ? "nested" : "right";
}

static void *thread(void *way) {
    return (void *)once((long)way, send_to_thread);
}

static void answer(char *reply, const char *line) {
    long way = number(line);
    const char *word = once(way, send_to_self);
    if (way % 10 == 0) { /* and in a thread that comes and goes */
        pthread_t other;
        void *result;
        pthread_create(&other, NULL, thread, (void *)(way + 1));
        pthread_join(other, &result);
        if (strcmp(result, "right") != 0)
            word = result;
    }
    (void)sprintf(reply, "%s %d\n", word, handled);
}

int main(int argc, char **argv) {
    return serve(argv[argc - 1], answer);
}
