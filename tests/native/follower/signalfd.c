/* A server that reads its signals: level | edge (how its epoll waits). Its lines:
 *   open             the signalfd for SIGUSR1, registered; answers its number
 *   more             for SIGUSR2, too
 *   queue N VALUE    sends itself N signals SIGUSR1 with the values from VALUE on (one at a time is kept)
 *   again            the same by SIGRTMIN+2, of which all are kept
 *   wait             until epoll tells of a signal; then what was read: number=value
 *   read             the same without epoll, as many as there are at once
 *   idle             whether epoll tells of none */
#define _GNU_SOURCE
#include "server.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

static int signals = -1, poller, edge;
static sigset_t mask;

static void open_signals(void) {
    struct epoll_event event = {.events = EPOLLIN | (edge ? EPOLLET : 0), .data.u32 = 7};
    signals = signalfd(signals, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (epoll_ctl(poller, EPOLL_CTL_ADD, signals, &event))
        abort();
}

static void queue(int number, long count, long value) {
    for (long i = 0; i < count; i++)
        sigqueue(getpid(), number, (union sigval){.sival_int = (int)(value + i)});
}

static void read_signals(char *reply, int most) {
    struct signalfd_siginfo read_ones[8];
    ssize_t size = read(signals, read_ones, sizeof read_ones[0] * (size_t)most);
    int at = sprintf(reply, "%ld:", size < 0 ? -1 : (long)size / (long)sizeof read_ones[0]);
    for (ssize_t i = 0; i < size / (ssize_t)sizeof read_ones[0]; i++)
        at += sprintf(reply + at, " %u=%d", read_ones[i].ssi_signo, read_ones[i].ssi_int);
    (void)sprintf(reply + at, "\n");
}

static void answer(char *reply, const char *line) {
    struct epoll_event event;
    char word[16] = "", second[16] = "0", third[16] = "0";
    (void)sscanf(line, "%15s %15s %15s", word, second, third);
    long count = number(second), value = number(third);
    (void)sprintf(reply, "ok\n");
    if (!strcmp(word, "open")) {
        open_signals();
        (void)sprintf(reply, "%d\n", signals);
    } else if (!strcmp(word, "more")) {
        sigaddset(&mask, SIGUSR2);
        (void)sprintf(reply, "%d\n", signalfd(signals, &mask, 0));
    } else if (!strcmp(word, "queue")) {
        queue(SIGUSR1, count, value);
    } else if (!strcmp(word, "again")) {
        queue(SIGRTMIN + 2, count, value);
    } else if (!strcmp(word, "idle")) {
        (void)sprintf(reply, "%d\n", epoll_wait(poller, &event, 1, 0));
    } else if (!strcmp(word, "read")) {
        read_signals(reply, 8);
    } else if (epoll_wait(poller, &event, 1, -1) == 1 && event.data.u32 == 7) {
        read_signals(reply, 1);
    }
}

int main(int argc, char **argv) {
    sigset_t blocked;
    edge = !strcmp(argv[1], "edge");
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    sigaddset(&mask, SIGRTMIN + 2);
    blocked = mask;
    sigaddset(&blocked, SIGUSR2);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    poller = epoll_create1(EPOLL_CLOEXEC);
    return serve(argv[argc - 1], answer);
}
