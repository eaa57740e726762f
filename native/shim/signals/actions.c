/* What the program believes to be its signal dispositions and masks.
 *
 * Every handler of the program is entered through mv_signal_entry and left through mv_restorer. Flags are the
 * program's, so the kernel's own rules (alternate stack, RESTART, RESETHAND) hold. The mask in the kernel's
 * action blocks everything: between the kernel's jump to mv_signal_entry and the decision what to do with the
 * signal no second one may come (it would run program code above a shim stack in use), and no kick either:
 * one that parked the thread there would take the handler's mask for the program's, and a copy made then
 * would keep it for good. mv_signal_arrived then sets the mask that the program's action asks for. SIGSYS is
 * the shim's: the program's disposition is only noted and served from mv_sigsys_entry, and SIGSYS never
 * enters a mask of the program's, because a trapped call that finds it blocked ends the process (pitfall 26):
 * in these handlers none is made. */
#include "../sys.h"
#include "signals.h"

struct mv_sigaction_kernel mv_actions[65];

/* The program has a seccomp filter, or is about to: between a signal and its handler no call is made that the
 * program did not make itself. Kernel masks are the program's then, and two signals that come at once while
 * the thread is in the shim may be handled in the wrong order. */
uint32_t mv_signals_plain;

#define SIG_DFL     0ul
#define SIG_IGN     1ul
#define SA_RESTORER 0x04000000ul

/* The mask of the shim's own handlers. */
static uint64_t everything(void) {
    return mv_block_all | (mv_signals_plain ? 0 : MV_SIGSYS_BIT);
}

static long install(int number, const struct mv_sigaction_kernel *program) {
    struct mv_sigaction_kernel action = *program;
    action.mask &= ~MV_SIGSYS_BIT;
    if ((uint64_t)action.handler > SIG_IGN) {
        if (!mv_signals_plain)
            action.mask |= everything();
        action.handler = (uint64_t)mv_signal_entry;
        action.flags |= SA_RESTORER | MV_SA_SIGINFO;
        action.restorer = (uint64_t)mv_restorer;
    } else if (mv_signal_needs_entry(number, action.handler)) {
        action = (struct mv_sigaction_kernel){(uint64_t)mv_signal_entry,
                                              SA_RESTORER | MV_SA_SIGINFO | MV_SA_RESTART | MV_SA_ONSTACK,
                                              (uint64_t)mv_restorer, everything()};
    }
    return mv_sys4(__NR_rt_sigaction, number, (long)&action, 0, 8);
}

/* Installs in the kernel what the present role needs for `number`. */
void mv_signal_install(int number) {
    install(number, &mv_actions[number]);
}

/* A SIGSYS may find the thread on its shim stack while a handler of the program stands on the alternate one,
 * of which the kernel then knows nothing: blocked meanwhile, it can't write its frame over that handler's.
 * Under a filter of the program it must not be blocked (a trapped call would end the process): it stays off
 * the alternate stack instead, unless the program asked for it. */
static void install_sigsys(void) {
    int on_stack = !mv_signals_plain || (mv_actions[31].flags & MV_SA_ONSTACK);
    struct mv_sigaction_kernel sigsys = {(uint64_t)mv_sigsys_entry,
                                         SA_RESTORER | MV_SA_SIGINFO | MV_SA_RESTART | MV_SA_NODEFER |
                                             (on_stack ? MV_SA_ONSTACK : 0),
                                         (uint64_t)mv_restorer, everything()};
    mv_sys4(__NR_rt_sigaction, 31, (long)&sigsys, 0, 8);
    mv_block_on_alternate = on_stack ? mv_block_all | MV_SIGSYS_BIT : mv_block_all;
}

long mv_sigaction(int number, const void *act, void *old, size_t size) {
    if (size != 8 || number < 1 || number > 64 || number == 9 || number == 19)
        return mv_sys4(__NR_rt_sigaction, number, (long)act, (long)old, (long)size);
    struct mv_sigaction_kernel before = mv_actions[number], wanted = {0};
    if (act && mv_guard_copy(&wanted, act, sizeof wanted))
        return -14;
    if (act) {
        if (number == 31) {
            mv_actions[number] = wanted;
            if (mv_signals_plain)
                install_sigsys();
        } else if ((uint64_t)wanted.handler > SIG_IGN) {
            /* The table first: whoever is called by the kernel's new action finds the new handler. */
            mv_actions[number] = wanted;
            long result = install(number, &wanted);
            if (result) {
                mv_actions[number] = before;
                return result;
            }
        } else {
            long result = install(number, &wanted);
            if (result)
                return result;
            mv_actions[number] = wanted;
        }
    }
    if (old && mv_guard_copy(old, &before, sizeof before))
        return -14;
    return 0;
}

