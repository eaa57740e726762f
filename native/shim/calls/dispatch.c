/* A slow call, from entry.S on the shim stack: the role decides what becomes of it. */
#include "../log/barriers.h"
#include "../order/order.h"
#include "../roles/roles.h"
#include "../state.h"
#include "../update/update.h"
#include "table.h"

#include <asm/unistd.h>

/* Two tables of a byte for each value of a number's lower half, each aligned to its size: entry.S puts ax
 * into the lower half of a table's address. By hand, because an old ld.so aligns to pages only. What no call
 * touches costs no memory. */
#define TABLE 65536u
static uint8_t fast_room[3 * TABLE];
const uint8_t *mv_fast_calls;

/* Calls whose rows are special only for the other roles or for the hidden descriptors of a session. The ones
 * with a temporary signal mask must be made on the program's stack in the solo role: a signal that only that
 * mask lets in has to be handled before it is taken away again. */
static const uint16_t plain_in_solo[] = {
    __NR_ppoll,           __NR_pselect6,   __NR_epoll_pwait,     __NR_epoll_pwait2,
    __NR_rt_sigsuspend,   __NR_signalfd,   __NR_signalfd4,       __NR_rt_sigtimedwait,
    __NR_set_robust_list, __NR_exit_group, __NR_set_tid_address, __NR_mremap,
};
static const uint16_t plain_without_session[] = {__NR_close, __NR_close_range, __NR_dup2, __NR_dup3};
static const uint16_t translated[] = {__NR_getpid,
                                      __NR_gettid,
                                      __NR_tgkill,
                                      __NR_tkill,
                                      __NR_kill,
                                      __NR_rt_sigqueueinfo,
                                      __NR_rt_tgsigqueueinfo,
                                      __NR_wait4,
                                      __NR_waitid,
                                      __NR_set_tid_address,
                                      __NR_getppid,
                                      __NR_fcntl,
                                      __NR_getpgrp,
                                      __NR_getpgid,
                                      __NR_getsid,
                                      __NR_setsid,
                                      __NR_setpgid,
                                      __NR_timer_gettime,
                                      __NR_timer_getoverrun,
                                      __NR_rt_sigtimedwait,
                                      __NR_clock_gettime,
                                      __NR_clock_getres,
                                      __NR_clock_nanosleep,
                                      __NR_sched_setparam,
                                      __NR_sched_getparam,
                                      __NR_sched_setscheduler,
                                      __NR_sched_getscheduler,
                                      __NR_sched_rr_get_interval,
                                      __NR_sched_setaffinity,
                                      __NR_sched_getaffinity,
                                      __NR_sched_setattr,
                                      __NR_sched_getattr,
                                      __NR_setpriority,
                                      __NR_getpriority,
                                      __NR_ioprio_set,
                                      __NR_ioprio_get,
                                      __NR_prlimit64,
                                      __NR_get_robust_list,
                                      __NR_pidfd_open,
                                      __NR_process_vm_readv,
                                      __NR_process_vm_writev};

#define EACH(list) (unsigned i = 0; i < sizeof(list) / sizeof((list)[0]); i++)

static int all_are_looked_at(void) {
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* against who begins to stand apart (order/condition.c) */
    return mv.role != MV_ROLE_SOLO || mv_load_relaxed32(&mv_unsettled) || mv.point_wanted ||
           mv_load_relaxed32(&mv_conditions_apart);
}

void mv_fast_calls_for_role(void) {
    uint8_t *fast_none = fast_room + (-(uintptr_t)fast_room & (TABLE - 1));
    uint8_t *fast_solo = fast_none + TABLE;
    if (all_are_looked_at()) {
        __atomic_store_n(&mv_fast_calls, fast_none, __ATOMIC_RELEASE);
        if (all_are_looked_at()) /* else who ended that may have set the other table already */
            return;
    }
    for (unsigned nr = 0; nr < 512; nr++)
        fast_solo[nr] = !mv_call_is_special(nr);
    for
        EACH(plain_in_solo)
    fast_solo[plain_in_solo[i]] = 1;
    for
        EACH(plain_without_session)
    fast_solo[plain_without_session[i]] = mv.session_fd < 0;
    if (mv.translated)
        for
            EACH(translated)
    fast_solo[translated[i]] = 0;
    __atomic_store_n(&mv_fast_calls, fast_solo, __ATOMIC_RELEASE);
}

long mv_dispatch(struct mv_frame *frame) {
    struct mv_thread *self = mv_self;
    enum mv_action action;
    self->call = (uint32_t)frame->rax;
    /* A vfork child in our area: another process, which nobody follows. Or a vDSO function that falls back to
     * a system call while its hook publishes the whole of it. */
    if (self->raw_depth || self->hooked)
        return (long)mv_execute(self, frame);
    if (__builtin_expect(self->condition != 0, 0) && self->call == __NR_futex &&
        mv_condition_leaves(self, frame)) {
        frame->rax = (uint64_t)-110L; /* ETIMEDOUT */
        return MV_ACTION_RETURN;
    }
    if (__builtin_expect(mv.point_wanted != 0, 0))
        mv_point_at_call(self, frame);
    switch (mv.role) {
    case MV_ROLE_LEADER:
        action = mv_leader_call(self, frame);
        if (self->in_event == MV_IN_EVENT) /* no record was published */
            mv_store_release32(&self->in_event, MV_IN_PROGRAM);
        return (long)action;
    case MV_ROLE_FOLLOWER:
        return (long)mv_follower_call(self, frame);
    default:
        return (long)mv_settle_or_make(self, frame);
    }
}
