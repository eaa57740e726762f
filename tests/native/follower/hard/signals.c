/* Signals to threads: one with a handler that writes to a pipe, one that a thread waits for, and a process's
 * timer. */
#include "hard.h"

#include <errno.h>
#include <signal.h>
#include <sys/time.h>

static int self_pipe[2];
static pthread_t reader, waiter;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t come = PTHREAD_COND_INITIALIZER;
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static long handled, waited, ticks;

static void on_signal(int number) {
    int error = errno;
    char byte = (char)number;
    CHECK(write(self_pipe[1], &byte, 1) == 1);
    errno = error;
}

static void count(long *what) {
    pthread_mutex_lock(&lock);
    ++*what;
    pthread_cond_broadcast(&come);
    pthread_mutex_unlock(&lock);
}

static void await(const long *what, long value) {
    pthread_mutex_lock(&lock);
    while (*what < value)
        pthread_cond_wait(&come, &lock);
    pthread_mutex_unlock(&lock);
}

/* The signal comes while this one reads, or just before. */
static void *read_pipe(void *unused) {
    sigset_t set;
    char byte;
    (void)unused;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    for (;;) {
        if (read(self_pipe[0], &byte, 1) != 1) {
            CHECK(errno == EINTR);
            continue;
        }
        CHECK(byte == SIGUSR1);
        count(&handled);
    }
    return NULL;
}

static void *wait_for_signals(void *set) {
    for (;;) {
        int number;
        CHECK(sigwait(set, &number) == 0);
        count(number == SIGALRM ? &ticks : &waited);
    }
    return NULL;
}

static long send(pthread_t to, int number, const long *counted, long n) {
    for (long i = 0; i < n; i++) {
        pthread_mutex_lock(&one_at_a_time); /* two of one kind would become one */
        long before = *counted;
        CHECK(pthread_kill(to, number) == 0);
        await(counted, before + 1);
        pthread_mutex_unlock(&one_at_a_time);
    }
    return n;
}
static long to_handler(struct connection *own, int member, long n) {
    (void)own;
    (void)member;
    return send(reader, SIGUSR1, &handled, n);
}
static long to_waiter(struct connection *own, int member, long n) {
    (void)own;
    (void)member;
    return send(waiter, SIGUSR2, &waited, n);
}

/* The process's timer, once somebody asks for it, goes on and on. */
static long start_ticks(struct connection *own, long n) {
    static const struct itimerval often = {{0, 5000}, {0, 5000}};
    static int started;
    (void)own;
    (void)n;
    pthread_mutex_lock(&lock);
    if (!started++)
        CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
    pthread_mutex_unlock(&lock);
    return 0;
}
static long next_ticks(struct connection *own, long n) {
    (void)own;
    for (long i = 0; i < n; i++) {
        pthread_mutex_lock(&lock);
        long before = ticks;
        pthread_mutex_unlock(&lock);
        await(&ticks, before + 1);
    }
    return n;
}

void signals_start(void) {
    static sigset_t set;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = 0};
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGALRM);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sigdelset(&set, SIGUSR1);
    CHECK(pipe(self_pipe) == 0);
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    CHECK(pthread_create(&reader, NULL, read_pipe, NULL) == 0);
    CHECK(pthread_create(&waiter, NULL, wait_for_signals, &set) == 0);
}

const struct command signal_commands[] = {{"handler", NULL, to_handler, NULL},
                                          {"sigwait", NULL, to_waiter, NULL},
                                          {"ticks", start_ticks, NULL, next_ticks},
                                          {NULL, NULL, NULL, NULL}};
