/* lock-bench ROUNDS PAIRS: nanoseconds of an uncontended pthread_mutex_lock and unlock, in a process of two
 * threads (before there is a second one, locks are no events). A line per round, of the thread's own time. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../../tests/native/number.h"

static void *sleep_on(void *unused) {
    for (;;)
        pause();
    return unused;
}

static double own_nanoseconds(void) {
    struct rusage used;
    getrusage(RUSAGE_THREAD, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e9 +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e3;
}

int main(int argc, char **argv) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_t thread;
    if (argc != 3)
        return fputs("usage: lock-bench ROUNDS PAIRS\n", stderr), 2;
    if (pthread_create(&thread, NULL, sleep_on, NULL))
        return 1;
    long count = number(argv[2]);
    for (long round = -1; round < number(argv[1]); round++) { /* round -1 warms up */
        double begin = own_nanoseconds();
        for (long i = 0; i < count; i++) {
            pthread_mutex_lock(&lock);
            pthread_mutex_unlock(&lock);
        }
        if (round >= 0)
            printf("%.2f\n", (own_nanoseconds() - begin) / (double)count);
    }
    return 0;
}
