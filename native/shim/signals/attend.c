/* What a thread attends to at a call's exit: what others want of it, and the signal that was deferred until
 * then (deliver.c). */
#include "../roles/rest.h"
#include "../roles/roles.h"
#include "../sys.h"
#include "signals.h"

/* The context in which the program goes on after this frame's call. */
static void resume_from(struct mv_thread *self, const struct mv_frame *frame) {
    int again = (int64_t)frame->rax == -MV_ERESTART;
    self->resume = (struct mv_resume){
        .rax = again ? self->call : frame->rax,
        .rbx = frame->rbx,
        .rcx = frame->cont,
        .rdx = frame->rdx,
        .rsi = frame->rsi,
        .rdi = frame->rdi,
        .rbp = frame->rbp,
        .rsp = frame->rsp,
        .r8 = frame->r8,
        .r9 = frame->r9,
        .r10 = frame->r10,
        .r12 = frame->r12,
        .r13 = frame->r13,
        .r14 = frame->r14,
        .r15 = frame->r15,
        .rip = again ? (uint64_t)mv_site_entry : frame->cont,
        .shown_rip = again ? frame->site - 2 : frame->site,
        .flags = frame->flags,
    };
}

/* A call that only the shim's own kick interrupted, or its rest, is made now, by the role that is valid now.
 */
static enum mv_attended made_again(struct mv_thread *self, struct mv_frame *frame) {
    if ((int64_t)frame->rax != -MV_ERESTART || (self->attention & MV_ATTEND_SIGNAL))
        return MV_ATTENDED;
    frame->rax = self->call;
    return MV_ATTENDED_MAKE_AGAIN;
}

/* Queues the deferred signal, before others of its number: real-time signals are delivered in the order in
 * which they were sent. (A thread's own queue is served before its process's.) */
static void queue_deferred(struct mv_thread *self, int number) {
    struct mv_siginfo later[16] = {{0}};
    static const int64_t now[2] = {0, 0};
    uint64_t set = MV_SIG_BIT(number);
    uint64_t unblocked = (set & (MV_SIG_FAULTS | MV_SIGSYS_BIT)) | (self->sigsys_waits ? MV_SIGSYS_BIT : 0);
    unsigned count = 0;
    /* They are never blocked otherwise, and would come before mv_deliver lets them in: to be deferred again.
     */
    if (unblocked)
        mv_sys4(__NR_rt_sigprocmask, 0 /* BLOCK */, (long)&unblocked, 0, 8);
    if (self->sigsys_waits)
        mv_signal_queue(MV_SIGSYS, (const struct mv_siginfo *)self->sigsys_info);
    self->sigsys_waits = 0;
    while (number >= 32 && count < 16 &&
           mv_sys4(__NR_rt_sigtimedwait, (long)&set, (long)&later[count], (long)now, 8) == number)
        count++;
    mv_signal_queue(number, (const struct mv_siginfo *)self->deferred_info);
    for (unsigned i = 0; i < count; i++) {
        mv_siginfo_named(&later[i]);
        mv_signal_queue(number, &later[i]);
    }
}

/* From entry.S, on the shim stack, when `attention` is set at a call's exit: enum mv_attended. */
int mv_attend(struct mv_frame *frame) {
    struct mv_thread *self = mv_self;
    uint32_t attention = self->attention;

    if (attention & MV_ATTEND_REST) {
        mv_attention_clear(self, MV_ATTEND_REST);
        if (attention == MV_ATTEND_REST)
            return made_again(self, frame);
    }
    /* A signal whose place is this exit comes before the thread stands still, or asks others to: a follower
     * that is made then, beside others, would not expect one that a record has announced; and one that was
     * let in by a call which nobody published would be late as the leader's. What is asked for waits for the
     * next exit. */
    if ((attention & MV_ATTEND_SIGNAL) && (mv.role != MV_ROLE_LEADER || self->signal_announced))
        attention &= ~(uint32_t)(MV_ATTEND_PARK | MV_ATTEND_REQUEST);
    if (attention & MV_ATTEND_PARK) {
        mv_attention_clear(self, MV_ATTEND_PARK);
        const struct mv_stand stand = {
            .call = (int64_t)frame->rax == -MV_ERESTART && !mv_rest_is_at(frame->site) ? self->call
                                                                                       : MV_INTENT_NONE,
            .args = {frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9},
            .rsp = frame->rsp,
        };
        mv_park_note(self, &stand);
        mv_park(self);
        return made_again(self, frame);
    }
    if (attention & MV_ATTEND_REQUEST) {
        mv_attention_clear(self, MV_ATTEND_REQUEST);
        mv_request_arrived(self);
        return made_again(self, frame);
    }
    if (attention & MV_ATTEND_SETTLE) {
        mv_attention_clear(self, MV_ATTEND_SETTLE);
        mv_settle(self);
        return made_again(self, frame);
    }
    if (attention & MV_ATTEND_TRAPPED) {
        mv_attention_clear(self, MV_ATTEND_TRAPPED);
        frame->rax = (uint64_t)(int64_t)-MV_ERESTART; /* for a signal: its handler comes first */
        return attention & MV_ATTEND_SIGNAL ? MV_ATTENDED : MV_ATTENDED_ON_THE_SPOT;
    }
    if (!(attention & MV_ATTEND_SIGNAL)) { /* MV_ATTEND_UNMASK */
        resume_from(self, frame);
        mv_attention_clear(self, MV_ATTEND_UNMASK);
        self->mask_replaced = 0;
        self->delivering = 0;
        self->deliver_mask = self->program_mask & ~MV_SIGSYS_BIT;
        return MV_ATTENDED_DELIVER;
    }
    if (mv.role == MV_ROLE_LEADER && !self->signal_announced) {
        /* The record of this call is out: the follower would not expect a signal here any more. */
        mv_attention_clear(self, MV_ATTEND_SIGNAL);
        self->signal_late = 1;
        mv_leader_deferral_timer(self);
        return made_again(self, frame);
    }
    resume_from(self, frame);
    int number = (int)self->deferred;
    mv_attention_clear(self, MV_ATTEND_SIGNAL | MV_ATTEND_UNMASK);
    if (mv.role == MV_ROLE_LEADER && self->log) {
        self->signal_record = self->log->sequence;
        self->signal_untold = (uint32_t)number;
    }
    self->deferred = 0;
    self->signal_announced = 0;
    mv_leader_deferral_met(self);
    if (number != MV_SIGSYS && (mv_actions[number].flags & MV_SA_RESETHAND))
        mv_signal_install(number);
    queue_deferred(self, number);
    self->delivering = (uint32_t)number;
    self->deliver_mask = (mv_block_all | MV_SIGSYS_BIT) & ~MV_SIG_BIT(number);
    return MV_ATTENDED_DELIVER;
}
