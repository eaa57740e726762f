/* Barriers: every role waits for all the threads, in libc's own; who of them is told that it is the one, the
 * leader says.
 *
 * A leader may die when some threads of a round have their records and others do not; and here libc may have
 * named another one than in the leader. So it is counted, for each barrier, how many more were told by
 * records than were named here: who has no record is told what makes it even. Before the same threads can
 * pass the barrier again, all of a round are told. (Threads that meet in changing groups may get a round's
 * outcome that belongs to another one of the same barrier.) */
#include "interpose.h"

#include "../log/barriers.h"

#define SERIAL (-1) /* PTHREAD_BARRIER_SERIAL_THREAD */

/* No more than threads: of an uneven round one at least has not been told yet. */
static struct {
    uint64_t at;
    int32_t ahead;
} rounds[MV_MAX_THREADS];
static uint32_t lock;
uint32_t mv_barriers_uneven; /* written under the lock */

/* Only within hooks, where nobody is parked. */
static void enter(void) {
    for (uint32_t spins = 0; !mv_swap32(&lock, 0, 1); spins++)
        mv_order_pause(spins);
}

static void leave(void) {
    mv_store_release32(&lock, 0);
}

static int32_t ahead_at(uint64_t at) {
    for (uint32_t i = 0; i < mv_barriers_uneven; i++)
        if (rounds[i].at == at)
            return rounds[i].ahead;
    return 0;
}

static void add(uint64_t at, int32_t more) {
    uint32_t i = 0, end = mv_barriers_uneven;
    while (i < end && rounds[i].at != at)
        i++;
    if (!more || (i == end && end == MV_MAX_THREADS))
        return;
    if (i == end) {
        rounds[i].at = at;
        rounds[i].ahead = 0;
        mv_store_release32(&mv_barriers_uneven, end + 1);
    }
    if (!(rounds[i].ahead += more)) {
        rounds[i] = rounds[end - 1];
        mv_store_release32(&mv_barriers_uneven, end - 1);
    }
}

/* A process of its own, which has no other thread: who had the lock, or was owed a round, is not in it. */
void mv_barriers_after_fork(void) {
    lock = mv_barriers_uneven = 0;
}

/* By a record that does not count as read yet: a takeover, which begins when all are, finds it counted. */
void mv_barrier_told(const struct mv_thread *self, uint64_t at, long told) {
    enter();
    add(at, (told == SERIAL) - (self->barrier_result == SERIAL));
    leave();
}

static int made_even(uint64_t at, int result) {
    if (!mv_load_acquire32(&mv_barriers_uneven))
        return result;
    enter();
    int32_t ahead = ahead_at(at);
    int told = ahead > 0 && result == SERIAL ? 0 : ahead < 0 && result == 0 ? SERIAL : result;
    add(at, (told == SERIAL) - (result == SERIAL));
    leave();
    return told;
}

int mv_barrier_passed(void *at, int result, void *caller) {
    struct mv_thread *self = mv_self;
    if (!self)
        return result;
    for (;;) {
        mv_hook_begin(
            self); /* no promotion: nobody parks in a hook. Only a dead leader's follower may go solo. */
        if (!mv_replays(caller)) {
            int told = made_even((uint64_t)at, result);
            if (self->log && mv_ordered(self, caller))
                mv_order_publish(self, MV_ORDER_BARRIER, (uint64_t)at, told);
            else if (self->in_event == MV_IN_HOOK)
                self->in_event = MV_IN_PROGRAM;
            mv_hook_end(self);
            return told;
        }
        mv_hook_end(self);
        self->barrier_result = result;
        long told = mv_order_turn(self, MV_ORDER_BARRIER, (uint64_t)at);
        if (told == MV_ORDER_PROMOTED)
            continue;
        if (mv_order_taken(self))
            return (int)told;
        result = (int)told; /* the leader is dead, and somebody may follow us already */
    }
}
