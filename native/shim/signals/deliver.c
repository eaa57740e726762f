/* When and where a handler of the program runs.
 *
 * solo:     at once, unless the thread is on its shim stack: then at the call's exit.
 * leader:   at the exit of a call, as an event, so that the follower can run it at the same place; after 10
 * ms of pure computation anyway (the follower is then ended by name). follower: when the leader's event says
 * so; signals from outside do not concern it.
 *
 * Deferring means: the signal is noted in the thread, and *all* signals are blocked in the interrupted
 * context, so there is at most one. At the exit (mv_attend) it is queued again and unblocked by mv_deliver in
 * the program's own context: frame, alternate stack, mask and nesting are made by the kernel's own rules.
 *
 * Races: mv_signal_entry runs with everything blocked, so nothing nests before a signal's fate is decided; a
 * signal between the check of `attention` and the syscall instruction (mv_interruptible_abort); one in the
 * last instructions of the exit (sent back to mv_exit_begin); one inside the restartable entry (rewound). */
#include "../rewrite/rewrite.h"
#include "../roles/roles.h"
#include "../sys.h"
#include "signals.h"

#define SIG_DFL 0ul
#define SIG_IGN 1ul
#define EINTR   4
#define SIGSYS  31

#define BIT(number)        (1ull << ((number)-1))
#define FAULTS             (BIT(11) | BIT(7) | BIT(4) | BIT(8) | BIT(5)) /* SEGV BUS ILL FPE TRAP */
#define CRASHES            (FAULTS | BIT(6))                             /* and ABRT */
#define STOPS              (BIT(19) | BIT(20) | BIT(21) | BIT(22))
#define IGNORED_BY_DEFAULT (BIT(17) | BIT(18) | BIT(23) | BIT(28)) /* CHLD CONT URG WINCH */

const uint64_t mv_block_all = ~(MV_SIGSYS_BIT | FAULTS);
uint64_t mv_block_on_alternate = ~FAULTS;

static void set_mask(uint64_t mask) {
    mask &= ~MV_SIGSYS_BIT;
    mv_sys4(__NR_rt_sigprocmask, 2 /* SETMASK */, (long)&mask, 0, 8);
}

void mv_kicks_may_come(int may) {
    const uint64_t kick = MV_SIGSYS_BIT;
    mv_sys4(__NR_rt_sigprocmask, may ? 1 /* UNBLOCK */ : 0 /* BLOCK */, (long)&kick, 0, 8);
}

/* Blocks everything for this thread; the program's mask is only noted from here on. */
void mv_mask_replace(struct mv_thread *self) {
    uint64_t before = 0;
    mv_sys4(__NR_rt_sigprocmask, 2, (long)&mv_block_all, (long)&before, 8);
    if (!self->mask_replaced)
        self->program_mask = before;
    self->mask_replaced = 1;
}

void mv_mask_restore(struct mv_thread *self) {
    self->mask_replaced = 0;
    set_mask(self->program_mask);
}

/* What the shim queues again is in the program's names already. A timer's number is not translated twice:
 * that is marked in bytes which the kernel keeps and no program reads. */
#define SI_TIMER (-2)
#define NAMED    0x4d764b4eu

static struct mv_siginfo marked(const struct mv_siginfo *info) {
    struct mv_siginfo copy = *info;
    if (copy.code == SI_TIMER)
        copy.rest[3] = NAMED;
    return copy;
}

void mv_siginfo_named(struct mv_siginfo *info) {
    int sent = info->code == 0 /* SI_USER */ || info->code == -1 /* QUEUE */ || info->code == -6 /* TKILL */;
    if (mv.translated && sent && (uint32_t)info->rest[0] == mv.pid) /* libc asks whether itself sent it */
        info->rest[0] = (info->rest[0] & ~0xffffffffull) | mv.logical_pid;
    if (info->code != SI_TIMER)
        return;
    if (info->rest[3] == NAMED)
        info->rest[3] = 0;
    else if (mv.translated && mv.role != MV_ROLE_FOLLOWER)
        mv_posix_timers_arrived(info);
}

static void queue_to_self(struct mv_thread *self, int number, const struct mv_siginfo *info) {
    struct mv_siginfo copy = marked(info);
    (void)self;
    mv_sys4(__NR_rt_tgsigqueueinfo, mv_sys0(__NR_getpid), mv_sys0(__NR_gettid), number, (long)&copy);
}

/* In the leader and follower roles the shim must see signals that the program left at their default, because
 * the default would end the process without a word to the other version. SIGSEGV and SIGBUS it must see
 * always: a bad pointer in a call is EFAULT (calls/guard.h). */
