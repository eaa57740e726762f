/* Waiting for the next record without taking the processor away from the producer. */
#include "log.h"

#include "../sys.h"

#include <linux/futex.h>
#include <linux/time.h>

#define SPINS 100 /* with a pause each: about 2 µs */
/* A busy server doesn't feel these; sleeping on a futex would cost it 10 µs a wake-up. Longer naps mean fewer
 * switches for the reader (they were half of its time at 50 µs) and batches that stay in its cache. */
#define NAP_NS 200000
/* Each nap of one silence is twice as long as the last: 200 µs while events flow, and an idle server (ten
 * ticks a second) costs its follower four of them a tick before the futex, which is cheaper from there on. */
#define LONGEST_NAP_NS 1600000
#define FIRST_SLEEP_NS 1000000 /* bounds the one wake-up that can be missed (struct mv_log_sleepers) */
#define LATER_SLEEP_NS 1000000000

struct moment { /* the kernel's struct __kernel_timespec */
    int64_t seconds;
    int64_t nanoseconds;
};

static struct moment now(void) {
    struct moment t = {0, 0};
    mv_sys2(__NR_clock_gettime, CLOCK_MONOTONIC, (long)&t);
    return t;
}

static struct moment later(struct moment t, int64_t nanoseconds) {
    t.nanoseconds += nanoseconds;
    t.seconds += t.nanoseconds / 1000000000;
    t.nanoseconds %= 1000000000;
    return t;
}

static const uint32_t *death_word(const struct mv_log_reader *r) {
    return &r->header->death[r->index].word;
}

int mv_log_owner_dead(const struct mv_log_reader *r) {
    return r->gone || mv_death_told(r->header, r->index);
}

/* 0: nothing yet. Death is looked at before the records: what was published before it is told first. */
static int ready(const struct mv_log_reader *r, const uint32_t *stop, uint32_t stop_value) {
    int dead = mv_log_owner_dead(r);
    if (mv_load_acquire64(&r->header->published) != r->position)
        return MV_LOG_EVENT;
    if (dead)
        return MV_LOG_OWNER_DEAD;
    return stop && mv_load_acquire32(stop) != stop_value ? MV_LOG_STOP : 0;
}

/* 0: for so long nothing was told, and no word is linked that would tell of the owner's death. */
static int sleep_until_woken(struct mv_log_reader *r, const uint32_t *stop, uint32_t stop_value) {
    uint32_t wake = mv_load_acquire32(&r->header->wake);
    uint32_t alive = mv_load_acquire32(death_word(r));
    /* The atomic or is a full fence: the bit is set before `published` is looked at again. A bit that is set
     * already was seen by whatever the writer did since; so only a fresh one needs the short time-out. */
    uint32_t bit = 1u << r->index;
    int fresh = (mv_load_relaxed32(&r->sleepers->bits) & bit) == 0;
    if (fresh)
        mv_or32(&r->sleepers->bits, bit);
    if ((alive & FUTEX_OWNER_DIED) || ready(r, stop, stop_value))
        return 1;
    struct futex_waitv on[3] = {
        {.val = wake, .uaddr = (uintptr_t)&r->header->wake, .flags = FUTEX_32},
        {.val = alive, .uaddr = (uintptr_t)death_word(r), .flags = FUTEX_32},
        {.val = stop_value, .uaddr = (uintptr_t)stop, .flags = FUTEX_32},
    };
    struct moment until = later(now(), fresh ? FIRST_SLEEP_NS : LATER_SLEEP_NS);
    long woken = mv_sys5(__NR_futex_waitv, (long)on, stop ? 3 : 2, 0, (long)&until, CLOCK_MONOTONIC);
    return fresh || woken != -110 /* ETIMEDOUT */ || mv_load_acquire32(death_word(r));
}

int mv_log_wait(struct mv_log_reader *r, const uint32_t *stop, uint32_t stop_value) {
    int why;
    for (int i = 0; i < SPINS; i++) {
        if ((why = ready(r, stop, stop_value)))
            return why;
        mv_pause();
    }
    for (int64_t length = NAP_NS; length <= LONGEST_NAP_NS; length *= 2) {
        const struct moment nap = {0, length};
        mv_sys2(__NR_nanosleep, (long)&nap, 0);
        if ((why = ready(r, stop, stop_value)))
            return why;
    }
    while (!(why = ready(r, stop, stop_value)))
        if (!sleep_until_woken(r, stop, stop_value))
            return MV_LOG_UNTOLD;
    if (mv_load_relaxed32(&r->sleepers->bits) & (1u << r->index))
        mv_and32(&r->sleepers->bits, ~(1u << r->index));
    return why;
}
