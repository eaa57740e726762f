/* New threads and processes: clone, clone3, fork, vfork (pitfalls 1-3).
 *
 * A child with a memory of its own and no stack of its own returns on its copy of the shim stack: plain C.
 * All others are made in the program's own context by entry.S (MV_ACTION_RAW), because parent and child
 * return to the same site on different stacks (new thread) or on the same one, one after the other (vfork).
 * Where both go on is kept in raw_cont of the area that the child finds: its own, or (vfork) its parent's. */
#include "../calls/guard.h"
#include "../fault/fault.h"
#include "../order/order.h"
#include "../roles/leftover.h"
#include "../roles/roles.h"
#include "../state.h"
#include "../sys.h"

#include <linux/sched.h>

struct request {
    uint64_t flags;
    uint64_t stack; /* top; 0: the parent's */
    uint64_t tls;
    uint64_t *parent_tid;
    uint64_t child_tid;
};

static int read_request(struct mv_thread *self, const struct mv_frame *frame, struct request *request) {
    switch (self->call) {
    case __NR_fork:
        *request = (struct request){.flags = 17 /* SIGCHLD */};
        return 0;
    case __NR_vfork:
        *request = (struct request){.flags = CLONE_VM | CLONE_VFORK | 17};
        return 0;
    case __NR_clone:
        *request = (struct request){frame->rdi, frame->rsi, frame->r8, (uint64_t *)frame->rdx, frame->r10};
        return 0;
    default: {
        struct clone_args args = {0};
        if (frame->rsi < 64 || mv_guard_copy(&args, (const void *)frame->rdi, 64))
            return -22; /* the kernel says what is wrong */
        *request = (struct request){args.flags, args.stack ? args.stack + args.stack_size : 0, args.tls,
                                    (uint64_t *)args.parent_tid, args.child_tid};
        return 0;
    }
    }
}

static uint64_t *own_slot_in(uint64_t tls) {
    uint64_t thread_pointer;
    __asm__("mov %%fs:0, %0" : "=r"(thread_pointer));
    return (uint64_t *)(tls + ((uint64_t)&mv_self - thread_pointer));
}

static enum mv_action fork_here(struct mv_thread *self, struct mv_frame *frame) {
    /* Interruptible: a signal is noted before the fork (which is then made again) or after it, never copied.
     */
    mv_fault(MV_FAULT_BEFORE_FORK);
    long result = mv_fork_call(self, frame);
    frame->rax = (uint64_t)result;
    if (result == 0)
        mv_fork_child(self);
    else
        mv_fault(MV_FAULT_AFTER_FORK);
    return MV_ACTION_RETURN;
}

enum mv_action mv_clone(struct mv_thread *self, struct mv_frame *frame) {
    struct request request = {0};
    int bad = read_request(self, frame, &request);
    if (bad) {
        frame->rax = (uint64_t)mv_make_call(self, frame);
        return MV_ACTION_RETURN;
    }
    if (!(request.flags & CLONE_VM) && !request.stack)
        return fork_here(self, frame);
    if (self->raw_depth >= MV_RAW_DEPTH) {
        mv_say_string(MV_ERROR, "refused: vfork nested more than 8 deep (ENOMEM)");
        frame->rax = (uint64_t)-12L;
        return MV_ACTION_RETURN;
    }
    struct mv_thread *area = NULL;
    int new_thread = (request.flags & CLONE_VM) && (request.flags & CLONE_SETTLS);
    if (new_thread) {
        area = mv_area_take();
        if (!area) {
            frame->rax = (uint64_t)-11L; /* EAGAIN, as the kernel says when a thread can't be had */
            return MV_ACTION_RETURN;
        }
        area->child_on_new_stack = 1;
        area->fresh = 1;
        area->program_mask = self->program_mask;
        area->mask_replaced = self->mask_replaced;
        area->attention = self->attention & MV_ATTEND_UNMASK;
        area->clear_child_tid = request.flags & CLONE_CHILD_CLEARTID ? request.child_tid : 0;
        area->start = self->starts;
        area->start_argument = self->starts_argument;
        uint64_t slot = (uint64_t)area;
        if (mv_guard_copy(own_slot_in(request.tls), &slot, sizeof slot)) {
            mv_area_give(area);
            frame->rax = (uint64_t)-22L; /* EINVAL: a thread pointer that points nowhere */
            return MV_ACTION_RETURN;
        }
        /* libc's code up to the start routine, or its first event: a moment need not wait for the processor
         * that the thread has not got yet (update/begin.c). */
        if (area->start)
            area->in_event = MV_IN_WAIT;
        mv_moment_makes_thread(self);
        mv_role_new_thread(area);
        mv_threads_exist = 1;
    } else if (!(request.flags & CLONE_VM)) {
        area = self; /* the child's copy of it */
    } else if (!(request.flags & CLONE_VFORK)) {
        mv_say_string(MV_ERROR,
                      "refused: clone with CLONE_VM but neither CLONE_SETTLS nor CLONE_VFORK (ENOSYS): the "
                      "new thread would share its creator's thread-local storage");
        frame->rax = (uint64_t)-38L;
        return MV_ACTION_RETURN;
    }
    if (new_thread)
        area->raw_cont[area->raw_depth++] = frame->cont;
    else if (area)
        self->child_on_new_stack = 1;
    self->exec_failed = 0;
    mv_spawn_begins(self, frame, request.flags, request.stack);
    self->raw_call[self->raw_depth] = self->call;
    self->raw_cont[self->raw_depth++] = frame->cont;
    self->raw_child = new_thread ? area : NULL;
    self->raw_unmask = self->attention & MV_ATTEND_UNMASK;
    self->raw_mask = self->program_mask;
    frame->rax = self->call;
    return MV_ACTION_RAW;
}

