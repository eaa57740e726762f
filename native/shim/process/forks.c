/* A fork that a kill cut short is not made twice: the child would do its work twice.
 *
 * The kernel notes the pid of a new process before that runs (CLONE_PARENT_SETTID): for a leader, in the
 * intent of its log, which outlives it. A promoted process finds there whether the fork was made, and adopts
 * that child.
 *
 * (A child of vfork shares the memory and the stack of a parent that waits for it: it is not noted.) */
#include "../calls/guard.h"
#include "../log/barriers.h"
#include "../roles/roles.h"
#include "../sys.h"

#include <linux/sched.h>

/* Where the program wants its child's pid; NULL: nowhere. */
static int32_t *wanted_at(struct mv_thread *self, const struct mv_frame *frame) {
    uint64_t flags = 0, at = 0;
    if (self->call == __NR_clone) {
        flags = frame->rdi;
        at = frame->rdx;
    } else if (self->call == __NR_clone3) {
        mv_guard_load64((const void *)frame->rdi, &flags);
        mv_guard_load64((const void *)(frame->rdi + offsetof(struct clone_args, parent_tid)), &at);
    }
    return flags & CLONE_PARENT_SETTID ? (int32_t *)at : NULL;
}

/* Makes a new process with a copy of this one's memory and stack. */
long mv_fork_call(struct mv_thread *self, struct mv_frame *frame) {
    uint64_t args[6] = {frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9};
    uint32_t number = self->call;
    if (mv.role != MV_ROLE_LEADER || !self->log ||
        (number == __NR_clone && (frame->rdi & CLONE_PIDFD) /* wants the same argument */))
        return mv_make_call(self, frame);
    int32_t *noted = (int32_t *)&mv_log_header_of(self->log)->intent.noted[0];
    int32_t *wanted = wanted_at(self, frame);
    if (number == __NR_clone3) {
        struct clone_args *copy = (struct clone_args *)self->clone_args;
        if (frame->rsi > sizeof self->clone_args || mv_guard_copy(copy, (const void *)frame->rdi, frame->rsi))
            return mv_make_call(self, frame);
        copy->flags |= CLONE_PARENT_SETTID;
        copy->parent_tid = (uint64_t)noted;
        args[0] = (uint64_t)copy;
    } else {
        if (number == __NR_fork)
            args[0] = 17 /* SIGCHLD */, args[1] = args[3] = args[4] = 0;
        number = __NR_clone;
        args[0] |= CLONE_PARENT_SETTID;
        args[2] = (uint64_t)noted;
    }
    noted[2] = 1; /* it is noted; in noted[1] of the intent */
    long result = mv_syscall_interruptible(args, number, &self->attention);
    int32_t pid = (int32_t)result;
    if (wanted && pid > 0)
        mv_guard_copy(wanted, &pid, sizeof pid);
    return result;
}

/* The dead leader's thread was in this call: the child that it made, or 0. */
long mv_fork_settled(const struct mv_intent *intent) {
    int32_t pid = (int32_t)intent->noted[0];
    if (pid > 0)
        mv_children_replayed(__NR_fork, NULL, pid);
    return pid > 0 ? pid : 0;
}

/* That child is this thread's. */
void mv_fork_adopt(struct mv_thread *self, const struct mv_frame *frame, long child) {
    int32_t pid = (int32_t)child, *wanted = wanted_at(self, frame);
    if (wanted)
        mv_guard_copy(wanted, &pid, sizeof pid);
}