int mv_signal_needs_entry(int number, uint64_t handler) {
    if (handler != SIG_DFL || number == 9)
        return 0;
    if (mv.role == MV_ROLE_SOLO)
        return number == 11 || number == 7;
    return !(BIT(number) & (STOPS | IGNORED_BY_DEFAULT));
}

static int is_fault(int number, const struct mv_siginfo *info) {
    return (BIT(number) & FAULTS) && info->code > 0; /* SI_KERNEL too */
}

/* Lets the default action happen when the present handler returns. */
void mv_die_by_default(int number, const struct mv_siginfo *info, struct mv_ucontext *uc) {
    struct mv_sigaction_kernel action = {SIG_DFL, 0, 0, 0};
    mv_sys4(__NR_rt_sigaction, number, (long)&action, 0, 8);
    uc->mask &= ~BIT(number);
    if (!is_fault(number, info))
        queue_to_self(mv_self, number, info);
}

/* Where is the interrupted thread? Repairs the places at which it must not simply be resumed. */
static void repair(struct mv_thread *self, struct mv_ucontext *uc) {
    uint64_t pc = uc->rip;
    if (pc >= (uint64_t)mv_interruptible_check && pc <= (uint64_t)mv_interruptible_syscall)
        uc->rip = (uint64_t)mv_interruptible_abort;
    else if (mv_within(pc, mv_exit_begin, mv_exit_commit) || mv_within(pc, mv_spot_begin, mv_spot_commit))
        mv_back_to(uc, mv_exit_begin);
    else if (mv_within(pc, mv_raw_check, mv_raw_begin) && mv_on_shim_stack(self, uc->rsp))
        mv_back_to(uc, mv_raw_check);
    else if (mv_within(pc, mv_fast_end + 1, mv_entry_commit)) {
        uc->rcx = uc->r11;
        uc->rip = (uint64_t)mv_site_entry;
    } else if (pc == (uint64_t)mv_raw_syscall) {
        mv_raw_undo(self);
        uc->rcx = self->raw_cont[self->raw_depth];
        uc->rip = (uint64_t)mv_site_entry;
    }
}

static int in_shim(struct mv_thread *self, const struct mv_ucontext *uc) {
    return mv_on_shim_stack(self, uc->rsp) || mv_within(uc->rip, mv_raw_syscall + 1, mv_raw_end) ||
           mv_within(uc->rip, mv_child_begin, mv_child_commit) || self->hooked;
}

static void keep(uint8_t to[128], const struct mv_siginfo *info) {
    struct mv_siginfo copy = marked(info);
    __builtin_memcpy(to, &copy, sizeof copy);
}

static void defer(struct mv_thread *self, int number, const struct mv_siginfo *info, struct mv_ucontext *uc) {
    uint32_t pid = (uint32_t)mv_sys0(__NR_getpid);
    if (self->deferred && self->deferred_pid == pid) {
        if (number != SIGSYS) {
            queue_to_self(self, number, info);
        } else if (self->deferred != SIGSYS) { /* never blocked: queued now, it would be here again at once */
            keep(self->sigsys_info, info);
            self->sigsys_waits = 1;
        }
    } else {
        self->deferred_pid = pid;
        keep(self->deferred_info, info);
        self->deferred = (uint32_t)number;
        if (!self->mask_replaced)
            self->program_mask = uc->mask;
        self->mask_replaced = 1;
    }
    uc->mask = mv_block_all;
    mv_attention_raise(self, MV_ATTEND_SIGNAL);
}

static void resume_into(struct mv_ucontext *uc, const struct mv_resume *resume) {
    uc->rax = resume->rax;
    uc->rbx = resume->rbx;
    uc->rcx = resume->rcx;
    uc->rdx = resume->rdx;
    uc->rsi = resume->rsi;
    uc->rdi = resume->rdi;
    uc->rbp = resume->rbp;
    uc->rsp = resume->rsp;
    uc->r8 = resume->r8;
    uc->r9 = resume->r9;
    uc->r10 = resume->r10;
    uc->r12 = resume->r12;
    uc->r13 = resume->r13;
    uc->r14 = resume->r14;
    uc->r15 = resume->r15;
    uc->rip = resume->shown_rip;
    uc->eflags = mv_eflags_with(uc->eflags, resume->flags);
}

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

/* A call that only the shim's own kick interrupted is made now, by the role that is valid now. */
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
    uint64_t set = BIT(number);
    uint64_t unblocked = (set & (FAULTS | MV_SIGSYS_BIT)) | (self->sigsys_waits ? MV_SIGSYS_BIT : 0);
    unsigned count = 0;
    /* They are never blocked otherwise, and would come before mv_deliver lets them in: to be deferred again.
     */
    if (unblocked)
        mv_sys4(__NR_rt_sigprocmask, 0 /* BLOCK */, (long)&unblocked, 0, 8);
    if (self->sigsys_waits)
        queue_to_self(self, SIGSYS, (const struct mv_siginfo *)self->sigsys_info);
    self->sigsys_waits = 0;
    while (number >= 32 && count < 16 &&
           mv_sys4(__NR_rt_sigtimedwait, (long)&set, (long)&later[count], (long)now, 8) == number)
        count++;
    queue_to_self(self, number, (const struct mv_siginfo *)self->deferred_info);
    for (unsigned i = 0; i < count; i++) {
        mv_siginfo_named(&later[i]);
        queue_to_self(self, number, &later[i]);
    }
}

