/* Signals inside the shim: the rules are in deliver.c. */
#ifndef MV_SIGNALS_H
#define MV_SIGNALS_H

#include "../calls/guard.h"
#include "../state.h"

struct mv_sigaction_kernel { /* as the kernel lays it out */
    uint64_t handler;
    uint64_t flags;
    uint64_t restorer;
    uint64_t mask;
};
extern uint32_t mv_signals_plain __attribute__((visibility("hidden"))); /* actions.c */
extern struct mv_sigaction_kernel mv_actions[65] __attribute__((visibility("hidden")));

#define MV_SIGSYS          31
#define MV_SIG_BIT(number) (1ull << ((number)-1))
#define MV_SIG_FAULTS      /* SEGV BUS ILL FPE TRAP */                                                       \
    (MV_SIG_BIT(11) | MV_SIG_BIT(7) | MV_SIG_BIT(4) | MV_SIG_BIT(8) | MV_SIG_BIT(5))

#define MV_SA_SIGINFO   0x4ul
#define MV_SA_ONSTACK   0x08000000ul
#define MV_SA_RESTART   0x10000000ul
#define MV_SA_NODEFER   0x40000000ul
#define MV_SA_RESETHAND 0x80000000ul

struct mv_siginfo {
    int32_t number, error, code, padding;
    uint64_t rest[14];
};

/* The kernel's struct ucontext on x86-64, as far as the shim looks into it. */
struct mv_ucontext {
    uint64_t flags, link, stack[3];
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags,
        segments, error, trap, oldmask, cr2;
    uint64_t fpstate;
    uint64_t reserved[8];
    uint64_t mask;
};
_Static_assert(__builtin_offsetof(struct mv_ucontext, rip) == 168, "ucontext");
_Static_assert(__builtin_offsetof(struct mv_ucontext, mask) == 296, "ucontext");

/* The program's flags at a call, from the frame's word, in place of the shim's own. Others (trap, alignment,
 * identification) the shim never touches. */
#define MV_EFLAGS_DIRECTION 0x400ull
static inline uint64_t mv_eflags_with(uint64_t eflags, uint64_t flags) {
    const uint64_t lahf = 0xd5 /* SF ZF AF PF CF */, overflow = 0x800;
    eflags &= ~(lahf | overflow | MV_EFLAGS_DIRECTION);
    return eflags | (flags >> 8 & lahf) | (flags & 1 ? overflow : 0) |
           (flags & MV_FLAG_DIRECTION ? MV_EFLAGS_DIRECTION : 0);
}

/* entry.S */
void mv_signal_entry(void);
void mv_sigsys_entry(void);
void mv_restorer(void);
extern char mv_site_entry[], mv_entry_moved[], mv_entry_commit[], mv_fast_begin[], mv_fast_second[],
    mv_fast_third[], mv_fast_pushed[], mv_fast_left[], mv_fast_syscall[], mv_fast_end[], mv_spot_begin[],
    mv_spot_commit[], mv_exit_begin[], mv_exit_commit[], mv_exit_end[], mv_raw_check[], mv_raw_begin[],
    mv_raw_syscall[], mv_raw_end[], mv_deliver[], mv_deliver_after[], mv_deliver_end[],
    mv_interruptible_check[], mv_interruptible_syscall[], mv_interruptible_after[], mv_interruptible_abort[],
    mv_child_begin[], mv_child_commit[];

static inline int mv_within(uint64_t pc, const char *from, const char *to) {
    return pc >= (uint64_t)from && pc < (uint64_t)to;
}

/* To the beginning of a restartable stretch of C-calling code, in which the program's direction flag may have
 * been set already. */
static inline void mv_back_to(struct mv_ucontext *uc, const char *begin) {
    uc->rip = (uint64_t)begin;
    uc->eflags &= ~MV_EFLAGS_DIRECTION;
}

/* A call on the fast path has returned, and its result is the program's already: so is the context from here
 * on. */
static inline void mv_fast_complete(struct mv_ucontext *uc) {
    if (uc->rip != (uint64_t)mv_fast_syscall + 2)
        return;
    uc->rip = uc->rcx = ((const uint64_t *)uc->rsp)[2];
    uc->rsp += 152;
}

/* thunks.c */
struct mv_thunk {
    uint64_t site_next;
    uint8_t code[16];
};
/* The thunk of a trapped call, made when it is new; NULL when there is no memory. */
const struct mv_thunk *mv_thunk_for(uint64_t site_next);
/* The program's address for one in a thunk's code; 0 for any other. */
uint64_t mv_thunk_original(uint64_t pc);

/* queue.c */
/* The kernel's siginfo, in the program's names (those of a process that was promoted). */
void mv_siginfo_named(struct mv_siginfo *info);
void mv_siginfo_keep(uint8_t to[128], const struct mv_siginfo *info);
void mv_signal_queue(int number, const struct mv_siginfo *info); /* to this thread */

/* interrupted.c */
void mv_repair(struct mv_thread *self, struct mv_ucontext *uc);
/* Would a handler of the program have to wait? */
int mv_in_shim(struct mv_thread *self, const struct mv_ucontext *uc);
/* The program's mask where the handler that comes now returns to. */
uint64_t mv_mask_before_handler(const struct mv_ucontext *uc);

/* deliver.c */
uint64_t mv_signal_arrived(int number, struct mv_siginfo *info, struct mv_ucontext *uc);
/* Prepares the handler of `number`, whose interrupted context has the mask uc->mask; returns its address. */
uint64_t mv_signal_run(int number, struct mv_ucontext *uc);
void mv_die_by_default(int number, const struct mv_siginfo *info, struct mv_ucontext *uc);

/* inherit.c */
void mv_signal_inherit(const struct mv_thread *area);

/* filter.c */
uint64_t mv_filter_trapped(struct mv_thread *self, struct mv_siginfo *info, struct mv_ucontext *uc);

void mv_signal_install(int number);
int mv_signal_needs_entry(int number, uint64_t handler);

#endif
