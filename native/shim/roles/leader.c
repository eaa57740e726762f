/* The leader: what becomes of each call. Most are made and then published (publish.c); the classes are the
 * call table's. */
#include "../calls/table.h"
#include "../fault/fault.h"
#include "../log/barriers.h"
#include "../order/order.h"
#include "../sys.h"
#include "batch.h"
#include "leftover.h"
#include "rest.h"
#include "roles.h"
#include "settle.h"
#include "streams.h"
#include "waits.h"
#include "watch.h"
#include "witness.h"

/* Intents: what is about to be consumed or emitted, for the settlement after a kill. */
static void intend(struct mv_thread *self, const struct mv_frame *frame) {
    struct mv_intent *intent = &mv_log_header_of(self->log)->intent;
    intent->fd = (int32_t)frame->rdi;
    intent->buffer = frame->rsi;
    intent->length = frame->rdx;
    intent->sequence = self->log->sequence;
    mv_store_release32(&intent->call, self->call);
}

/* What is made again anyway, but lets others go on (order/descriptors.c): they are not to go on before it. */
static void intend_to_come(struct mv_thread *self) {
    struct mv_intent *intent = &mv_log_header_of(self->log)->intent;
    intent->sequence = self->log->sequence;
    mv_store_release32(&intent->call, MV_INTENT_COME);
}

static void intend_noted(struct mv_thread *self, const struct mv_frame *frame, enum mv_way way,
                         const uint64_t args[6]) {
    uint64_t *noted = mv_log_header_of(self->log)->intent.noted;
    if (way == MV_WAY_NAMED)
        mv_names_note(self->call, args, noted);
    else if (way == MV_WAY_FORKED)
        noted[0] = noted[1] = 0; /* the kernel writes there (process/forks.c) */
    else if (way == MV_WAY_BYTES)
        noted[0] = args[3]; /* splice: where an offset stands, for which `length` is no room */
    else if (way == MV_WAY_OPENED)
        noted[0] = args[0]; /* a path, which `fd` has no room for */
    else if (way >= MV_WAY_CLOSED)
        mv_states_note(self->call, args, noted);
    intend(self, frame);
}

/* A promoted process may be followed again before each of its threads has been given the outcome of what its
 * dead counterpart did last. */
static enum mv_action make_or_settle(struct mv_thread *self, struct mv_frame *frame) {
    long result;
    if (mv_unsettled && mv_settled_outcome(self, frame, &result)) {
        frame->rax = (uint64_t)result;
        return MV_ACTION_RETURN;
    }
    if (self->call == __NR_wait4 || self->call == __NR_waitid) {
        frame->rax = (uint64_t)mv_wait_call(self, frame);
        return MV_ACTION_RETURN;
    }
    if ((self->call == __NR_sendmmsg || self->call == __NR_recvmmsg) && mv_batch_call(self, frame))
        return MV_ACTION_RETURN;
    if (mv_is_witnessed(self->call, frame->rdi) && mv_witness_call(self, frame))
        return MV_ACTION_RETURN;
    return mv_execute(self, frame);
}

/* Behind a call during which a signal may have come: one of the program's, or a kick. (Only then is a call
 * not made.) */
static __attribute__((noinline)) void
publish_attentively(struct mv_thread *self, struct mv_frame *frame, const struct mv_call_row *row,
                    const uint64_t args[6], const struct mv_call_entry *entry, struct mv_event *event) {
    const long result = (long)frame->rax;
    const uint64_t site = frame->site;
    if (result != -MV_ERESTART)
        mv_leader_publish(self, row, args, result, site, mv_rest_after_call(self, frame), entry, event);
    else if (self->attention & MV_ATTEND_SIGNAL)
        mv_leader_publish(self, row, args, result, site, MV_EVENT_RESTART, NULL, NULL);
}

