/* A follower's threads: made where the leader's record says that its leader made one. */
#include "../log/barriers.h"
#include "../order/order.h"
#include "../signals/signals.h"
#include "../sys.h"
#include "compare.h"
#include "roles.h"

#include <linux/sched.h>

uint32_t mv_threads_made;

/* A new thread: its slot and what the program calls it come from the leader's record. */
enum mv_action mv_follower_new_thread(struct mv_thread *self, struct mv_frame *frame,
                                      const struct mv_call_row *row) {
    uint64_t args[6] = {frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9};
    long result;
    const struct mv_event *event = mv_follower_next(self);
    /* Where a stack or a control block lies is the process's own affair: only the call must be the same. */
    int differs = event && (event->call != self->call ||
                            (self->call == __NR_clone && event->args[0] != frame->rdi /* flags */));
    if (!event || (differs && !mv_follower_matches(self, row, args, frame->site, event, &result)))
        return mv_follower_make(self, frame);
    result = (long)event->result;
    uint32_t slot = (uint32_t)event->args[5];
    if (!mv_is_error(result) && slot >= MV_MAX_THREADS)
        mv_follower_end(MV_REASON_CORRUPT, 0, "a new thread's slot in the event log is impossible");
    mv_threads_exist = 1;
    if (mv_is_error(result)) {
        mv_log_consume(&self->reader);
        frame->rax = (uint64_t)result;
        return MV_ACTION_RETURN;
    }
    self->saved_rdi = frame->rdi;
    uint64_t flags, parent_tid, child_tid;
    if (self->call == __NR_clone3) {
        struct clone_args *copy = (struct clone_args *)self->clone_args;
        uint64_t size = frame->rsi < sizeof self->clone_args ? frame->rsi : sizeof self->clone_args;
        for (uint64_t i = 0; i < size; i++)
            self->clone_args[i] = ((const uint8_t *)frame->rdi)[i];
        flags = copy->flags;
        parent_tid = copy->parent_tid;
        child_tid = copy->child_tid;
        copy->flags &= ~(uint64_t)(CLONE_PARENT_SETTID | CLONE_CHILD_SETTID);
        frame->rdi = (uint64_t)copy;
    } else {
        flags = frame->rdi;
        parent_tid = frame->rdx;
        child_tid = frame->r10;
        frame->rdi &= ~(uint64_t)(CLONE_PARENT_SETTID | CLONE_CHILD_SETTID);
    }
    /* The tids in memory are the logical ones: written before anybody can look. */
    if (flags & CLONE_PARENT_SETTID)
        *(uint32_t *)parent_tid = (uint32_t)result;
    if (flags & CLONE_CHILD_SETTID)
        *(uint32_t *)child_tid = (uint32_t)result;
    enum mv_action action = mv_clone(self, frame);
    if (action != MV_ACTION_RAW)
        mv_follower_end(MV_REASON_NO_RESOURCES, 12, "the follower has no memory for another thread");
    struct mv_thread *child = self->raw_child;
    child->logical_tid = self->raw_tid = (uint32_t)result;
    child->slot = slot;
    child->info = &mv.control->threads[mv.version][slot];
    child->info->state = MV_THREAD_RUNNING;
    child->mask_replaced = 1;
    child->gives_way = self->gives_way; /* a new thread has its maker's policy */
    int bad = mv_follower_open_log(child);
    if (bad)
        mv_follower_end(MV_REASON_CORRUPT, bad, mv_log_fault_text(bad));
    child->unborn = 1;
    __atomic_add_fetch(&mv_threads_made, 1, __ATOMIC_RELEASE);
    return action;
}

void mv_follower_after_raw(struct mv_thread *self, struct mv_frame *frame, struct mv_thread *child) {
    frame->rdi = self->saved_rdi;
    if (mv_is_error((long)frame->rax) || !child)
        mv_follower_end(MV_REASON_NO_RESOURCES, (int)-(long)frame->rax,
                        "the follower could not make another thread");
    frame->rax = self->raw_tid;
    /* Not before the thread is there, and its log counts as unread: no promotion may pass it by, nor find
     * this one without its number. */
    mv_log_consume(&self->reader);
}

void mv_follower_thread_begin(struct mv_thread *self) {
    mv_sys4(__NR_rt_sigprocmask, 2, (long)&mv_block_all, 0, 8);
    mv_store_release32(&self->unborn, 0); /* behind its number */
}

/* Opens the leader's log of this thread's slot. Only our cursor and the sleepers are writable for us there.
 */
int mv_follower_open_log(struct mv_thread *area) {
    uint8_t *base = mv_log_base(mv.reads, area->slot);
    mv_sys3(__NR_mprotect, (long)(base + MV_CURSOR_OFFSET(mv.version)), MV_PAGE, 3);
    mv_sys3(__NR_mprotect, (long)(base + MV_SLEEPERS_OFFSET), MV_PAGE, 3);
    int result = mv_log_reader_go_on(&area->reader, base, MV_LOG_SPAN, mv.reads, area->slot,
                                     mv.log_generation, mv.version, mv.pid);
    if (result == MV_LOG_NOT_KEPT)
        mv_follower_end(MV_REASON_REQUESTED, 0, "ended");
    area->replaying = result == 0;
    return result;
}
