/* Parking: every thread but the asking one stands still, at a place from which it can go on, here or in a
 * copy.
 *
 * A thread parks in the handler of a kick, or at the exit of the call in which the kick found it; a call that
 * the kick interrupted is made again by the role that is valid then.
 *
 * Races: a thread that is created while others park (the areas are walked until nothing new appears); a
 * thread that leaves the shim just as it is kicked (kicked again every 5 ms); one that exits instead (waited
 * for: in a copy nobody would tell those who join it); one that comes here when the others have been released
 * (each park has a number of its own); one that is kicked twice (the second kick is found in the copy, too).
 */
#include "../fault/fault.h"
#include "../log/barriers.h"
#include "../process/registers.h"
#include "../signals/signals.h"
#include "../sys.h"
#include "../update/update.h"
#include "roles.h"

#define PARK_LIMIT_NS    2000000000ull
#define KICK_INTERVAL_NS 5000000
#define EXIT_NAP_NS      50000 /* an exit under way takes about so long, and wakes nobody here */

extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));

static uint32_t parked_count; /* futex: raised by each thread that parks */
static uint32_t parking;      /* number of the park that is under way; 0: none */

/* glibc registers every thread's area as the thread begins, and takes a second registration for an error. */
static long rseq(const struct mv_thread *self, long flags) {
    return mv_sys4(__NR_rseq, (long)(self->fs_base + (uint64_t)__rseq_offset), 32, flags, 0x53053053);
}

/* Has this thread come as far? Only a second registration tells. */
static uint32_t is_rseq_registered(const struct mv_thread *self) {
    if (!&__rseq_size || !__rseq_size)
        return 0;
    long result = rseq(self, 0);
    if (result == 0)
        rseq(self, 1 /* UNREGISTER */);
    return result == -16 /* EBUSY */;
}

/* In the copy, on the copied stack, as the re-created thread. */
static void recreated(struct mv_thread *self) {
    self->tid = (uint32_t)mv_sys0(__NR_gettid);
    if (self->robust_head)
        mv_sys2(__NR_set_robust_list, (long)self->robust_head, 24);
    if (self->rseq_registered)
        rseq(self, 0);
    if (self->alt_stack[0])
        mv_sys2(__NR_sigaltstack, (long)self->alt_stack, 0);
    mv_thread_introduce(self);
    self->kicks = 0;
    self->log = NULL;
    mv_net_arm(self);
    mv_fault(MV_FAULT_THREAD_AGAIN);
    mv_scheduling_again(self);
    if (!mv.updating)
        mv_scheduling_give_way(self);
    mv_store_release32(&self->unborn, 0); /* behind its number */
    if (mv.updating)
        mv_arrival_await(self);
}

/* Where the thread is about to park. (In a copy a second kick finds it elsewhere, and asks for nothing.) */
void mv_park_note(struct mv_thread *self, const struct mv_stand *stand) {
    if (__atomic_load_n(&parking, __ATOMIC_ACQUIRE))
        self->stand = *stand;
}

/* In a copy: nobody is asked to park. */
void mv_park_forget(void) {
    parking = 0;
}

/* A follower's thread has come to a takeover, and stands there. */
void mv_park_come(struct mv_thread *self) {
    mv_store_release32(&self->come, 1);
    __atomic_add_fetch(&parked_count, 1, __ATOMIC_ACQ_REL);
    mv_sys3(__NR_futex, (long)&parked_count, 129, 1);
}

/* Stands still until the asking thread releases or copies. */
void mv_park(struct mv_thread *self) {
    size_t size = 0;
    uint32_t number = __atomic_load_n(&parking, __ATOMIC_ACQUIRE);
    if (!number)
        return; /* a late kick */
    uint32_t before = mv.role;
    int replaced = (int)self->mask_replaced;
    if (!replaced)
        mv_mask_replace(self); /* nothing may run here while the memory is being copied */
    mv_thread_unlink_death(self);
    __asm__("mov %%fs:0, %0" : "=r"(self->fs_base));
    self->rseq_registered = is_rseq_registered(self);
    mv_sys3(__NR_get_robust_list, 0, (long)&self->robust_head, (long)&size);
    mv_sys2(__NR_sigaltstack, 0, (long)self->alt_stack);
    mv_sent_pending(self);
    mv_scheduling_note(self);
    struct mv_register_state registers;
    mv_registers_save(&registers);
    if (mv_park_save(self->park_context)) {
        mv_registers_restore(&registers);
        recreated(self);
        return; /* the mask stays replaced in a follower */
    }
    /* Sequentially consistent, as the release is: either it comes after our store, or we see its own. */
    __atomic_store_n(&self->park_state, number, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&parked_count, 1, __ATOMIC_ACQ_REL);
    mv_sys3(__NR_futex, (long)&parked_count, 129, 1);
    while (__atomic_load_n(&self->park_state, __ATOMIC_ACQUIRE) == number &&
           __atomic_load_n(&parking, __ATOMIC_SEQ_CST) == number)
        mv_sys4(__NR_futex, (long)&self->park_state, 128, number, 0);
    if (before != mv.role && mv.role == MV_ROLE_FOLLOWER) { /* this process has given the lead away */
        mv_net_arm(self);
        mv_scheduling_give_way(self);
        return;
    }
    if (before == MV_ROLE_FOLLOWER && mv.role != before)
        mv_attention_raise(self, MV_ATTEND_SETTLE);
    if (mv.role == MV_ROLE_LEADER && self->log)
        mv_thread_link_death(self);
    mv_leader_deferral_again(self);
    if (!replaced)
        mv_mask_restore(self);
}

void mv_park_release(struct mv_thread *self) {
    __atomic_store_n(&parking, 0, __ATOMIC_SEQ_CST);
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area)) {
        if (area == self)
            continue;
        __atomic_store_n(&area->park_state, 0, __ATOMIC_SEQ_CST);
        mv_sys3(__NR_futex, (long)&area->park_state, 129, 1);
    }
}

/* Parks everybody but `self`. 0, or the tid of a thread that did not get there in time. */
uint32_t mv_park_others(struct mv_thread *self) {
    static uint32_t last;
    uint64_t begin = mv_now();
    uint32_t number = ++last ? last : ++last;
    __atomic_store_n(&parking, number, __ATOMIC_RELEASE);
    for (;;) {
        uint32_t count = __atomic_load_n(&parked_count, __ATOMIC_ACQUIRE);
        uint32_t missing = 0;
        int64_t interval = KICK_INTERVAL_NS;
        for (struct mv_thread *area = mv_area_next_alive(NULL); area; area = mv_area_next_alive(area)) {
            /* (A follower's thread that has come to a takeover waits there for its end.) */
            if (area == self || __atomic_load_n(&area->park_state, __ATOMIC_ACQUIRE) == number ||
                (mv.role == MV_ROLE_FOLLOWER && mv_load_acquire32(&area->come)))
                continue;
            missing = area->tid ? area->tid : 1;
            if (mv_area_is_leaving(area))
                interval = EXIT_NAP_NS;
            else if (area->tid)
                mv_kick(area, MV_KICK_PARK);
        }
        if (!missing)
            return 0;
        if (mv_now() - begin > PARK_LIMIT_NS)
            return missing;
        int64_t limit[2] = {0, interval};
        mv_sys4(__NR_futex, (long)&parked_count, 128, count, (long)limit);
    }
}

/* Who it was. */
void mv_park_tell_late(struct mv_text *text, uint32_t late) {
    mv_text_add(text, "thread ");
    mv_text_number(text, late);
    mv_text_add(text, " could not be stopped within 2 s");
}
