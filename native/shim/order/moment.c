/* A moment: what a timekeeping thread does between a reading of the clock and its next event, alone.
 *
 * Servers let one thread read the clock once a second and store it where all others read it, without a lock.
 * In the follower each of them must find the old time or the new one where its leader's did. So the tick is
 * given an order: the leader's timekeeper returns from a reading that crossed a second only when every other
 * thread has come to an event, and those that are done with theirs stay in it until the timekeeper has come
 * to its next. Nothing overlaps then: the reading's record names (order words) the events that the others
 * have come to, and each of their records names the event that ended the moment. The follower waits by these
 * words alone.
 *
 * A timekeeper is a thread that has read the clock after a wait that ran out of time. As a follower is made,
 * it is not known which threads are: the first seconds that a thread crosses then count as a timekeeper's.
 * (Its wait may have been ended by something else just when the time was up.) And a thread that makes another
 * one, as servers do that start, may store a first time for it in a second that it has read before: its next
 * reading counts, too, as long as it is presumed. Readings that follow each other
 * belong to one moment. Others wait some microseconds, once a second, never longer than LIMIT; a
 * timekeeper that finds no moment tries again, TRIES times. Whoever has waited for LIMIT closes the moment
 * for all: a timekeeper that computes, or waits for another thread (pthread_join), holds the others up once,
 * not at each of their events.
 *
 * Asymmetric: a thread that leaves its event stores `in_event` and loads `open`, with no fence between; the
 * timekeeper stores `open`, makes all others' processors pass a barrier (membarrier), then loads `in_event`.
 * So either it is seen as being in the program, or it sees the moment.
 *
 * Not exact, and counted: no moment was found (a thread computes, or got no processor); the timekeeper itself
 * got none for longer than LIMIT within its moment; a thread was in a futex wait of the program's own. The
 * follower may find another time then than its leader: it goes on until that shows in a call, and is ended by
 * name. Times that change more often than once a second, or that are stored by a thread that never runs out
 * of time, have no moments. */
#include "../log/barriers.h"
#include "../roles/roles.h"
#include "../sys.h"
#include "order.h"

#define LIMIT_NS  1000000
#define TRIES     20
#define READINGS  8 /* of one moment */
#define PRESUMED  16
#define SPINS     300
#define REGISTER  16 /* MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED */
#define EXPEDITED 8
#define EPERM     (-1L)

static struct {
    uint32_t open;   /* futex; the moment that is, or is being found: number and whose (slot + 1); 0: none */
    uint32_t opened; /* the number of the last one */
    uint32_t count;  /* moments that have ended */
    uint32_t missed; /* readings without one, and moments that others did not wait for the end of */
} moment __attribute__((aligned(64)));

uint32_t mv_moments_count(void) {
    return mv_load_relaxed32(&moment.count);
}

/* Publishing begins; nobody else runs. */
void mv_moment_start(void) {
    moment.open = 0;
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area)) {
        area->in_event = area->moment = area->moments = 0;
        area->presumed = PRESUMED;
        for (uint32_t clock = 0; clock < MV_CLOCKS; clock++)
            area->clock_seconds[clock] = 0;
    }
    moment.count = 0;
}

#define OWNER 0xffu
_Static_assert(MV_MAX_THREADS < OWNER, "slot + 1");

/* Is another thread within its moment? */
int mv_moment_is_anothers(const struct mv_thread *self) {
    uint32_t open = mv_load_acquire32(&moment.open);
    return open && (open & OWNER) != self->slot + 1;
}

