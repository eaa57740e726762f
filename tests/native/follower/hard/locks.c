/* Mutexes of all kinds, read-write locks, spin locks. One of each for all connections. */
#include "hard.h"

#include <errno.h>
#include <time.h>

static pthread_mutex_t normal = PTHREAD_MUTEX_INITIALIZER, recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP,
                       checking = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP,
                       adaptive = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP, held = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t shared = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spin; /* 1 is unlocked */
static long mixed;              /* depends on who came first; under the lock at hand */

static void mix(long value) {
    mixed = mixed * 31 + value;
    witness(mixed);
}

static long count_normal(struct connection *own, int member, long n) {
    static long mixed_here;
    (void)own;
    for (long i = 0; i < n; i++) {
        pthread_mutex_lock(&normal);
        mixed_here = mixed_here * 31 + member;
        if (i % 16 == 0)
            witness(mixed_here);
        pthread_mutex_unlock(&normal);
    }
    return n;
}

static long count_recursive(struct connection *own, int member, long n) {
    (void)own;
    for (long i = 0; i < n; i++) {
        pthread_mutex_lock(&recursive);
        CHECK(pthread_mutex_trylock(&recursive) == 0);
        pthread_mutex_lock(&recursive);
        mix(member);
        pthread_mutex_unlock(&recursive);
        pthread_mutex_unlock(&recursive);
        mix(member); /* still held */
        pthread_mutex_unlock(&recursive);
    }
    return n;
}

static long count_checking(struct connection *own, int member, long n) {
    static long mixed_here;
    (void)own;
    for (long i = 0; i < n; i++) {
        CHECK(pthread_mutex_lock(&checking) == 0);
        CHECK(pthread_mutex_lock(&checking) == EDEADLK);
        CHECK(pthread_mutex_trylock(&checking) == EBUSY);
        witness(mixed_here = mixed_here * 31 + member);
        CHECK(pthread_mutex_unlock(&checking) == 0);
    }
    return n;
}

static long count_adaptive(struct connection *own, int member, long n) {
    static long mixed_here;
    (void)own;
    for (long i = 0; i < n; i++) {
        CHECK(pthread_mutex_lock(&adaptive) == 0);
        witness(mixed_here = mixed_here * 31 + member);
        CHECK(pthread_mutex_unlock(&adaptive) == 0);
    }
    return n;
}

/* How often it was busy shows in the witness alone. */
static long try(struct connection *own, int member, long n) {
    static long mixed_here;
    long busy = 0;
    (void)own;
    for (long i = 0; i < n; i++) {
        while (pthread_mutex_trylock(&normal)) {
            busy++;
            sched_yield();
        }
        witness(mixed_here = mixed_here * 31 + member + busy);
        pthread_mutex_unlock(&normal);
    }
    return n;
}

/* Times out, by each of the clocks. The mutex is held by the connection's own thread: or by another one's. */
static long hold(struct connection *own, long n) {
    (void)own;
    (void)n;
    pthread_mutex_lock(&held);
    return 0;
}
static long time_out(struct connection *own, int member, long n) {
    (void)own;
    for (long i = 0; i < n; i++) {
        int clock = (i + member) % 2 ? CLOCK_REALTIME : CLOCK_MONOTONIC;
        struct timespec end = until(clock, 2);
        CHECK((clock == CLOCK_REALTIME ? pthread_mutex_timedlock(&held, &end)
                                       : pthread_mutex_clocklock(&held, clock, &end)) == ETIMEDOUT);
    }
    return n;
}
static long let_go(struct connection *own, long n) {
    (void)own;
    (void)n;
    pthread_mutex_unlock(&held);
    return 0;
}

/* In time, though the lock is contended. */
static long in_time(struct connection *own, int member, long n) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static long mixed_here;
    struct timespec far = until(CLOCK_REALTIME, 1000000);
    (void)own;
    for (long i = 0; i < n; i++) {
        CHECK(pthread_mutex_timedlock(&lock, &far) == 0);
        witness(mixed_here = mixed_here * 31 + member);
        pthread_mutex_unlock(&lock);
    }
    return n;
}

static long read_and_write(struct connection *own, int member, long n) {
    static long mixed_here;
    struct timespec far = until(CLOCK_MONOTONIC, 1000000);
    (void)own;
    for (long i = 0; i < n; i++) {
        if ((i + member) % 3 == 0) {
            CHECK(pthread_rwlock_clockwrlock(&shared, CLOCK_MONOTONIC, &far) == 0);
            mixed_here = mixed_here * 31 + member;
        } else if (i % 4 || pthread_rwlock_tryrdlock(&shared)) {
            pthread_rwlock_rdlock(&shared);
        }
        witness(mixed_here);
        pthread_rwlock_unlock(&shared);
    }
    return n;
}

static long spin_round(struct connection *own, int member, long n) {
    static long mixed_here;
    (void)own;
    for (long i = 0; i < n; i++) {
        if (i % 2 || pthread_spin_trylock(&spin))
            pthread_spin_lock(&spin);
        mixed_here = mixed_here * 31 + member;
        long seen = mixed_here;
        pthread_spin_unlock(&spin);
        witness(seen);
    }
    return n;
}
__attribute__((constructor)) static void make_spin(void) {
    pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
}

/* A robust mutex whose owner ends: the next one is told and mends it, or nobody can have it any more. */
static void *take_and_end(void *mutex) {
    CHECK(pthread_mutex_lock(mutex) == 0);
    return NULL;
}
static void bequeath(pthread_mutex_t *mutex) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, take_and_end, mutex) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}
static long robust(struct connection *own, long n) {
    pthread_mutexattr_t attributes;
    pthread_mutex_t mutex;
    (void)own;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    for (long i = 0; i < n; i++) {
        CHECK(pthread_mutex_init(&mutex, &attributes) == 0);
        bequeath(&mutex);
        CHECK((i % 2 ? pthread_mutex_lock(&mutex) : pthread_mutex_trylock(&mutex)) == EOWNERDEAD);
        CHECK(pthread_mutex_consistent(&mutex) == 0);
        CHECK(pthread_mutex_unlock(&mutex) == 0);
        bequeath(&mutex);
        CHECK(pthread_mutex_lock(&mutex) == EOWNERDEAD);
        CHECK(pthread_mutex_unlock(&mutex) == 0);
        CHECK(pthread_mutex_lock(&mutex) == ENOTRECOVERABLE);
        CHECK(pthread_mutex_trylock(&mutex) == ENOTRECOVERABLE);
        pthread_mutex_destroy(&mutex);
    }
    pthread_mutexattr_destroy(&attributes);
    return n;
}

const struct command lock_commands[] = {{"mutex", NULL, count_normal, NULL},
                                        {"recursive", NULL, count_recursive, NULL},
                                        {"checking", NULL, count_checking, NULL},
                                        {"adaptive", NULL, count_adaptive, NULL},
                                        {"try", NULL, try, NULL},
                                        {"timeout", hold, time_out, let_go},
                                        {"intime", NULL, in_time, NULL},
                                        {"rwlock", NULL, read_and_write, NULL},
                                        {"spin", NULL, spin_round, NULL},
                                        {"robust", NULL, NULL, robust},
                                        {NULL, NULL, NULL, NULL}};
