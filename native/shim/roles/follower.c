/* The follower: takes each call's outcome from its leader's log, and compares what it would have asked for.
 *
 * Nothing that leaves the process is executed: what is local is (memory, futexes, masks), what travels comes
 * from the log. A difference parks the thread (divergence.c); the leader's death promotes (failover.c). */
#include "../calls/guard.h"
#include "../calls/payload.h"
#include "../calls/table.h"
#include "../fault/fault.h"
#include "../log/barriers.h"
#include "../order/order.h"
#include "../signals/signals.h"
#include "../sys.h"
#include "../update/update.h"
#include "compare.h"
#include "reconcile.h"
#include "roles.h"
#include "streams.h"

#include <linux/sched.h>

/* Whoever ends the follower first tells why. Set before publishing ends: the other threads find that ended at
 * once, and would end the process before the reason is told. */
static uint32_t ending; /* tid */

void mv_follower_ending(void) {
    uint32_t nobody = 0, self = (uint32_t)mv_sys0(__NR_gettid);
    if (__atomic_compare_exchange_n(&ending, &nobody, self, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) ||
        nobody == self)
        return;
    for (;;)
        mv_sys0(__NR_pause);
}

/* Ends this process; the leader goes on alone. */
void mv_follower_end(enum mv_reason reason, int code, const char *text) {
    mv_follower_ending();
    if (mv_member_end(mv.version, mv.generation, reason, code, text)) {
        mv_member_is(mv.version, MV_MEMBER_ENDED);
        mv_say_string(MV_WARNING, text);
    }
    for (;;)
        mv_sys1(__NR_exit_group, 0);
}

void mv_follower_crashed(struct mv_thread *self, int number, const struct mv_siginfo *info,
                         const struct mv_ucontext *uc) {
    struct mv_text text = {.used = 0};
    (void)self;
    mv_follower_ending();
    mv_text_add(&text, "the follower got signal ");
    mv_text_number(&text, number);
    mv_text_add(&text, " at ");
    mv_text_hex(&text, uc->rip);
    mv_text_add(&text, ", address ");
    mv_text_hex(&text, info->rest[0]);
    mv_member_of(mv.version)->crashed_at = uc->rip; /* before the end is told */
    if (!mv_member_end(mv.version, mv.generation, MV_REASON_FOLLOWER_DIED, number, text.bytes))
        return;
    mv_member_is(mv.version, MV_MEMBER_ENDED);
    mv_say(MV_WARNING, &text);
}

/* The leader's next event for this thread; NULL when there is none any more and this process leads now. */
const struct mv_event *mv_follower_next(struct mv_thread *self) {
    if (mv_threads_exist && self->replaying)
        mv_order_arrive(self);
    for (;;) {
        const struct mv_event *event;
        int found = self->replaying ? mv_log_peek(&self->reader, &event) : 0;
        if (found < 0)
            mv_follower_end(MV_REASON_CORRUPT, found, mv_log_fault_text(found));
        if (found) {
            if (event->order_size && !mv_order_is_noted(event))
                mv_order_await(event);
            if (event->call == MV_CALL_ROLE) {
                if (mv_rules_image && mv_promotion_is_ours(event) && !mv_reconcile_rests(self))
                    return event; /* no version makes such a call: it differs */
                if (mv_promotion_comes(self, event))
                    return NULL;
                continue;
            }
            if (event->call != MV_CALL_DEATH)
                return event;
            int number = (int)event->args[0];
            int crash =
                number == 4 || number == 5 || number == 6 || number == 7 || number == 8 || number == 11;
            mv_log_consume(&self->reader);
            if (!crash)
                mv_follower_end(MV_REASON_LEADER_EXITED, number, "the server was ended by a signal");
            continue;
        }
        /* A log that was damaged after it was opened (or that a later session has begun anew). */
        if (self->replaying && self->reader.header->check != mv_log_header_check(self->reader.header))
            mv_follower_end(MV_REASON_CORRUPT, MV_LOG_BAD_HEADER, mv_log_fault_text(MV_LOG_BAD_HEADER));
        if (!self->replaying || mv_log_wait(&self->reader, &mv.control->publishing[mv.version],
                                            (uint32_t)mv.generation) != MV_LOG_EVENT) {
            if (mv_takeover(self))
                return NULL;
        }
    }
}

