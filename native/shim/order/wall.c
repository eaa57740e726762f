/* The wall of clocks: published values in the leader, turns in the follower. */
#include "../fault/fault.h"
#include "../log/barriers.h"
#include "../roles/reconcile.h"
#include "../roles/record.h"
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

void mv_order_start(int running, int followed) {
    mv_order_objects_find();
    mv_order_descriptors_start(followed);
    if (followed) /* these count on with the clocks and words that there are */
        return;
    for (uint32_t i = 0; i < CLOCKS; i++)
        wall[i] = 0;
    /* A turn that a dead leader gave is void for who is copied now, still waiting for the object, and for his
     * copy. */
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        area->turn_taking = 0;
    mv_order_progress_start(running);
    mv_moment_start();
}

void mv_order_publish(struct mv_thread *self, enum mv_order_kind kind, uint64_t object, long result) {
    uint32_t clock = clock_of(object);
    mv_fault(MV_FAULT_LOCK_TAKEN);
    uint64_t words;
    struct mv_event *event = mv_leader_begin_order(self, kind, result, &words);
    /* Under the lock: two acquisitions of one lock can't be numbered in another order than they happened. */
    uint32_t value = __atomic_fetch_add(&wall[clock], 1, __ATOMIC_ACQ_REL);
    mv_fault(MV_FAULT_LOCK_NUMBERED);
    if (event)
        mv_leader_publish_order(self, event, words, kind, object, clock, value, result);
}

/* Threads of the follower that sleep until a clock goes on. Their turns may come one by one at a lock that
 * all want: each is woken for its own alone (a bit of its value), else most that were woken would sleep
 * again. */
static uint16_t sleepers[CLOCKS] __attribute__((aligned(64)));

static uint32_t bit_of(uint32_t value) {
    return 1u << (value & 31);
}

static void sleep_until_it_goes_on(uint32_t clock, uint32_t now, uint32_t value) {
    /* Told before the kernel compares the clock: whoever moves it sees the sleeper, or the kernel sees it
     * moved. */
    __atomic_add_fetch(&sleepers[clock], 1, __ATOMIC_SEQ_CST);
    mv_order_sleep(&wall[clock], now, bit_of(value));
    __atomic_sub_fetch(&sleepers[clock], 1, __ATOMIC_RELAXED);
}

/* The clock was just moved (SEQ_CST). */
static void wake_whose_turn_it_is(uint32_t clock, uint32_t value) {
    if (__atomic_load_n(&sleepers[clock], __ATOMIC_SEQ_CST))
        mv_order_wake(&wall[clock], bit_of(value));
}

/* Turns that have been taken, by anybody. */
static uint32_t turns_taken;

/* A turn can only be lost when the leader is dead. It is looked for once no other one has been taken for a
 * nap, by one thread at a time, and never for more than a tenth of the time: the look goes through all unread
 * records, which may be many, and takes the processor from whoever reads them. 1: it is there, and whoever is
 * to take it waits for something else. */
static int look_for_lost(uint32_t clock, uint32_t now) {
    static struct {
        uint64_t not_before; /* CLOCK_MONOTONIC, ns */
        uint32_t busy;
    } look;
    uint64_t begin = mv_now();
    if (begin < mv_load_relaxed64(&look.not_before) || !mv_swap32(&look.busy, 0, 1))
        return 0;
    int lost = mv_turn_is_lost(clock, now);
    if (lost &&
        __atomic_compare_exchange_n(&wall[clock], &now, now + 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
        wake_whose_turn_it_is(clock, now + 1);
    uint64_t end = mv_now();
    mv_store_relaxed64(&look.not_before, end + 9 * (end - begin));
    mv_store_release32(&look.busy, 0);
    return !lost;
}

static void wait_until(uint32_t clock, uint32_t value) {
    uint32_t now, seen = value, taken = 0;
    for (uint32_t pauses = 0; (now = __atomic_load_n(&wall[clock], __ATOMIC_ACQUIRE)) != value; pauses++) {
        if (pauses < MV_ORDER_SPINS)
            __builtin_ia32_pause();
        else
            sleep_until_it_goes_on(clock, now, value);
        if (mv.role != MV_ROLE_FOLLOWER)
            break;
        if (pauses < MV_ORDER_LONG || !mv_leader_dead())
            continue;
        uint32_t before = taken;
        taken = __atomic_load_n(&turns_taken, __ATOMIC_RELAXED);
        if (now != seen)
            mv_store_release32(&mv_self->waits, 0);
        seen = now;
        if (taken == before && look_for_lost(clock, now))
            mv_store_release32(&mv_self->waits, 1);
    }
    mv_store_release32(&mv_self->waits, 0);
}

static long await_turn(struct mv_thread *self, enum mv_order_kind kind, uint64_t object) {
    if (mv_rules_image)
        mv_call_on_shim_stack(mv_reconcile_before_order, self, self->stack_top - sizeof(struct mv_frame));
    const struct mv_event *event = mv_follower_next(self);
    if (!event)
        return MV_ORDER_PROMOTED;
    if (event->call != MV_CALL_ORDER || event->args[0] != (uint64_t)kind ||
        mv_order_objects_differ(object, event->args[1])) {
        uint64_t args[6] = {(uint64_t)kind, object, 0, 0, 0, 0};
        if (mv_takeover_at(self, event->call == __NR_exit_group ? MV_DIFFERS_END : MV_DIFFERS_ORDER))
            return MV_ORDER_PROMOTED;
        mv_diverged(self, MV_DIFFERS_ORDER, 0, event, MV_CALL_ORDER, args,
                    (uint64_t)__builtin_return_address(0), NULL, 0);
    }
    uint32_t clock = (uint32_t)event->args[2] % CLOCKS;
    uint32_t value = (uint32_t)event->args[3];
    long result = (long)event->result;
    wait_until(clock, value);
    if (kind == MV_ORDER_BARRIER)
        mv_barrier_told(self, object, result);
    self->turn_clock = clock;
    self->turn_value = value;
    __atomic_store_n(&self->turn_taking, 1, __ATOMIC_RELEASE); /* before the record counts as read (lost.c) */
    mv_fault(MV_FAULT_TURN_COME);
    mv_log_consume(&self->reader);
    return result;
}

/* On the program's stack, where a kick would park the thread at once: also in the middle of a takeover, once
 * the role has changed. Its copy would go on with that takeover. */
long mv_order_turn(struct mv_thread *self, enum mv_order_kind kind, uint64_t object) {
    mv_hook_begin(self);
    long result = await_turn(self, kind, object);
    mv_hook_end_settled(self);
    return result;
}

int mv_order_taken(struct mv_thread *self) {
    mv_hook_begin(self); /* no copy is made, which begins the wall anew, between the look and the store */
    int counts = (int)self->turn_taking;
    if (counts) {
        __atomic_store_n(&wall[self->turn_clock], self->turn_value + 1, __ATOMIC_SEQ_CST);
        wake_whose_turn_it_is(self->turn_clock, self->turn_value + 1);
        __atomic_store_n(&self->turn_taking, 0, __ATOMIC_RELEASE);
        __atomic_add_fetch(&turns_taken, 1, __ATOMIC_RELAXED);
    }
    mv_hook_end(self);
    mv_asked_again(self);
    return counts;
}