static enum mv_action run_and_publish(struct mv_thread *self, struct mv_frame *frame,
                                      const struct mv_call_row *row, const uint64_t args[6]) {
    struct mv_call_entry entry = {0, 0};
    struct mv_event *event = NULL;
    enum mv_way way = mv_way_of(self->call, args);
    if (way > MV_WAY_AGAIN)
        intend_noted(self, frame, way, args);
    else if (self->order & MV_ORDER_EMITS)
        intend_to_come(self);
    if (way == MV_WAY_CONNECTED)
        mv_order_connects(args[0]);
    if (row->flags & MV_CALL_CAPTURE)
        mv_call_capture(row, args, &entry);
    /* (The old mask may be stored where the new one was read.) */
    if (((row->flags & MV_CALL_INOUT) || self->call == __NR_rt_sigprocmask) &&
        !(event = mv_leader_reserve(self, row, args)))
        return mv_settle_or_make(self, frame); /* a follower has just been ended */
    if (mv_call_flags_of(row, args) & MV_CALL_CLOSESFD)
        mv_watch_closing(self->call, args);
    if (way == MV_WAY_FORKED || self->call == __NR_vfork)
        mv_watch_forked();
    mv_fault(MV_FAULT_BEFORE_CALL);
    enum mv_action action = make_or_settle(self, frame);
    if (action != MV_ACTION_RETURN || mv.role != MV_ROLE_LEADER) {
        /* A call that returns twice; or a fork's child, or a process that nobody follows any more. */
        if (action == MV_ACTION_RETURN)
            mv_rest_after_call(self, frame);
        return action;
    }
    mv_fault(MV_FAULT_AFTER_CALL);
    long result = (long)frame->rax;
    if (result >= 0 && (mv_call_flags_of(row, args) & MV_CALL_OPENSFD))
        mv_watch_opened(self->call, args, result);
    if (result >= 0 && ((self->call == __NR_openat && (args[2] & 02000 /* O_APPEND */)) ||
                        (self->call == __NR_open && (args[1] & 02000))))
        mv_stream_file_now((int)result, 1, &self->stamp);
    if (self->attention)
        publish_attentively(self, frame, row, args, &entry, event);
    else
        mv_leader_publish(self, row, args, result, frame->site, 0, &entry, event);
    return action;
}

/* No memory that goes out with the call is written by it, and no length that bounds what comes back. */
static int overwrites_nothing(const struct mv_call_row *row, const uint64_t args[6]) {
    if (!(row->flags & (MV_CALL_INOUT | MV_CALL_CAPTURE)))
        return 1;
    for (uint32_t left = MV_CALL_INOUT_ARGS(row->flags); left; left &= left - 1)
        if (args[__builtin_ctz(left)])
            return 0;
    return 1;
}

/* run_and_publish for the many calls to which a leader has nothing to add (the table tells). */
static void straight(struct mv_thread *self, struct mv_frame *frame, const struct mv_call_row *row,
                     const uint64_t args[6]) {
    if (self->call == __NR_epoll_ctl && __builtin_expect(mv_threads_exist, 0))
        intend_noted(self, frame, MV_WAY_REGISTERED, args);
    else if (row->straight & MV_STRAIGHT_INTENDED)
        intend(self, frame);
    else if (__builtin_expect(self->order & MV_ORDER_EMITS, 0))
        intend_to_come(self);
    mv_fault(MV_FAULT_BEFORE_CALL);
    long result = mv_syscall_interruptible(args, self->call, &self->attention);
    mv_fault(MV_FAULT_AFTER_CALL);
    frame->rax = (uint64_t)result;
    if (__builtin_expect(mv.role != MV_ROLE_LEADER, 0)) {
        mv_rest_after_call(self, frame);
        return;
    }
    if (__builtin_expect(self->attention != 0, 0))
        publish_attentively(self, frame, row, args, NULL, NULL);
    else if (!mv_leader_publish_single(self, row, args, result, frame->site))
        mv_leader_publish(self, row, args, result, frame->site, 0, NULL, NULL);
}

/* A file that is mapped: the follower needs the same file, and the leader may close the descriptor at once.
 * So a duplicate is lent to it, under a hidden number that the event names (process/lent.c). */