/* The call whose record was just consumed ended with a handler: its siginfo is the next record. */
void mv_follower_signal_follows(struct mv_thread *self, uint16_t flags) {
    if (!(flags & MV_EVENT_SIGNAL_FOLLOWS))
        return;
    const struct mv_event *event = mv_follower_next(self);
    if (!event)
        return; /* died before the handler ran: the signal is lost with the leader, as any queued one is */
    if (event->call != MV_CALL_SIGNAL || event->in_size < 128)
        mv_follower_end(MV_REASON_CORRUPT, 0, "the event log names a signal that does not follow");
    struct mv_siginfo info = *(const struct mv_siginfo *)(event + 1);
    mv_sent_received(self, (int)event->args[0], &info);
    mv_timers_fired((int)event->args[0], info.code);
    mv_posix_timers_told(&info);
    mv_signal_replay(self, (int)event->args[0], &info);
    mv_log_consume(&self->reader);
}

static int leader_is_gone(struct mv_thread *self) {
    return mv_log_owner_dead(&self->reader);
}

/* 1: the call is its event. Else the divergence is told and this does not return, unless the leader is dead:
 * then there is nobody to be compared with, and 0 says so. */
int mv_follower_matches(struct mv_thread *self, const struct mv_call_row *row, const uint64_t args[6],
                        uint64_t site, const struct mv_event *event, long *result) {
    struct mv_comparison with;
    enum mv_difference kind = mv_compare(&with, row, args, event);
    *result = with.result;
    if (kind == MV_DIFFERS_NOT)
        return 1;
    /* A thread's own exit is not the process's: its death would be waited for in vain. */
    if ((event->call == __NR_exit_group || leader_is_gone(self)) && mv_takeover_at(self, kind))
        return 0;
    mv_diverged(self, kind, with.position, event, (uint32_t)(row - mv_call_find(0)), args, site,
                with.segments, with.count);
}

/* What a replayed call means for state that the follower keeps in place of the kernel. */
static void note_effects(uint32_t call, const uint64_t args[6], const struct mv_event *event, long result) {
    if (call == __NR_close ||
        ((call == __NR_dup2 || call == __NR_dup3) && result >= 0 && args[0] != args[1])) {
        mv_epoll_closed((int32_t)args[call != __NR_close]);
        mv_owners_closed((int32_t)args[call != __NR_close]);
    }
    mv_streams_replayed(call, args, (long)event->result, event->stamp);
    mv_children_replayed(call, args, result);
    mv_sent_replayed(call, args, result);
    switch (call) {
    case __NR_chroot:
        mv_proc_take(event->args[1]);
        break;
    case __NR_clone:
    case __NR_clone3:
        mv_spawn_replayed(mv_self, event->args[5]);
        break;
    case __NR_fcntl:
        if (result == 0)
            mv_owners_replayed(args);
        break;
    case __NR_epoll_ctl: {
        /* In-payload: one segment, struct epoll_event, its user data at 4. */
        const uint8_t *payload = (const uint8_t *)(event + 1);
        uint64_t data = 0;
        if (result == 0 && event->in_size >= sizeof(struct mv_payload_segment) + 12)
            __builtin_memcpy(&data, payload + sizeof(struct mv_payload_segment) + 4, 8);
        if (result == 0)
            mv_epoll_registered(args, data);
        break;
    }
    case __NR_epoll_wait:
    case __NR_epoll_pwait:
    case __NR_epoll_pwait2:
        if (result > 0)
            mv_epoll_translate((int32_t)args[0], (void *)args[1], result);
        break;
    case __NR_setitimer:
    case __NR_alarm:
        if (result >= 0)
            mv_timers_noted(call, args);
        break;
    case __NR_timer_create:
    case __NR_timer_settime:
    case __NR_timer_delete:
        if (result == 0)
            mv_posix_timers_replayed(call, args, event);
        break;
    case __NR_rt_sigtimedwait:
        if (result > 0 && args[1])
            mv_posix_timers_told((struct mv_siginfo *)args[1]);
        break;
    default:
        break;
    }
}