void mv_signals_under_seccomp(uint32_t plain) {
    if (mv_signals_plain == plain || mv.role != MV_ROLE_SOLO)
        return;
    mv_signals_plain = plain;
    for (int number = 1; number <= 64; number++)
        if ((uint64_t)mv_actions[number].handler > SIG_IGN && number != 31)
            mv_signal_install(number);
    install_sigsys();
}

/* A vfork child has dispositions of its own, but its parent's memory, so the table must stay the parent's:
 * its changes go to the kernel alone. (They last until it execs; a handler set here runs as in the kernel's
 * hands.) */
long mv_sigaction_in_vfork(int number, const void *act, void *old, size_t size) {
    struct mv_sigaction_kernel before = {0}, wanted = {0};
    if (size != 8 || number < 1 || number > 64 || number == 9 || number == 19)
        return mv_sys4(__NR_rt_sigaction, number, (long)act, (long)old, (long)size);
    if (act && mv_guard_copy(&wanted, act, sizeof wanted))
        return -14;
    mv_sys4(__NR_rt_sigaction, number, 0, (long)&before, 8);
    if (before.handler == (uint64_t)mv_signal_entry || before.handler == (uint64_t)mv_sigsys_entry)
        before = mv_actions[number];
    if (act && number != 31)
        mv_sys4(__NR_rt_sigaction, number, (long)&wanted, 0, 8);
    if (old && mv_guard_copy(old, &before, sizeof before))
        return -14;
    return 0;
}

/* Reads the dispositions that the process was started with, and takes SIGSYS. */
void mv_signals_start(void) {
    for (int number = 1; number <= 64; number++)
        mv_sys4(__NR_rt_sigaction, number, 0, (long)&mv_actions[number], 8);
    install_sigsys();
    uint64_t bit = MV_SIGSYS_BIT, old = 0;
    mv_sys4(__NR_rt_sigprocmask, 1 /* UNBLOCK */, (long)&bit, (long)&old, 8);
    mv_self->program_mask = old;
    mv_signal_install(11);
    mv_signal_install(7);
}

/* The kernel knows from rsp whether the alternate stack is in use; the shim's own is not the program's. */
long mv_sigaltstack(struct mv_thread *self, const struct mv_frame *frame) {
    const uint64_t *wanted = (const uint64_t *)frame->rdi;
    uint64_t *old = (uint64_t *)frame->rsi, before[3] = {0}, after[3] = {0};
    uint64_t low = -self->alternate_minus_low, end = -self->alternate_minus_end;
    int on_it = frame->rsp > low && frame->rsp < end;
    if (wanted && mv_guard_copy(after, wanted, sizeof after))
        return -14;
    if (wanted && on_it)
        return -1; /* EPERM */
    long result = mv_sys2(__NR_sigaltstack, wanted ? (long)after : 0, (long)before);
    if (result)
        return result;
    if (wanted) {
        int none = (after[1] & 0x7fffffff) == 2; /* SS_DISABLE; the flags are an int */
        self->alternate_minus_low = none ? MV_NO_ALTERNATE : -after[0];
        self->alternate_minus_end = none ? MV_NO_ALTERNATE : -(after[0] + after[2] + 1);
    }
    if (on_it)
        before[1] |= 1; /* SS_ONSTACK */
    return old && mv_guard_copy(old, before, sizeof before) ? -14 : 0;
}

/* The program's mask. While the kernel's is replaced (a deferred signal, a follower) only the note changes.
 */
long mv_sigprocmask(struct mv_thread *self, int how, const uint64_t *set, uint64_t *old, size_t size) {
    uint64_t wanted = 0, before = 0;
    if (size != 8)
        return -22;
    if (set && mv_guard_copy(&wanted, set, 8))
        return -14;
    if (set && (how < 0 || how > 2))
        return -22;
    if (self->mask_replaced) {
        before = self->program_mask;
        if (set)
            self->program_mask = how == 0 ? before | wanted : how == 1 ? before & ~wanted : wanted;
    } else {
        /* Interruptible: a signal that is deferred after the look at mask_replaced has changed the kernel's
         * mask. */
        uint64_t clean = wanted & ~MV_SIGSYS_BIT;
        uint64_t args[6] = {(uint64_t)how, set ? (uint64_t)&clean : 0, (uint64_t)&before, 8, 0, 0};
        long result = mv_syscall_interruptible(args, __NR_rt_sigprocmask, &self->attention);
        if (result)
            return result;
    }
    if (old && mv_guard_copy(old, &before, 8))
        return -14;
    return 0;
}