static enum mv_action map_file(struct mv_thread *self, struct mv_frame *frame, const struct mv_call_row *row,
                               uint64_t args[6]) {
    if (!mv_leader_has_follower())
        return run_and_publish(self, frame, row, args);
    long lent = mv_lend(self, (int)frame->r8);
    enum mv_action action = mv_execute(self, frame);
    long result = (long)frame->rax;
    if (mv_is_error(lent) && !mv_is_error(result)) {
        mv_leader_unsupported("mmap of a file, with no descriptor left to lend");
        return action;
    }
    args[4] = (uint64_t)lent;
    mv_leader_publish(self, row, args, result, frame->site, MV_EVENT_LENT, NULL, NULL);
    return action;
}

/* Calls that every version makes for itself; what has no row here is made and published. */
static enum mv_action both(struct mv_thread *self, struct mv_frame *frame, const struct mv_call_row *row,
                           const uint64_t args[6]) {
    switch (self->call) {
    case __NR_execve:
    case __NR_execveat:
        mv_leader_unsupported(row->name);
        return mv_execute(self, frame);
    case __NR_prctl:
        mv_spinner_named(args);
        return run_and_publish(self, frame, row, args);
    case __NR_exit_group:
        mv_leader_publish(self, row, args, 0, frame->site, 0, NULL, NULL);
        mv.control->stage = MV_STAGE_ENDED;
        mv.control->reason = MV_REASON_LEADER_EXITED;
        mv_control_changed();
        return mv_execute(self, frame);
    default:
        return run_and_publish(self, frame, row, args);
    }
}

/* Kernel objects that belong to the process and which a promoted follower could not make again yet. */
static int refused_with_follower(const struct mv_frame *frame) {
    switch (mv_self->call) {
    case __NR_mmap: /* what one version writes, the other would see (anonymous memory each has for itself) */
        return (frame->r10 & 0x21) == 1 /* SHARED, not ANONYMOUS */ && (frame->rdx & 2 /* PROT_WRITE */);
    case __NR_chroot:
        return !mv_proc_keep();
    case __NR_close_range:
        return (frame->rdx & 2 /* CLOSE_RANGE_UNSHARE */) != 0;
    case __NR_mprotect:
    case __NR_pkey_mprotect: /* the same */
        return (frame->rdx & 2) && mv_shared_at(frame->rdi, frame->rsi);
    case __NR_arch_prctl: /* the shim would not know the thread any more */
        return frame->rdi == 0x1002 /* ARCH_SET_FS */;
    case __NR_futex: {
        uint32_t op = (uint32_t)frame->rsi & 0x7f;
        return op == 6 || op == 7 || op == 8 || op == 11 || op == 12 || op == 13; /* priority inheritance */
    }
    default:
        return 0;
    }
}

/* Does a local call wait for another thread? */
int mv_call_waits(uint32_t call, const struct mv_frame *frame) {
    uint32_t op = (uint32_t)frame->rsi & 0x7f;
    return call == __NR_futex ? op == 0 || op == 9 /* WAIT, WAIT_BITSET */
                              : call == __NR_futex_waitv || call == 455 /* futex_wait */;
}

/* A local call is not published; a signal that interrupts one which waits has no place in the follower. One
 * that comes just before another local call does: that is made all the same (mv_attend), and the handler runs
 * at the next call that is published. */
static enum mv_action local(struct mv_thread *self, struct mv_frame *frame) {
    int alone = self->in_event == MV_IN_PROGRAM && mv_call_waits(self->call, frame);
    if (alone)
        mv_store_release32(&self->in_event, MV_IN_WAIT);
    enum mv_action action = mv_execute(self, frame);
    int64_t result = (int64_t)frame->rax;
    if (alone)
        mv_store_release32(&self->in_event, MV_IN_PROGRAM);
    if (self->call == __NR_set_robust_list && result == 0 && self->log)
        mv_thread_link_death(self); /* a new thread's first calls */
    if (action == MV_ACTION_RETURN && mv.role == MV_ROLE_LEADER && (self->attention & MV_ATTEND_SIGNAL) &&
        (result == -MV_ERESTART || result == -4 /* EINTR */) && mv_call_waits(self->call, frame))
        mv_end_followers(MV_REASON_ASYNC_SIGNAL, (int)self->deferred,
                         "a signal interrupted a wait for another thread; its place can't be replayed yet");
    return action;
}