/* Replays one call. */
enum mv_replayed mv_follower_replay(struct mv_thread *self, const struct mv_call_row *row,
                                    const uint64_t args[6], uint64_t site, long *outcome) {
    struct mv_segment targets[MV_SEGMENTS_MAX];
    long result;
    if (mv_rules_image)
        switch (mv_reconcile(self, row, args, site, outcome)) {
        case MV_RECONCILED_ANSWERED:
            return MV_REPLAYED;
        case MV_RECONCILED_MAKE:
            return MV_REPLAYED_NOT;
        case MV_RECONCILED_PARTED:
            return MV_REPLAY_ENDED;
        default:
            break;
        }
    const struct mv_event *event = mv_follower_next(self);
    if (!event || !mv_follower_matches(self, row, args, site, event, &result))
        return MV_REPLAY_ENDED;
    *outcome = result;
    mv_fault(MV_FAULT_REPLAY_MATCHED);
    if (event->out_size) {
        int count = mv_call_out_targets(row, args, result, targets, MV_SEGMENTS_MAX);
        int bad = count < 0 ? count
                            : mv_payload_fill((const uint8_t *)(event + 1) + event->in_size, event->out_size,
                                              targets, count);
        if (bad)
            mv_follower_end(MV_REASON_CORRUPT, bad,
                            "the outcome of a call does not fit the follower's memory");
    }
    mv_fault(MV_FAULT_REPLAY_FILLED);
    note_effects((uint32_t)(row - mv_call_find(0)), args, event, result);
    uint16_t flags = event->flags;
    if (event->call == __NR_exit) { /* once it is read, the leader may give the slot to another thread */
        mv_order_thread_ended(self->slot, self->reader.sequence + 1);
        mv_slot_leave(self);
        mv_reconcile_thread_ends(self);
        self->replaying = 0;
        mv_log_consume(&self->reader);
        return MV_REPLAYED;
    }
    if (mv_order_is_noted(event))
        mv_order_note(self, event);
    mv_log_consume(&self->reader);
    mv_fault(MV_FAULT_REPLAY_CONSUMED);
    mv_follower_signal_follows(self, flags);
    return MV_REPLAYED;
}

/* This process leads now, alone or followed by its former leader. */
enum mv_action mv_follower_make(struct mv_thread *self, struct mv_frame *frame) {
    return mv.role == MV_ROLE_LEADER ? mv_leader_call(self, frame) : mv_settle_or_make(self, frame);
}

/* 1: the outcome came from the log. 0: the call was made, or settled: this process leads now, or a rule lets
 * the follower make it. */
int mv_follower_replayed(struct mv_thread *self, struct mv_frame *frame, const struct mv_call_row *row,
                         enum mv_action *action) {
    uint64_t args[6] = {frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9};
    long result = 0;
    __atomic_store_n(&self->asks, 1, __ATOMIC_RELEASE); /* before it counts as come */
    enum mv_replayed how = mv_follower_replay(self, row, args, frame->site, &result);
    __atomic_store_n(&self->asks, 0, __ATOMIC_RELEASE);
    *action = MV_ACTION_RETURN;
    if (how == MV_REPLAYED_NOT) {
        *action = mv_execute(self, frame);
        return 0;
    }
    int promoted = how == MV_REPLAY_ENDED;
    /* Interrupted, and the leader died before it told by what: as if it had just been begun. */
    int cut = !promoted && result == -MV_ERESTART && !(self->attention & MV_ATTEND_SIGNAL);
    if (cut || (promoted && !mv_settled_outcome(self, frame, &result))) {
        *action = mv_follower_make(self, frame);
        return 0;
    }
    frame->rax = (uint64_t)result;
    return !promoted;
}

static enum mv_action replay_frame(struct mv_thread *self, struct mv_frame *frame,
                                   const struct mv_call_row *row) {
    enum mv_action action;
    mv_follower_replayed(self, frame, row, &action);
    return action;
}

/* The leader mapped a file: we map the descriptor that it lent us, wherever there is room here. */
static enum mv_action map_file(struct mv_thread *self, struct mv_frame *frame,
                               const struct mv_call_row *row) {
    uint64_t args[6] = {frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9};
    long result;
    const struct mv_event *event = mv_follower_next(self);
    if (!event)
        return mv_follower_make(self, frame);
    if (event->call == __NR_mmap)
        args[4] = event->args[4]; /* the number of the loan, not of the file */
    if (!mv_follower_matches(self, row, args, frame->site, event, &result))
        return mv_follower_make(self, frame);
    uint64_t lent = event->args[4];
    uint16_t flags = event->flags;
    if (!mv_is_error(result)) {
        uint64_t own = frame->r8;
        frame->r8 = lent;
        mv_execute(self, frame);
        frame->r8 = own;
        if (mv_is_error((long)frame->rax))
            mv_follower_end(MV_REASON_NO_RESOURCES, (int)-(long)frame->rax,
                            "the follower could not map a file as the leader did");
    } else {
        frame->rax = (uint64_t)result;
    }
    mv_log_consume(&self->reader); /* now the leader may take its loan back */
    mv_follower_signal_follows(self, flags);
    return MV_ACTION_RETURN;
}

/* Replayed, and made here too: the state that it changes is the process's own. What the program is told is
 * what the leader was told. */
static enum mv_action replay_and_make(struct mv_thread *self, struct mv_frame *frame,
                                      const struct mv_call_row *row) {
    enum mv_action action;
    if (!mv_follower_replayed(self, frame, row, &action))
        return action;
    /* Of another thread's or process's state this one has no copy to change. */
    int other = self->call == __NR_setpriority ? frame->rsi != 0
                : self->call != __NR_rt_sigaction && self->call != __NR_setrlimit && self->call != __NR_prctl
                    ? frame->rdi != 0
                    : 0;
    uint64_t told = frame->rax;
    if (!mv_is_error((long)told) && !other)
        mv_execute(self, frame);
    frame->rax = told;
    return MV_ACTION_RETURN;
}

