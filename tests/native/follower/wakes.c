/* A server of threads that wait without a predicate, as POSIX advises against and servers do all the same:
 * each counts how often its wait has ended. Thread N waits in the Nth of the ways that there are, for a
 * condition of its own.
 *
 *   signal N   wakes thread N
 *   loose      wakes all of them, and two more that wait for one condition; holds no lock as it does so
 *   counts     how often each has been woken: "1 0 0 0 0, 2" (2: the two threads together) */
#define _GNU_SOURCE
#include <pthread.h>
#include <threads.h>
#include <time.h>

#include "server.h"

enum { WAIT, TIMED, CLOCK, C11, C11_TIMED, WAYS };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t conditions[WAYS], both = PTHREAD_COND_INITIALIZER;
static mtx_t c11_lock;
static cnd_t c11_conditions[WAYS];
static long counts[WAYS], together;

static void wait_in(long way) {
    const struct timespec far = {.tv_sec = 1L << 40};
    // NOLINTBEGIN(bugprone-spuriously-wake-up-functions,cert-con36-c,cert-con54-cpp): wake-ups are counted
    if ((way == WAIT && pthread_cond_wait(&conditions[way], &lock)) ||
        (way == TIMED && pthread_cond_timedwait(&conditions[way], &lock, &far)) ||
        (way == CLOCK && pthread_cond_clockwait(&conditions[way], &lock, CLOCK_MONOTONIC, &far)) ||
        (way == C11 && cnd_wait(&c11_conditions[way], &c11_lock) != thrd_success) ||
        (way == C11_TIMED && cnd_timedwait(&c11_conditions[way], &c11_lock, &far) != thrd_success))
        abort(); /* no wait here may ever seem to have timed out */
    // NOLINTEND(bugprone-spuriously-wake-up-functions,cert-con36-c,cert-con54-cpp)
}

static void *waiter(void *self) {
    long way = (long)self;
    if (way < C11)
        pthread_mutex_lock(&lock);
    else
        (void)mtx_lock(&c11_lock);
    for (;;) {
        wait_in(way);
        counts[way]++;
    }
    return NULL;
}

static void *one_of_two(void *unused) {
    (void)unused;
    pthread_mutex_lock(&lock);
    for (;;) {
        pthread_cond_wait(&both, &lock);
        together++;
    }
    return NULL;
}

static void answer(char *reply, const char *line) {
    if (line[0] == 'l') {
        for (long way = 0; way < WAYS; way++)
            (void)(way < C11 ? pthread_cond_signal(&conditions[way]) : cnd_broadcast(&c11_conditions[way]));
        pthread_cond_broadcast(&both);
        (void)sprintf(reply, "ok\n");
        return;
    }
    pthread_mutex_lock(&lock);
    (void)mtx_lock(&c11_lock);
    if (line[0] == 's') {
        long way = number(line + 7);
        if (way < C11)
            pthread_cond_signal(&conditions[way]);
        else
            (void)cnd_signal(&c11_conditions[way]);
    }
    (void)sprintf(reply, "%ld %ld %ld %ld %ld, %ld\n", counts[0], counts[1], counts[2], counts[3], counts[4],
                  together);
    (void)mtx_unlock(&c11_lock);
    pthread_mutex_unlock(&lock);
}

int main(int argc, char **argv) {
    pthread_t thread;
    (void)mtx_init(&c11_lock, mtx_plain);
    for (long way = 0; way < WAYS; way++) {
        pthread_cond_init(&conditions[way], NULL);
        (void)cnd_init(&c11_conditions[way]);
        pthread_create(&thread, NULL, waiter, (void *)way);
        pthread_setname_np(thread, (const char *[]){"wait", "timed", "clock", "c11", "c11-timed"}[way]);
    }
    pthread_create(&thread, NULL, one_of_two, NULL);
    pthread_create(&thread, NULL, one_of_two, NULL);
    return serve(argv[argc - 1], answer);
}