/* A late signal is attended to at the next call that has a record, or that could wait for ever. */
static int has_a_place(uint32_t call, const struct mv_frame *frame) {
    const uint64_t args[6] = {frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9};
    const struct mv_call_row *row = mv_call_find(call);
    return !row || mv_call_class_of(row, args) != MV_CLASS_LOCAL || mv_call_waits(call, frame);
}

enum mv_action mv_leader_call(struct mv_thread *self, struct mv_frame *frame) {
    if (self->signal_late && has_a_place(self->call, frame)) {
        self->signal_late = 0;
        mv_attention_raise(self, MV_ATTEND_SIGNAL);
    }
    if (!mv_is_followed())
        mv_leader_unfollowed();
    else if (!self->log)
        mv_end_followers(MV_REASON_NO_RESOURCES, 0, "a thread of the server has no event log");
    if (mv.role != MV_ROLE_LEADER || !self->log)
        return mv_settle_or_make(self, frame);
    mv_thread_note(self, frame);
    mv_fault(MV_FAULT_BEFORE_INTENT);
    if (self->call == __NR_openat && mv_arenas_ask(frame)) {
        frame->rax = (uint64_t)-2L; /* ENOENT */
        return MV_ACTION_RETURN;
    }
    if (__builtin_expect(mv_threads_exist, 0))
        mv_order_enter(self, frame);
    uint64_t args[6] = {frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9};
    const struct mv_call_row *row = mv_call_find(self->call);
    if (row && row->straight && !mv_unsettled && !mv_is_witnessed(self->call, frame->rdi) &&
        overwrites_nothing(row, args)) {
        straight(self, frame, row, args);
        return MV_ACTION_RETURN;
    }
    if (!row || row->cls == MV_CLASS_REFUSED)
        return mv_execute(self, frame); /* the same refusal in both */
    uint8_t cls = mv_call_class_of(row, args);
    if (cls == MV_CLASS_NONE || (mv_call_flags_of(row, args) & MV_CALL_NOFOLLOW) ||
        refused_with_follower(frame)) {
        mv_leader_unsupported(row->name);
        if (cls == MV_CLASS_NONE || mv.role != MV_ROLE_LEADER)
            return mv_execute(self, frame);
    }
    if (self->call == __NR_mmap && !(frame->r10 & 0x20 /* MAP_ANONYMOUS */))
        return map_file(self, frame, row, args);
    if (self->call == __NR_chroot)
        args[1] = mv_proc_keep(); /* for the follower */
    if (cls == MV_CLASS_LOCAL) {
        long none;
        if (mv_unsettled && mv_leftover_ends(self, args)) /* it rests here: what has not come does not come */
            mv_settled_outcome(self, frame, &none);
        return local(self, frame);
    }
    if (cls == MV_CLASS_BOTH)
        return both(self, frame, row, args);
    return run_and_publish(self, frame, row, args);
}

/* A call that returned twice is back in the parent. The new thread's slot stands in args[5].
 *
 * A vfork child that could not exec has told its parent why, in the memory that they share. A follower has no
 * such child: it is told what posix_spawn's leaves (process/spawn.c). */
void mv_leader_after_raw(struct mv_thread *self, struct mv_frame *frame, uint32_t slot) {
    uint64_t left = mv_spawn_left(self, frame);
    int untold = left == ~0ull || (!left && self->exec_failed);
    self->exec_failed = 0;
    if (untold) {
        mv_leader_unsupported("a child of vfork whose exec failed");
        return;
    }
    uint64_t args[6] = {frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, left ? left : slot};
    mv_leader_publish(self, mv_call_find(self->call), args, (long)frame->rax, frame->site, 0, NULL, NULL);
}

void mv_leader_thread_exit(struct mv_thread *self, uint64_t status) {
    uint64_t args[6] = {status, 0, 0, 0, 0, 0};
    if (mv_leader_publishing())
        mv_leader_publish(self, mv_call_find(__NR_exit), args, 0, 0, 0, NULL, NULL);
}
