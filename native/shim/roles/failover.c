/* Failover: the leader is dead, its follower finishes the backlog and serves.
 *
 * Each thread comes here when its own log is read to the end. The first one waits until *all* leader threads
 * are dead and all their records consumed: a thread of ours that still replays must not run beside one that
 * already acts. That can't hang: a thread with unread records either reads them or waits for another thread
 * of ours, which in the leader did what is waited for before it died. Then the role is changed, once.
 *
 * The pids and tids that the program knows stay the dead leader's (mv.translated). */
#include "../fault/fault.h"
#include "../log/barriers.h"
#include "../signals/signals.h"
#include "../sys.h"
#include "roles.h"

#include <linux/futex.h>

#define EINVAL (-22L)

/* 1 from the first thread that finds the leader dead, for the rest of this process's life. A copy begins at
 * 0. */
static uint32_t taking_over;

void mv_takeover_forget(void) {
    taking_over = 0;
}

static void nap(void) {
    int64_t time[2] = {0, 20000};
    mv_sys2(__NR_nanosleep, (long)time, 0);
}

/* A thread that was killed before it could link its death words (or that unlinked them to exit) died with the
 * main thread: SIGKILL and crashes take the whole process. */
static int writer_dead(uint32_t slot) {
    const struct mv_log_header *header = (const struct mv_log_header *)mv_log_base(mv.version ^ 1, slot);
    if (mv_death_told(header, MV_FOLLOWER))
        return 1;
    if (__atomic_load_n(&header->death[MV_FOLLOWER].word, __ATOMIC_ACQUIRE))
        return 0;
    return mv_sys3(__NR_tgkill, mv.control->leader_pid, mv.control->threads[mv.version ^ 1][slot].tid, 0) ==
           -3;
}

/* All its threads, also those that this process has not made yet. */
int mv_leader_dead(void) {
    for (uint32_t slot = 0; slot < MV_MAX_THREADS; slot++) {
        uint32_t state = __atomic_load_n(&mv.control->threads[mv.version ^ 1][slot].state, __ATOMIC_ACQUIRE);
        if (state != MV_THREAD_FREE && state != MV_THREAD_EXITED && !writer_dead(slot))
            return 0;
    }
    return 1;
}

static int backlog_left(void) {
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        if (area->replaying && (!writer_dead(area->slot) || !mv_log_read_all_consumed(&area->reader)))
            return 1;
    return 0;
}

/* What was sent to this process while it followed was for nobody: blocked, it must not reach the program now.
 */
static void forget_signals(void) {
    int64_t at_once[2] = {0, 0};
    while (!mv_is_error(mv_sys4(__NR_rt_sigtimedwait, (long)&mv_block_all, 0, (long)at_once, 8)))
        ;
}

static void promote(struct mv_thread *self, uint64_t since) {
    struct mv_control *control = mv.control;
    mv.translated = 1;
    forget_signals();
    mv_lent_inherit(); /* first: a loan is no outcome of a call */
    mv_settle_intents();
    mv_fault(MV_FAULT_INTENTS_SETTLED);
    mv_epoll_promote(); /* before any thread of ours can wait on it */
    mv_fault(MV_FAULT_EPOLL_TAKEN);
    mv_timers_promote();
    mv_owners_promote();
    mv_family_promote();
    mv_children_promote(); /* before the coordinator looks at `failovers` */
    mv_fault(MV_FAULT_CHILDREN_TAKEN);
    __atomic_store_n(&mv.role, MV_ROLE_SOLO, __ATOMIC_RELEASE);
    for (int number = 1; number <= 64; number++)
        if (number != 31 && number != 9 && number != 19)
            mv_signal_install(number);
    mv_fast_calls_for_role();
    mv_fault(MV_FAULT_ROLE_CHANGED);
    control->leader_version = mv.version;
    control->leader_pid = mv.pid;
    control->follower_pid = 0;
    control->follower_state = 4;
    control->failovers++;
    mv_fault(MV_FAULT_LEADS);
    control->publishes = 0;
    control->stage = MV_STAGE_SINGLE_LEADER;
    if (control->reason != MV_REASON_LEADER_DIED)
        control->reason_code = 0;
    control->reason = MV_REASON_LEADER_DIED;
    control->failover_ns = mv_now() - since;
    mv_control_changed();
    mv_fault(MV_FAULT_TAKEOVER_TOLD);
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area)) {
        area->replaying = 0;
        if (area != self)
            mv_kick(area, MV_KICK_SETTLE);
    }
    mv_fault(MV_FAULT_TAKEOVER_DONE);
    mv_sys3(__NR_futex, (long)&mv.role, 129 /* WAKE, private */, 0x7fffffff);
}

/* This thread's signal mask and net are the program's again. */
void mv_settle(struct mv_thread *self) {
    if (mv.role == MV_ROLE_FOLLOWER)
        return;
    mv_net_disarm();
    if (self->mask_replaced && !self->deferred)
        mv_mask_restore(self);
}

/* A signal whose default action is to end the program, and which it left at that, ends the service, as it
 * does natively. A leader that was in a call could not publish it: a record of that call may be half written.
 */