/* A signal found the thread just before the raw call: as if it had not come here. */
void mv_raw_undo(struct mv_thread *self) {
    self->raw_depth--;
    self->child_on_new_stack = 0;
    if (self->raw_child) {
        if (mv.control)
            mv_slot_give(self->raw_child);
        mv_area_give(self->raw_child);
    }
    self->raw_child = NULL;
}

/* From entry.S, with a deferred signal, before a raw call or sigreturn. 1: it is made again after the
 * handler. (A follower's signals come as events, in their place.) */
int mv_raw_put_off(struct mv_frame *frame) {
    struct mv_thread *self = mv_self;
    if (mv.role == MV_ROLE_FOLLOWER)
        return 0;
    if (self->call != __NR_rt_sigreturn)
        mv_raw_undo(self);
    frame->rax = (uint64_t)(int64_t)-MV_ERESTART;
    return 1;
}

/* The parent is back from a raw call. */
void mv_after_raw(struct mv_frame *frame) {
    struct mv_thread *self = mv_self;
    struct mv_thread *area = self->raw_child;
    self->child_on_new_stack = 0;
    self->raw_child = NULL;
    self->call = self->raw_call[self->raw_depth];         /* a vfork child made calls with our area */
    if (self->deferred && self->deferred_pid != mv.pid) { /* the child was killed with a signal deferred */
        self->deferred = 0;
        mv_attention_clear(self, MV_ATTEND_SIGNAL);
        self->mask_replaced = mv.role == MV_ROLE_FOLLOWER;
    }
    if (self->raw_unmask) { /* and its own exits from the shim unblocked its own mask, not ours */
        mv_attention_raise(self, MV_ATTEND_UNMASK);
        self->mask_replaced = 1;
        self->program_mask = self->raw_mask;
    }
    int failed = mv_is_error((long)frame->rax);
    mv_role_after_raw(self, frame, area);
    if (area && failed)
        mv_area_give(area);
}

/* First instructions of a child that was given a stack of its own. */
void mv_thread_begin(struct mv_frame *frame) {
    struct mv_thread *self = mv_self;
    (void)frame;
    self->child_on_new_stack = 0;
    self->raw_depth--;
    if (!self->fresh) { /* a new process on a new stack: the creator's area, copied */
        mv_fork_child(self);
        return;
    }
    self->fresh = 0;
    self->tid = (uint32_t)mv_sys0(__NR_gettid);
    if (!self->logical_tid)
        self->logical_tid = self->tid;
    mv_net_arm(self);
    mv_role_thread_begin(self);
}

/* The only thread of a new process: it is nobody's leader or follower. */
void mv_fork_child(struct mv_thread *self) {
    mv_fault_forget();
    self->raw_depth = 0; /* of a vfork child that forks */
    mv_areas_after_fork(self);
    mv_rewrite_after_fork();
    mv_thunks_after_fork();
    mv_posix_timers_forget();
    self->late_timer = 0;
    mv_leftover_forget();
    self->settled.call = MV_INTENT_NONE;
    mv_unsettled = 0;
    mv_role_drop();
    mv_session_drop();
    self->tid = (uint32_t)mv_sys0(__NR_gettid);
    self->logical_tid = self->tid;
    mv.pid = mv.logical_pid = (uint32_t)mv_sys0(__NR_getpid);
    mv.translated = 0;
    mv_fast_calls_for_role();
    mv_net_arm(self);
}
