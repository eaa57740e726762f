/* What a follower lets go of, makes anew and changes as it begins to lead, whether its leader died or has
 * offered it the lead (failover.c). */
#include "../fault/fault.h"
#include "../signals/signals.h"
#include "../sys.h"
#include "roles.h"

/* What was sent to this process while it followed was for nobody: blocked, it must not reach the program now.
 */
void mv_forget_signals(void) {
    int64_t at_once[2] = {0, 0};
    while (!mv_is_error(mv_sys4(__NR_rt_sigtimedwait, (long)&mv_block_all, 0, (long)at_once, 8)))
        ;
}

/* What is the process's own, and the dead leader's went with it. */
void mv_make_anew(void) {
    mv_timers_promote();
    mv_posix_timers_promote();
    mv_fault(MV_FAULT_TIMERS_TAKEN);
    mv_owners_promote();
    mv_fault(MV_FAULT_OWNERS_TAKEN);
    mv_family_promote();
    mv_fault(MV_FAULT_FAMILY_TAKEN);
    mv_children_promote(); /* before the coordinator looks at `failovers` */
    mv_fault(MV_FAULT_CHILDREN_TAKEN);
}

/* From here on this process's calls are made. */
void mv_act(void) {
    __atomic_store_n(&mv.role, MV_ROLE_SOLO, __ATOMIC_SEQ_CST); /* before the look at who gives way */
    for (int number = 1; number <= 64; number++)
        if (number != 31 && number != 9 && number != 19)
            mv_signal_install(number);
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area)) {
        mv_scheduling_take_way(area);
        if (area->replaying)
            mv_signal_inherit(area);
    }
    mv_sent_promote();
    mv_fast_calls_for_role();
}

/* This thread's signal mask and net are the program's again. */
void mv_settle(struct mv_thread *self) {
    if (mv.role == MV_ROLE_FOLLOWER)
        return;
    mv_net_disarm();
    if (self->mask_replaced && !self->deferred)
        mv_mask_restore(self);
}
