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

#define CRASHES (MV_SIG_FAULTS | MV_SIG_BIT(6)) /* and ABRT */
#define STOPS   (MV_SIG_BIT(19) | MV_SIG_BIT(20) | MV_SIG_BIT(21) | MV_SIG_BIT(22))
#define IGNORED_BY_DEFAULT                                                                                   \
    (MV_SIG_BIT(17) | MV_SIG_BIT(18) | MV_SIG_BIT(23) | MV_SIG_BIT(28)) /* CHLD CONT URG WINCH */

const uint64_t mv_block_all = ~(MV_SIGSYS_BIT | MV_SIG_FAULTS);
uint64_t mv_block_on_alternate = ~MV_SIG_FAULTS;

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

/* In the leader and follower roles the shim must see signals that the program left at their default, because
 * the default would end the process without a word to the other version. SIGSEGV and SIGBUS it must see
 * always: a bad pointer in a call is EFAULT (calls/guard.h). */
int mv_signal_needs_entry(int number, uint64_t handler) {
    if (handler != SIG_DFL || number == 9)
        return 0;
    if (mv.role == MV_ROLE_SOLO)
        return number == 11 || number == 7;
    return !(MV_SIG_BIT(number) & (STOPS | IGNORED_BY_DEFAULT));
}

static int is_fault(int number, const struct mv_siginfo *info) {
    return (MV_SIG_BIT(number) & MV_SIG_FAULTS) && info->code > 0; /* SI_KERNEL too */
}

/* Lets the default action happen when the present handler returns. */
void mv_die_by_default(int number, const struct mv_siginfo *info, struct mv_ucontext *uc) {
    struct mv_sigaction_kernel action = {SIG_DFL, 0, 0, 0};
    mv_sys4(__NR_rt_sigaction, number, (long)&action, 0, 8);
    uc->mask &= ~MV_SIG_BIT(number);
    if (!is_fault(number, info))
        mv_signal_queue(number, info);
}

static void defer(struct mv_thread *self, int number, const struct mv_siginfo *info, struct mv_ucontext *uc) {
    uint32_t pid = (uint32_t)mv_sys0(__NR_getpid);
    if (self->deferred && self->deferred_pid == pid) {
        if (number != MV_SIGSYS) {
            mv_signal_queue(number, info);
        } else if (self->deferred != MV_SIGSYS) {
            /* Never blocked: queued now, it would be here again at once. */
            mv_siginfo_keep(self->sigsys_info, info);
            self->sigsys_waits = 1;
        }
    } else {
        self->deferred_pid = pid;
        mv_siginfo_keep(self->deferred_info, info);
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

/* An event handler of a replayed signal: the same way, with the leader's siginfo. */
void mv_signal_replay(struct mv_thread *self, int number, const void *info) {
    mv_siginfo_keep(self->deferred_info, info);
    self->deferred = (uint32_t)number;
    mv_attention_raise(self, MV_ATTEND_SIGNAL);
}

/* The mask under which the program's handler runs, as the kernel would have computed it. */
static uint64_t handler_mask(int number, uint64_t before) {
    const struct mv_sigaction_kernel *action = &mv_actions[number];
    return before | action->mask | (action->flags & MV_SA_NODEFER ? 0 : MV_SIG_BIT(number));
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
    if (number == MV_SIGSYS && mv_within(uc->rip, mv_deliver, mv_deliver_after)) {
        uc->mask |= MV_SIGSYS_BIT; /* alone not blocked here: it waits until mv_deliver has set its mask */
        mv_signal_queue(number, info);
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
    int crash = is_fault(number, info) || (mv.role == MV_ROLE_LEADER && (MV_SIG_BIT(number) & CRASHES));
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
        if (mv_in_shim(self, uc)) { /* a fault of the shim itself: the program's handler could only loop */
            mv_die_by_default(number, info, uc);
            return 0;
        }
        mv_repair(self, uc); /* it may have been sent, and have come anywhere */
        return run(number, uc, handler_mask(number, mv_mask_before_handler(uc)));
    }
    if (mv_in_shim(self, uc) || mv.role == MV_ROLE_LEADER) {
        mv_repair(self, uc);
        defer(self, number, info, uc);
        if (mv.role == MV_ROLE_LEADER && !mv_on_shim_stack(self, uc->rsp))
            mv_leader_deferral_timer(self);
        return 0;
    }
    if (mv_within(uc->rip, mv_deliver_after, mv_deliver_end + 1))
        resume_into(uc, &self->resume);
    else
        mv_repair(self, uc);
    return run(number, uc, handler_mask(number, mv_mask_before_handler(uc)));
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
    if (self && self->mask_replaced && ((uc->mask ^ mv_block_all) & ~(MV_SIG_BIT(9) | MV_SIG_BIT(19)))) {
        self->program_mask = uc->mask;
        uc->mask = mv_block_all;
    }
}