/* From entry.S, on the shim stack, when `attention` is set at a call's exit: enum mv_attended. */
int mv_attend(struct mv_frame *frame) {
    struct mv_thread *self = mv_self;
    uint32_t attention = self->attention;

    /* A signal whose place is this exit comes before the thread stands still, or asks others to: a follower
     * that is made then, beside others, would not expect one that a record has announced; and one that was
     * let in by a call which nobody published would be late as the leader's. What is asked for waits for the
     * next exit. */
    if ((attention & MV_ATTEND_SIGNAL) && (mv.role != MV_ROLE_LEADER || self->signal_announced))
        attention &= ~(uint32_t)(MV_ATTEND_PARK | MV_ATTEND_REQUEST);
    if (attention & MV_ATTEND_PARK) {
        mv_attention_clear(self, MV_ATTEND_PARK);
        const struct mv_stand stand = {
            .call = (int64_t)frame->rax == -MV_ERESTART ? self->call : MV_INTENT_NONE,
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
    if (number != SIGSYS && (mv_actions[number].flags & MV_SA_RESETHAND))
        mv_signal_install(number);
    queue_deferred(self, number);
    self->delivering = (uint32_t)number;
    self->deliver_mask = (mv_block_all | MV_SIGSYS_BIT) & ~BIT(number);
    return MV_ATTENDED_DELIVER;
}

/* An event handler of a replayed signal: the same way, with the leader's siginfo. */
void mv_signal_replay(struct mv_thread *self, int number, const void *info) {
    keep(self->deferred_info, info);
    self->deferred = (uint32_t)number;
    mv_attention_raise(self, MV_ATTEND_SIGNAL);
}

/* sigsuspend, ppoll, pselect6, epoll_pwait: a signal that interrupted them is handled under their mask, and
 * the frame holds the mask from before. They were made on the fast path, whose stack holds the number. */
static uint64_t mask_before_handler(const struct mv_ucontext *uc) {
    uint64_t mask = uc->mask, at = 0, fresh;
    if (uc->rip != (uint64_t)mv_fast_syscall + 2 || (int64_t)uc->rax != -EINTR)
        return mask;
    switch (*(const uint64_t *)uc->rsp) {
    case __NR_rt_sigsuspend:
        at = uc->rdi;
        break;
    case __NR_ppoll:
        at = uc->r10;
        break;
    case __NR_epoll_pwait:
    case __NR_epoll_pwait2:
        at = uc->r8;
        break;
    case __NR_pselect6:
        if (uc->r9 && mv_guard_load64((const void *)uc->r9, &at))
            at = 0;
        break;
    default:
        break;
    }
    return at && mv_guard_load64((const void *)at, &fresh) == 0 ? fresh : mask;
}

/* The mask under which the program's handler runs, as the kernel would have computed it. */
static uint64_t handler_mask(int number, uint64_t before) {
    const struct mv_sigaction_kernel *action = &mv_actions[number];
    return before | action->mask | (action->flags & MV_SA_NODEFER ? 0 : BIT(number));
}

static uint64_t run(int number, struct mv_ucontext *uc, uint64_t mask) {
    struct mv_sigaction_kernel *action = &mv_actions[number];
    uint64_t handler = action->handler;
    /* An interrupted call has failed for good once a handler runs: a kick that comes when it has returned
     * must not take the EINTR for its own work (net.c). */
    mv_fast_complete(uc);
    uint64_t shown = mv_trampoline_to_original(uc->rip);
    if (!shown)
        shown = mv_thunk_original(uc->rip);
    if (shown)
        uc->rip =
            shown; /* unwinders know the program's code, not trampolines; undone in mv_signal_returning */
    if (action->flags & MV_SA_RESETHAND)
        action->handler = SIG_DFL;
    if (!mv_signals_plain)
        set_mask(mask); /* from here on this is the program, and other signals may come */
    return handler;
}

uint64_t mv_signal_run(int number, struct mv_ucontext *uc) {
    return run(number, uc, handler_mask(number, uc->mask));
}

/* A request that had to wait (for a signal in mv_attend, for a hook's end): solo, the program may make no
 * call that looks at `attention`. The kick arrives once the program's mask is set, or at once. */
void mv_asked_again(struct mv_thread *self) {
    if (!(self->attention & MV_ATTEND_REQUEST) || mv.role == MV_ROLE_FOLLOWER)
        return;
    mv_attention_clear(self, MV_ATTEND_REQUEST);
    mv_kick(self, MV_KICK_REQUEST);
}

/* From mv_signal_entry: the address of the program's handler to run now, or 0 to return at once. */
uint64_t mv_signal_arrived(int number, struct mv_siginfo *info, struct mv_ucontext *uc) {
    struct mv_thread *self = mv_self;
    uint64_t fixup;

    mv_siginfo_named(info);
    /* (One that was sent may find a guarded access, too: it is a signal like any other.) */
    if ((number == 11 || number == 7) && is_fault(number, info) && (fixup = mv_guard_fixup(uc->rip)) != 0) {
        uc->rip = fixup;
        return 0;
    }
    uint64_t handler = mv_actions[number].handler;
    if (!self)
        return handler > SIG_IGN ? handler : 0;
    if (number == SIGSYS && mv_within(uc->rip, mv_deliver, mv_deliver_after)) {
        uc->mask |= MV_SIGSYS_BIT; /* alone not blocked here: it waits until mv_deliver has set its mask */
        queue_to_self(self, number, info);
        return 0;
    }

    if (self->delivering == (uint32_t)number && mv_within(uc->rip, mv_deliver_after, mv_deliver_end + 1)) {
        /* Everything is blocked but this signal. */
        self->delivering = 0;
        mv_role_signal(self, number, info);
        resume_into(uc, &self->resume);
        uint64_t during = handler_mask(number, self->program_mask);
        uc->mask = self->program_mask;
        if (mv.role == MV_ROLE_FOLLOWER) {
            self->program_mask = during;
            during = mv_block_all;
        } else {
            self->mask_replaced = 0;
        }
        mv_asked_again(self);
        if (mv_signals_plain)
            set_mask(during);
        return run(number, uc, during);
    }

    if (mv.role == MV_ROLE_FOLLOWER) {
        if (is_fault(number, info)) {
            mv_follower_crashed(self, number, info, uc);
            mv_die_by_default(number, info, uc);
        }
        return 0;
    }
    int crash = is_fault(number, info) || (mv.role == MV_ROLE_LEADER && (BIT(number) & CRASHES));
    if (mv.role == MV_ROLE_LEADER && (crash || handler == SIG_DFL)) {
        if (handler == SIG_DFL || mv_leader_has_follower()) {
            mv_leader_death(self, number, info, uc);
            mv_die_by_default(number, info, uc);
            return 0;
        }
    }
    if (handler <= SIG_IGN) {
        if (handler == SIG_DFL)
            mv_die_by_default(number, info, uc);
        return 0;
    }
    if (crash) {
        if (in_shim(self, uc)) { /* a fault of the shim itself: the program's handler could only loop */
            mv_die_by_default(number, info, uc);
            return 0;
        }
        repair(self, uc); /* it may have been sent, and have come anywhere */
        return run(number, uc, handler_mask(number, mask_before_handler(uc)));
    }
    if (in_shim(self, uc) || mv.role == MV_ROLE_LEADER) {
        repair(self, uc);
        defer(self, number, info, uc);
        if (mv.role == MV_ROLE_LEADER && !mv_on_shim_stack(self, uc->rsp))
            mv_leader_deferral_timer(self);
        return 0;
    }
    if (mv_within(uc->rip, mv_deliver_after, mv_deliver_end + 1))
        resume_into(uc, &self->resume);
    else
        repair(self, uc);
    return run(number, uc, handler_mask(number, mask_before_handler(uc)));
}

/* From mv_restorer, before the kernel restores this frame. What is decided here about its mask must hold
 * until then: a kick that settled or parked the thread in between would decide otherwise. */
void mv_signal_returning(struct mv_ucontext *uc) {
    struct mv_thread *self = mv_self;
    if (!mv_signals_plain)
        mv_kicks_may_come(0);
    uint64_t real = mv_original_to_trampoline(uc->rip);
    if (real)
        uc->rip = real;
    /* A frame of the program's own handlers holds the program's mask; one that found the shim with everything
     * blocked, or in which a signal has just been deferred, holds mv_block_all (from the kernel without KILL
     * and STOP). A program that blocks all it can also blocks the faults, which mv_block_all does not. */
    if (!mv_within(uc->rip, mv_deliver, mv_deliver_after))
        uc->mask &= ~MV_SIGSYS_BIT;
    if (self && self->mask_replaced && ((uc->mask ^ mv_block_all) & ~(BIT(9) | BIT(19)))) {
        self->program_mask = uc->mask;
        uc->mask = mv_block_all;
    }
}
