/* Waits for conditions, in a process that changes its role.
 *
 * A follower does not wait: the leader's thread came back at this point of the mutex's order, so what it
 * waited for holds. A condition is told once, and another waiter than the leader's might get the signal; so
 * no thread of a follower stands in libc's queue. One whose wait began in another role leaves it: there the
 * sleep fails as if a time limit had passed, by which libc takes the thread out of the waiters, and the turn
 * decides about the result. (A libc whose wait without a limit is FUTEX_WAIT, as before 2.33, takes no such
 * answer: its threads stay.)
 *
 * Such threads *stand apart*. When the follower is promoted they go into libc's queue, and wait. They are not
 * told that they were woken, though POSIX allows that: a server that takes each wake-up for a signal is not
 * to do what nobody asked for (memcached doubles its hash table). But a signal that came while a thread stood
 * apart, and that no record has answered yet, is its own: then the wait is over. Several that stand apart at
 * one condition are all told of one signal; for all but one that is a wake-up for nothing, as POSIX allows.
 *
 * No signal is lost:
 * - between the look for one and libc's queue: it is looked for when the thread has entered that, at its
 * sleep, and whoever signals tells those that stand apart first and libc next.
 * - in libc's queue, before the thread has left it: then the word that it sleeps by has changed.
 * - between that and the look whether anybody stands apart: whoever signals looks once more behind it.
 *
 * A thread stands apart since before it gives the mutex, and looks at the role behind that; whoever changes
 * the role decides behind that whether calls are looked at (calls/dispatch.c). So its sleep is seen. */
#include "../calls/guard.h"
#include "../fault/fault.h"
#include "../log/barriers.h"
#include "../update/update.h"
#include "interpose.h"

#include <asm/unistd.h>

#define FUTEX_WAIT_BITSET 9u
#define CONDITION_SIZE    48u /* sizeof(pthread_cond_t) */

uint32_t mv_conditions_apart;

static void stand(struct mv_thread *self, uint32_t apart) {
    if (self->condition_apart == apart)
        return;
    __atomic_store_n(&self->condition_apart, apart, __ATOMIC_SEQ_CST);
    if (apart)
        __atomic_add_fetch(&mv_conditions_apart, 1, __ATOMIC_SEQ_CST);
    else if (!__atomic_sub_fetch(&mv_conditions_apart, 1, __ATOMIC_SEQ_CST) && mv.role == MV_ROLE_SOLO)
        mv_fast_calls_for_role();
}

/* 0: not in a follower (any more). */
static int stand_apart(struct mv_thread *self) {
    stand(self, 1);
    if (__atomic_load_n(&mv.role, __ATOMIC_SEQ_CST) == MV_ROLE_FOLLOWER)
        return 1;
    stand(self, 0);
    return 0;
}

/* Its sleep, as a call: 1, it fails as if its time were over. */
int mv_condition_leaves(struct mv_thread *self, const struct mv_frame *frame) {
    uint32_t word;
    if (self->restarts && self->semaphore) /* libc takes it out of the waiters, as for a condition */
        return frame->rdi == self->semaphore;
    if (((uint32_t)frame->rsi & 0x7f) != FUTEX_WAIT_BITSET || frame->rdi - self->condition >= CONDITION_SIZE)
        return 0;
    if (mv.role == MV_ROLE_FOLLOWER) {
        if (!mv_ordered(self, (void *)self->condition_caller))
            return 0;
        int signalled = !self->condition_apart && !mv_guard_load32((const void *)frame->rdi, &word) &&
                        word != (uint32_t)frame->rdx;
        if (self->condition_apart || stand_apart(self)) {
            if (signalled)
                __atomic_store_n(&self->condition_told, 1, __ATOMIC_RELEASE);
            self->condition_left = 1;
            return 1;
        }
    }
    if (!self->condition_apart)
        return 0;
    self->condition_left = __atomic_load_n(&self->condition_told, __ATOMIC_SEQ_CST);
    if (!self->condition_left)
        stand(self, 0); /* whoever signals from here on finds it in libc's queue */
    return (int)self->condition_left;
}

void mv_condition_begins(const void *condition, void *caller) {
    struct mv_thread *self = mv_self;
    if (!self)
        return;
    stand(self, 0); /* (a wait that was cancelled) */
    self->condition_left = self->condition_told = 0;
    self->condition_caller = (uint64_t)caller;
    mv_store_release64(&self->condition, (uint64_t)condition);
}

int mv_condition_ends(int result) {
    struct mv_thread *self = mv_self;
    if (self)
        mv_condition_forget(self);
    return result;
}

/* Its thread ends, or waits no more. */
void mv_condition_forget(struct mv_thread *self) {
    self->condition = 0;
    stand(self, 0);
}

/* A process of its own, which has no other thread. */
void mv_conditions_after_fork(void) {
    mv_self->condition_apart = mv_conditions_apart = 0;
}

static int is_told(const struct mv_thread *self) {
    return __atomic_load_n(&self->condition_told, __ATOMIC_ACQUIRE) != 0;
}

/* Follower, which holds the mutex: 1, the wait is over. 0: the leader is dead, and nobody has signalled yet.
 * Who does not hold the mutex can't wait, and is told so by libc. */
int mv_condition_in_turn(const struct mv_object *mutex, void *at, int *told, void *caller) {
    struct mv_thread *self = mv_self;
    if (!stand_apart(self))
        return 0;
    int given = mutex->give(at) == 0;
    if (mv_acquire_in_turn(self, given ? mutex : &mv_no_object, MV_ORDER_WAIT, at, told, caller))
        return 1;
    if (given)
        mutex->take(at);
    if (!is_told(self)) {
        mv_fault(MV_FAULT_CONDITION_UNTOLD);
        return 0;
    }
    *told = mv_order_settle(mutex, MV_ORDER_WAIT, at, 0, caller);
    return 1;
}

/* Behind libc's wait: 1, it is over. 0: it goes on, in the role that is valid now. */
int mv_condition_settled(const struct mv_object *mutex, void *at, int result, int *told, void *caller) {
    struct mv_thread *self = mv_self;
    int left = self && self->condition_left;
    if (self && self->restarts) {
        mutex->give(at);
        mv_begin_anew(self);
    }
    if (left) {
        self->condition_left = 0;
        if (mv_replays(caller) || !is_told(self))
            return 0;
    }
    *told = mv_order_settle(mutex, MV_ORDER_WAIT, at, left ? 0 : result, caller);
    return 1;
}

/* Somebody signals: before libc does, and behind it. */
void mv_condition_signalled(const void *condition) {
    if (__builtin_expect(!__atomic_load_n(&mv_conditions_apart, __ATOMIC_SEQ_CST), 1))
        return;
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        if (mv_load_acquire32(&area->condition_apart) &&
            mv_load_acquire64(&area->condition) == (uint64_t)condition)
            __atomic_store_n(&area->condition_told, 1, __ATOMIC_SEQ_CST);
}
