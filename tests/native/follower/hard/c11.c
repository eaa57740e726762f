/* The threads of C11: mtx_*, cnd_*, call_once, tss_*. */
#include "hard.h"

#include <threads.h>
#include <time.h>

static mtx_t plain, recursive, timed, gate;
static cnd_t filled;
static long items, mixed;

static long c11_mutexes(struct connection *own, int member, long n) {
    struct timespec far = until(CLOCK_REALTIME, 1000000);
    (void)own;
    for (long i = 0; i < n; i++) {
        if (i % 2 || mtx_trylock(&plain) == thrd_busy)
            CHECK(mtx_lock(&plain) == thrd_success);
        mixed = mixed * 31 + member;
        witness(mixed);
        long seen = mixed;
        CHECK(mtx_unlock(&plain) == thrd_success);
        CHECK(mtx_timedlock(&timed, &far) == thrd_success);
        CHECK(mtx_lock(&recursive) == thrd_success);
        CHECK(mtx_lock(&recursive) == thrd_success);
        witness(seen);
        CHECK(mtx_unlock(&recursive) == thrd_success);
        CHECK(mtx_unlock(&recursive) == thrd_success);
        CHECK(mtx_unlock(&timed) == thrd_success);
    }
    return n;
}

static long c11_conditions(struct connection *own, int member, long n) {
    static long taken;
    struct timespec far = until(CLOCK_REALTIME, 1000000);
    (void)own;
    for (long i = 0; i < n; i++) {
        CHECK(mtx_lock(&gate) == thrd_success);
        items++;
        CHECK((i % 4 ? cnd_signal(&filled) : cnd_broadcast(&filled)) == thrd_success);
        CHECK(mtx_unlock(&gate) == thrd_success);
        CHECK(mtx_lock(&gate) == thrd_success);
        while (!items)
            CHECK((i % 2 ? cnd_wait(&filled, &gate) : cnd_timedwait(&filled, &gate, &far)) == thrd_success);
        items--;
        taken = taken * 31 + member;
        witness(taken);
        CHECK(mtx_unlock(&gate) == thrd_success);
        if (member == 0) {
            struct timespec soon = until(CLOCK_REALTIME, 1);
            static cnd_t never;
            CHECK(mtx_lock(&plain) == thrd_success);
            while (cnd_timedwait(&never, &plain, &soon) == thrd_success)
                ;
            witness(mixed);
            CHECK(mtx_unlock(&plain) == thrd_success);
        }
    }
    return n;
}

/* Flags enough for a long run; each is used once, by a whole crew. */
#define FLAGS 100000
static once_flag flags[FLAGS];
static long flag_count, first[64], calls;
static void begin_once(void) {
    witness(take_numbers(&calls, 1)); /* whoever calls first makes calls */
}
static long choose_flags(struct connection *own, long n) {
    CHECK(own->fd < 64 * 1024);
    long from = take_numbers(&flag_count, n);
    first[own->fd % 64] = from;
    return 0;
}
static long c11_once(struct connection *own, int member, long n) {
    (void)member;
    for (long i = 0; i < n; i++)
        call_once(&flags[(first[own->fd % 64] + i) % FLAGS], begin_once);
    return n;
}

__attribute__((constructor)) static void make(void) {
    CHECK(mtx_init(&plain, mtx_plain) == thrd_success);
    CHECK(mtx_init(&recursive, mtx_plain | mtx_recursive) == thrd_success);
    CHECK(mtx_init(&timed, mtx_timed) == thrd_success);
    CHECK(mtx_init(&gate, mtx_plain) == thrd_success);
    CHECK(cnd_init(&filled) == thrd_success);
}

const struct command c11_commands[] = {{"c11mutex", NULL, c11_mutexes, NULL},
                                       {"c11cond", NULL, c11_conditions, NULL},
                                       {"c11once", choose_flags, c11_once, NULL},
                                       {NULL, NULL, NULL, NULL}};
