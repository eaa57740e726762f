/* The wall of clocks: published values in the leader, turns in the follower. */
#include "../fault/fault.h"
#include "../log/barriers.h"
#include "../roles/roles.h"
#include "../sys.h"
#include "order.h"

#define CLOCKS 1024u

/* Leader: the next value of each clock. Follower: the value whose turn it is. Per process, copied by the
 * fork. */
static uint32_t wall[CLOCKS] __attribute__((aligned(64)));
uint32_t mv_threads_exist;

static uint32_t clock_of(uint64_t object) {
    return (uint32_t)((object >> 3) * 2654435761u >> 16) % CLOCKS;
}

void mv_order_start(void) {
    for (uint32_t i = 0; i < CLOCKS; i++)
        wall[i] = 0;
}

void mv_order_publish(struct mv_thread *self, enum mv_order_kind kind, uint64_t object, long result) {
    uint32_t clock = clock_of(object);
    mv_fault(MV_FAULT_LOCK_TAKEN);
    /* Under the lock: two acquisitions of one lock can't be numbered in another order than they happened. */
    uint32_t value = __atomic_fetch_add(&wall[clock], 1, __ATOMIC_ACQ_REL);
    mv_fault(MV_FAULT_LOCK_NUMBERED);
    mv_leader_publish_order(self, kind, object, clock, value, result);
}

/* A clock that moves wakes nobody: turns are short, and a futex wake costs the waker 10 us. */
static void wait_until(const struct mv_thread *self, uint32_t clock, uint32_t value) {
    uint32_t now, spins = 0;
    for (; (now = __atomic_load_n(&wall[clock], __ATOMIC_ACQUIRE)) != value; spins++) {
        if (spins < 200) {
            __builtin_ia32_pause();
        } else {
            int64_t nap[2] = {0, spins < 300 ? 20000 : 200000};
            mv_sys2(__NR_nanosleep, (long)nap, 0);
        }
        if (mv.role != MV_ROLE_FOLLOWER)
            return;
        if (spins >= 300 && mv_log_owner_dead(&self->reader) && mv_turn_is_lost(clock, now))
            __atomic_compare_exchange_n(&wall[clock], &now, now + 1, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    }
}

long mv_order_turn(struct mv_thread *self, enum mv_order_kind kind, uint64_t object) {
    const struct mv_event *event = mv_follower_next(self);
    if (!event)
        return MV_ORDER_PROMOTED;
    if (event->call != MV_CALL_ORDER || event->args[0] != (uint64_t)kind) {
        uint64_t args[6] = {(uint64_t)kind, object, 0, 0, 0, 0};
        if (mv_takeover_at(self, event->call == __NR_exit_group ? MV_DIFFERS_END : MV_DIFFERS_ORDER))
            return MV_ORDER_PROMOTED;
        mv_diverged(self, MV_DIFFERS_ORDER, 0, event, MV_CALL_ORDER, args,
                    (uint64_t)__builtin_return_address(0), NULL, 0);
    }
    uint32_t clock = (uint32_t)event->args[2] % CLOCKS;
    uint32_t value = (uint32_t)event->args[3];
    long result = (long)event->result;
    wait_until(self, clock, value);
    self->turn_clock = clock;
    self->turn_value = value;
    __atomic_store_n(&self->turn_taking, 1, __ATOMIC_RELEASE); /* before the record counts as read (lost.c) */
    mv_fault(MV_FAULT_TURN_COME);
    mv_log_consume(&self->reader);
    return result;
}

void mv_order_taken(struct mv_thread *self) {
    __atomic_store_n(&wall[self->turn_clock], self->turn_value + 1, __ATOMIC_RELEASE);
    __atomic_store_n(&self->turn_taking, 0, __ATOMIC_RELEASE);
}