static int ended_by_signal(void) {
    const struct mv_control *control = mv.control;
    const uint32_t crashes = 1u << 4 | 1u << 5 | 1u << 6 | 1u << 7 | 1u << 8 | 1u << 9 | 1u << 11;
    if (control->reason != MV_REASON_LEADER_DIED || control->reason_code <= 0)
        return 0;
    return control->reason_code > 31 || !(crashes >> control->reason_code & 1);
}

/* The log of this thread ended. 1: this process leads now. 0: it was no death, the log goes on. */
int mv_takeover(struct mv_thread *self) {
    if (mv.role == MV_ROLE_FOLLOWER && !__atomic_load_n(&taking_over, __ATOMIC_ACQUIRE)) {
        if (mv_follower_ended())
            mv_follower_end(MV_REASON_REQUESTED, 0, "ended");
        if (self->replaying && !mv_log_owner_dead(&self->reader))
            return 0;
        if (ended_by_signal())
            mv_follower_end(MV_REASON_LEADER_EXITED, mv.control->reason_code,
                            "the server was ended by a signal");
    }
    if (!__atomic_exchange_n(&taking_over, 1, __ATOMIC_ACQ_REL)) {
        uint64_t since = mv_now();
        if (mv.control->stage != MV_STAGE_ENDED)
            mv.control->stage = MV_STAGE_FAILOVER;
        mv_control_changed();
        mv_fault(MV_FAULT_TAKEOVER_BEGUN);
        while (backlog_left())
            nap();
        mv_fault(MV_FAULT_BACKLOG_READ);
        /* Nothing has been done yet that is seen outside. Up to here the follower may be ended; if it was, it
         * does nothing more. From here on it can't be, and no other process acts. (This also wakes the
         * threads that still wait for events.) */
        if (!mv_publishing_end())
            mv_follower_end(MV_REASON_REQUESTED, 0, "ended");
        promote(self, since);
    }
    while (__atomic_load_n(&mv.role, __ATOMIC_ACQUIRE) == MV_ROLE_FOLLOWER)
        mv_sys4(__NR_futex, (long)&mv.role, 128 /* WAIT, private */, MV_ROLE_FOLLOWER, 0);
    mv_settle(self);
    return 1;
}

/* The follower differs from a leader that is gone (or whose last record is its exit): there is nobody left
 * to be compared with, and ending would end the service. What is left of this thread's log is dropped. */
int mv_takeover_at(struct mv_thread *self, enum mv_difference kind) {
    const struct mv_event *event;
    if (kind == MV_DIFFERS_END) {
        /* The exit takes a moment; a thread's own exit is not the process's. */
        mv_log_consume(&self->reader);
        while (!mv_log_owner_dead(&self->reader))
            if (mv_log_wait(&self->reader, &mv.control->publishing, (uint32_t)mv.generation) == MV_LOG_STOP)
                break;
    }
    if (!mv_log_owner_dead(&self->reader))
        return 0;
    mv_say_string(MV_ERROR,
                  "the follower differs from its leader, which is dead: it serves from where they part");
    while (mv_log_peek(&self->reader, &event) > 0)
        mv_log_consume(&self->reader);
    return mv_takeover(self);
}

/* ---- after a promotion: names ---------------------------------------------------------------------- */

static long real_tid(long logical) {
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        if (area->logical_tid == (uint32_t)logical)
            return area->tid;
    return logical;
}

static long real_pid(long logical) {
    return (uint32_t)logical == mv.logical_pid ? (long)mv.pid : logical;
}

/* Calls in which a promoted process must speak of itself by its logical names. 1: *result is set. */
int mv_translate(struct mv_thread *self, struct mv_frame *frame, long *result) {
    switch (self->call) {
    case __NR_getpid:
        *result = mv.logical_pid;
        return 1;
    case __NR_gettid:
    case __NR_set_tid_address:
        if (self->call == __NR_set_tid_address)
            mv_make_call(self, frame);
        *result = self->logical_tid;
        return 1;
    case __NR_tgkill:
        *result = mv_sys3(__NR_tgkill, real_pid((int32_t)frame->rdi), real_tid((int32_t)frame->rsi),
                          (long)frame->rdx);
        return 1;
    case __NR_tkill:
        *result = mv_sys2(__NR_tkill, real_tid((int32_t)frame->rdi), (long)frame->rsi);
        return 1;
    case __NR_kill:
        if ((int32_t)frame->rdi <= 0)
            return mv_identity_translate(frame, result);
        *result = mv_sys2(__NR_kill, real_pid((int32_t)frame->rdi), (long)frame->rsi);
        return 1;
    case __NR_rt_sigqueueinfo:
        *result =
            mv_sys3(__NR_rt_sigqueueinfo, real_pid((int32_t)frame->rdi), (long)frame->rsi, (long)frame->rdx);
        return 1;
    case __NR_rt_tgsigqueueinfo:
        *result = mv_sys4(__NR_rt_tgsigqueueinfo, real_pid((int32_t)frame->rdi),
                          real_tid((int32_t)frame->rsi), (long)frame->rdx, (long)frame->r10);
        return 1;
    case __NR_fcntl: {
        const uint64_t args[6] = {frame->rdi, frame->rsi, frame->rdx, 0, 0, 0};
        return mv_owners_translate(args, result);
    }
    case __NR_wait4:
    case __NR_waitid:
        if (!mv.control)
            return 0;
        *result = mv_children_wait(self, frame);
        return 1;
    default:
        return mv_identity_translate(frame, result);
    }
}