/* 0: it was closed before; another one may be open by now. */
static int close_moment(uint32_t which) {
    if (!__atomic_compare_exchange_n(&moment.open, &which, 0, 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
        return 0;
    mv_sys3(__NR_futex, (long)&moment.open, 129 /* WAKE, private */, 0x7fffffff);
    return 1;
}

static void missed(void) {
    __atomic_add_fetch(&moment.missed, 1, __ATOMIC_RELAXED);
}

/* The timekeeper has come to its next event. */
void mv_moment_end(struct mv_thread *self) {
    self->moment = 0;
    mv_order_emit(self, 0);
    __atomic_add_fetch(&moment.count, 1, __ATOMIC_RELEASE); /* behind what it means */
    close_moment(self->own_moment);
}

/* Until the moment is closed that is open now; not longer than the limit. */
static void stay(void) {
    uint32_t which = mv_load_acquire32(&moment.open);
    for (uint32_t spins = 0; which && spins < SPINS; spins++) {
        if (mv_load_acquire32(&moment.open) != which)
            return;
        __builtin_ia32_pause();
    }
    uint64_t begin = mv_now();
    while (which && mv_load_acquire32(&moment.open) == which) {
        const int64_t limit[2] = {0, LIMIT_NS / 4};
        if (mv_now() - begin > LIMIT_NS) {
            if (close_moment(which))
                missed();
            return;
        }
        mv_sys4(__NR_futex, (long)&moment.open, 128 /* WAIT, private */, which, (long)limit);
    }
}

/* From here on a thread counts as being in the program. Another moment may be found in the instant in which
 * one is over: it is looked at anew, as often as there can be moments in a second. `from`: where it stays
 * until then; one that comes from no event must not be named as having come to its next. */
void mv_moment_enter(struct mv_thread *self, enum mv_where from) {
    for (uint32_t i = 0; i <= MV_MAX_THREADS; i++) {
        mv_store_release32(&self->in_event, MV_IN_PROGRAM);
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        if (__builtin_expect(!mv_moment_is_anothers(self), 1))
            return;
        mv_store_release32(&self->in_event, from);
        stay();
    }
    mv_store_release32(&self->in_event, MV_IN_PROGRAM);
}

/* A thread is done with its event. 1: its record must tell what others had done. */
int mv_moment_leave(struct mv_thread *self) {
    mv_moment_enter(self, MV_IN_EVENT);
    uint32_t count = mv_load_acquire32(&moment.count);
    int told = count != self->moments;
    self->moments = count;
    return told;
}

static int barrier(void) {
    long result = mv_sys3(__NR_membarrier, EXPEDITED, 0, 0);
    if (result == EPERM && !mv_sys3(__NR_membarrier, REGISTER, 0, 0))
        result = mv_sys3(__NR_membarrier, EXPEDITED, 0, 0);
    return result == 0;
}

/* Have all other threads come to an event? Which one is noted: they stay there, or, if we take too long, have
 * come to it all the same. */
static int all_have_come(const struct mv_thread *self, uint64_t begin) {
    uint32_t spins = 0, where;
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area)) {
        area->moment_word = 0;
        if (area == self || !area->log || mv_load_acquire32(&area->unpublished))
            continue;
        while ((where = mv_load_acquire32(&area->in_event)) == MV_IN_PROGRAM) {
            const int64_t nap[2] = {0, 20000};
            if (mv_load_relaxed32(&moment.open) != self->own_moment || mv_now() - begin > LIMIT_NS)
                return 0;
            if (spins++ < SPINS)
                __builtin_ia32_pause();
            else
                mv_sys2(__NR_nanosleep, (long)nap, 0);
        }
        if (where != MV_IN_WAIT) /* which is no event */
            area->moment_word = 1 + mv_order_word_of(area, mv_load_acquire64(&area->log->sequence));
    }
    return mv_load_relaxed32(&moment.open) == self->own_moment;
}

static int find(struct mv_thread *self) {
    uint32_t closed = 0;
    self->own_moment = __atomic_add_fetch(&moment.opened, 1, __ATOMIC_RELAXED) << 8 | (self->slot + 1);
    if (!__atomic_compare_exchange_n(&moment.open, &closed, self->own_moment, 0, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED)) {
        stay();
        return 0;
    }
    if (barrier() && all_have_come(self, mv_now()))
        return 1;
    close_moment(self->own_moment);
    return 0;
}

/* A reading of this thread's has crossed a second. */
void mv_moment_begin(struct mv_thread *self) {
    for (uint32_t i = 0; i < TRIES; i++) {
        const int64_t nap[2] = {0, 500000};
        if (find(self)) {
            self->moment = 1;
            return;
        }
        mv_sys2(__NR_nanosleep, (long)nap, 0);
    }
    missed();
}

/* The reading's record: what the others have come to. */
uint64_t mv_moment_words(const struct mv_thread *self, uint64_t *words) {
    uint64_t size = 0;
    for (struct mv_thread *area = mv_area_next(NULL); area && size < MV_ORDER_ROOM; area = mv_area_next(area))
        if (area != self && area->log && area->moment_word) {
            words[size / 8] = area->moment_word - 1;
            size += 8;
        }
    return size;
}

/* Does this reading begin a moment? `clock`: which one was read. */
int mv_moment_is_due(struct mv_thread *self, uint32_t clock, uint64_t second) {
    if (clock >= MV_CLOCKS || self->clock_seconds[clock] == second)
        return 0;
    self->clock_seconds[clock] = second;
    self->timekeeper |= self->timed_out;
    int presumed = self->presumed && self->presumed--;
    int keeps = self->timekeeper || presumed;
    return keeps && !self->moment;
}

/* Another reading, within a moment of this thread's: it goes on. 0: enough of them. */
int mv_moment_goes_on(struct mv_thread *self) {
    return self->moment++ < READINGS;
}

/* This thread makes another one. */
void mv_moment_makes_thread(struct mv_thread *self) {
    for (uint32_t clock = 0; self->presumed && clock < MV_CLOCKS; clock++)
        self->clock_seconds[clock] = 0;
}
