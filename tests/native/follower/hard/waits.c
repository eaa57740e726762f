/* Conditions, semaphores, barriers. */
#include "hard.h"

#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <time.h>

/* A queue for all connections: each member puts n items in and takes n out, whosever they are. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;
static long items, taken;

static void put(long i) {
    pthread_mutex_lock(&lock);
    items++;
    if (i % 4 == 0)
        pthread_cond_broadcast(&filled);
    else
        pthread_cond_signal(&filled);
    pthread_mutex_unlock(&lock);
}

static long produce_and_consume(struct connection *own, int member, long n) {
    struct timespec far = until(CLOCK_MONOTONIC, 1000000), real = until(CLOCK_REALTIME, 1000000);
    (void)own;
    for (long i = 0; i < n; i++) {
        if (member % 2)
            put(i);
        pthread_mutex_lock(&lock);
        if (member % 2 == 0) {
            items++; /* and signals late, without the lock */
            pthread_mutex_unlock(&lock);
            pthread_cond_signal(&filled);
            pthread_mutex_lock(&lock);
        }
        while (!items)
            CHECK((i % 3 == 0   ? pthread_cond_wait(&filled, &lock)
                   : i % 3 == 1 ? pthread_cond_timedwait(&filled, &lock, &real)
                                : pthread_cond_clockwait(&filled, &lock, CLOCK_MONOTONIC, &far)) == 0);
        items--;
        taken = taken * 31 + member;
        witness(taken);
        pthread_mutex_unlock(&lock);
    }
    return n;
}

/* Nobody signals: the time runs out, while others take the mutex. */
static long wait_in_vain(struct connection *own, int member, long n) {
    static pthread_mutex_t common = PTHREAD_MUTEX_INITIALIZER;
    static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
    static long mixed;
    (void)own;
    for (long i = 0; i < n; i++) {
        struct timespec end = until(CLOCK_REALTIME, 1 + member);
        int result = 0;
        pthread_mutex_lock(&common);
        while (result == 0)
            result = pthread_cond_timedwait(&never, &common, &end);
        CHECK(result == ETIMEDOUT);
        witness(mixed = mixed * 31 + member);
        pthread_mutex_unlock(&common);
    }
    return n;
}

/* Two places for all crews together. */
static sem_t places, never;
static long inside;
static long through_semaphore(struct connection *own, int member, long n) {
    struct timespec real = until(CLOCK_REALTIME, 1000000), far = until(CLOCK_MONOTONIC, 1000000);
    (void)own;
    for (long i = 0; i < n; i++) {
        switch (i % 4) {
        case 0:
            CHECK(sem_timedwait(&places, &real) == 0);
            break;
        case 1:
            CHECK(sem_clockwait(&places, CLOCK_MONOTONIC, &far) == 0);
            break;
        case 2:
            if (sem_trywait(&places) == 0)
                break;
            CHECK(errno == EAGAIN);
            /* fall through */
        default:
            CHECK(sem_wait(&places) == 0);
        }
        long now = __atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST);
        CHECK(now >= 1 && now <= 2);
        __atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
        sem_post(&places);
    }
    struct timespec soon = until(CLOCK_REALTIME, 1 + member);
    CHECK(sem_timedwait(&never, &soon) == -1 && errno == ETIMEDOUT);
    return n;
}

/* All members together, again and again; one of them each time is told that it is the one. */
struct shared {
    pthread_barrier_t barrier;
    long step;
};
static struct shared rooms[256];
static long room_count;
static long make_barrier(struct connection *own, long n) {
    (void)n;
    if (own->shared)
        return 0;
    long room = take_numbers(&room_count, 1) % 256;
    own->shared = &rooms[room];
    own->shared->step = 0;
    CHECK(pthread_barrier_init(&own->shared->barrier, NULL, CREW) == 0);
    return 0;
}
static long pass_barrier(struct connection *own, int member, long n) {
    long chosen = 0;
    (void)member;
    for (long i = 0; i < n; i++) {
        if (pthread_barrier_wait(&own->shared->barrier)) { /* PTHREAD_BARRIER_SERIAL_THREAD */
            witness(++own->shared->step);
            chosen++;
        }
        pthread_barrier_wait(&own->shared->barrier);
    }
    return chosen;
}

/* One of them keeps the time, and is at the barrier next: where the others, who go on when it has come to its
 * next event, come only later. */
static long meet(struct connection *own, int member, long n) {
    for (long i = 0; i < n; i++) {
        if (member == 0) {
            (void)poll(NULL, 0, 1);
            (void)until(CLOCK_MONOTONIC, 0);
        } else {
            for (long step = 0; step < 50; step++)
                witness(step);
        }
        pthread_barrier_wait(&own->shared->barrier);
    }
    return n;
}

__attribute__((constructor)) static void make_semaphores(void) {
    sem_init(&places, 0, 2);
    sem_init(&never, 0, 0);
}

const struct command wait_commands[] = {
    {"queue", NULL, produce_and_consume, NULL},   {"invain", NULL, wait_in_vain, NULL},
    {"semaphore", NULL, through_semaphore, NULL}, {"barrier", make_barrier, pass_barrier, NULL},
    {"meeting", make_barrier, meet, NULL},        {NULL, NULL, NULL, NULL}};