/* The program's mask is noted here too, so that it is the right one at the handler that may follow. The old
 * mask comes from the log, perhaps to where the new one stands. */
static enum mv_action change_mask(struct mv_thread *self, struct mv_frame *frame,
                                  const struct mv_call_row *row) {
    enum mv_action action;
    uint64_t wanted;
    int changes = frame->rsi && !mv_guard_load64((const void *)frame->rsi, &wanted);
    if (!mv_follower_replayed(self, frame, row, &action))
        return action;
    if (changes && (frame->rax == 0 || frame->rax == (uint64_t)-14L /* EFAULT: of the old one only */))
        mv_sigprocmask(self, (int)frame->rdi, &wanted, NULL, sizeof wanted);
    return MV_ACTION_RETURN;
}

/* (A wait with a time limit ends by itself.) */
static enum mv_action local(struct mv_thread *self, struct mv_frame *frame) {
    int waits = self->call == __NR_futex && !frame->r10 && mv_call_waits(self->call, frame);
    mv_store_release32(&self->waits, (uint32_t)waits);
    enum mv_action action = mv_execute(self, frame);
    mv_store_release32(&self->waits, 0);
    return action;
}

enum mv_action mv_follower_call(struct mv_thread *self, struct mv_frame *frame) {
    uint64_t args[6] = {frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9};
    const struct mv_call_row *row = mv_call_find(self->call);
    mv_thread_note(self, frame);
    self->arrived = 0;
    if (mv.updating && self->tid == mv.pid)
        return mv_update_call(self, frame, row, args);
    if (__builtin_expect(self->arriving != 0, 0)) {
        if (!mv_arrives(self, args))
            return mv_arriving_call(self, frame, row, args);
        mv_arrive(self);
    }
    if (!row || row->cls == MV_CLASS_REFUSED)
        return mv_execute(self, frame);
    if (mv_identity_changes(self->call))
        return mv_identity_replay(self, frame, row);
    const char *beyond = mv_reaches_beyond(frame, self->call);
    if (beyond)
        mv_follower_end(MV_REASON_ESCAPE, (int)self->call, beyond);
    switch (self->call) {
    case __NR_mmap:
        return frame->r10 & 0x20 ? mv_execute(self, frame) : map_file(self, frame, row);
    case __NR_clone:
        return frame->rdi & CLONE_THREAD ? mv_follower_new_thread(self, frame, row)
                                         : replay_frame(self, frame, row);
    case __NR_clone3:
        return *(const uint64_t *)frame->rdi & CLONE_THREAD ? mv_follower_new_thread(self, frame, row)
                                                            : replay_frame(self, frame, row);
    case __NR_exit_group: {
        enum mv_action action;
        if (!mv_follower_replayed(self, frame, row, &action))
            return action;
        mv_member_because(mv.version, MV_REASON_LEADER_EXITED, 0, "");
        mv_member_is(mv.version, MV_MEMBER_ENDED); /* not a death: the keeper must not report one */
        mv_member_let_go(mv.version, mv.generation);
        for (;;)
            mv_sys1(__NR_exit_group, (long)frame->rdi);
    }
    case __NR_exit: {
        long result;
        return mv_follower_replay(self, row, args, frame->site, &result) == MV_REPLAY_ENDED
                   ? mv_follower_make(self, frame)
                   : mv_execute(self, frame);
    }
    case __NR_rt_sigprocmask:
        return change_mask(self, frame, row);
    case __NR_openat:
        if (!mv_arenas_ask(frame))
            break;
        frame->rax = (uint64_t)-2L; /* ENOENT */
        return MV_ACTION_RETURN;
    case __NR_rt_sigaction:
    case __NR_prlimit64:
    case __NR_setrlimit:
    case __NR_setpriority:
    case __NR_sched_setaffinity:
    case __NR_sched_setscheduler:
    case __NR_sched_setparam:
        return replay_and_make(self, frame, row);
    case __NR_prctl:
        if (mv_call_class_of(row, args) == MV_CLASS_BOTH)
            return replay_and_make(self, frame, row);
        break;
    default:
        break;
    }
    /* One that no follower may make ends the follower of a leader that makes it: it has no record. */
    return mv_call_class_of(row, args) == MV_CLASS_LOCAL && !(mv_call_flags_of(row, args) & MV_CALL_NOFOLLOW)
               ? local(self, frame)
               : replay_frame(self, frame, row);
}
