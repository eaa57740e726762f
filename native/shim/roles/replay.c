/* Replaying: a call's outcome is taken from the leader's log, and what would have been asked for is compared
 * with its event. What the event means for what the follower keeps in place of the kernel is noted. */
#include "../calls/payload.h"
#include "../calls/table.h"
#include "../fault/fault.h"
#include "../log/barriers.h"
#include "../order/order.h"
#include "../signals/signals.h"
#include "../sys.h"
#include "compare.h"
#include "reconcile.h"
#include "rest.h"
#include "roles.h"
#include "streams.h"

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
        if ((!self->replaying || mv_await_record(&self->reader) != MV_LOG_EVENT) && mv_takeover(self))
            return NULL;
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
    if (__builtin_expect(flags == 0, 1))
        return MV_REPLAYED;
    mv_follower_signal_follows(self, flags);
    if (flags & (MV_EVENT_REST_WRITTEN | MV_EVENT_REST_SENT)) {
        struct mv_frame *frame = mv_thread_frame(self);
        frame->rax = (uint64_t)result;
        mv_rest_in_follower(self, frame, flags);
        *outcome = (long)frame->rax;
    }
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
    int cut = !promoted && result == -MV_ERESTART && !(self->attention & (MV_ATTEND_SIGNAL | MV_ATTEND_REST));
    if (cut || (promoted && !mv_settled_outcome(self, frame, &result))) {
        *action = mv_follower_make(self, frame);
        return 0;
    }
    frame->rax = (uint64_t)result;
    if (promoted)
        mv_rest_after_call(self, frame);
    return !promoted;
}
