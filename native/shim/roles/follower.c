/* The follower: what becomes of each call.
 *
 * Nothing that leaves the process is executed: what is local is (memory, futexes, masks), what travels comes
 * from the log (replay.c). A difference parks the thread (divergence.c); the leader's death promotes
 * (failover.c). */
#include "../calls/guard.h"
#include "../calls/table.h"
#include "../log/barriers.h"
#include "../order/order.h"
#include "../signals/signals.h"
#include "../sys.h"
#include "../update/update.h"
#include "roles.h"

#include <linux/sched.h>

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
    uint64_t told = frame->rax;
    if (!mv_is_error((long)told))
        mv_execute(self, frame);
    frame->rax = told;
    return MV_ACTION_RETURN;
}

/* The same, of the thread or process that the call names, if it is this one's: no other's is changed twice.
 */
static enum mv_action replay_and_make_for(struct mv_thread *self, struct mv_frame *frame,
                                          const struct mv_call_row *row) {
    enum mv_action action;
    if (!mv_follower_replayed(self, frame, row, &action))
        return action;
    mv_scheduling_follow(self, frame);
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
    case __NR_setrlimit:
        return replay_and_make(self, frame, row);
    case __NR_prlimit64:
    case __NR_setpriority:
    case __NR_ioprio_set:
    case __NR_sched_setaffinity:
    case __NR_sched_setscheduler:
    case __NR_sched_setparam:
    case __NR_sched_setattr:
        return replay_and_make_for(self, frame, row);
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
