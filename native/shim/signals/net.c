/* Syscall User Dispatch: the net under the rewriter. A `syscall` instruction outside the shim's own text
 * raises SIGSYS; the thread is sent into mv_site_entry as if its site had been rewritten, by a small thunk
 * that stands for the missing trampoline. Armed in followers always (nothing may escape from them), elsewhere
 * when code exists that the scan cannot cover, or on request (MVEDSUA_NET=on). Threads and children don't
 * inherit it: mv_thread_begin and mv_fork_child arm again.
 *
 * And SIGSYS as the coordinator's kick (MV_KICK_REQUEST), and the shim's own to park a thread. */
#include "../roles/rest.h"
#include "../roles/roles.h"
#include "../sys.h"
#include "signals.h"

#define PR_SET_SYSCALL_USER_DISPATCH 59
#define SYS_SECCOMP                  1
#define SYS_USER_DISPATCH            2
#define EINTR                        4
#define ENOSYS                       38L
#define ARCH_X86_64                  0xc000003eu

enum {
    PARK = MV_ATTEND_PARK,
    SETTLE = MV_ATTEND_SETTLE,
    REQUEST = MV_ATTEND_REQUEST,
    ASKED = MV_ATTEND_ASKED,
    ARM = 0x100,
    LATE = 0x200,
    UNKNOWN = 0x400
};

/* 0: no kick's. */
static uint32_t kick_of(int value) {
    return value == MV_KICK_PARK      ? PARK
           : value == MV_KICK_ARM     ? ARM
           : value == MV_KICK_SETTLE  ? SETTLE
           : value == MV_KICK_REQUEST ? REQUEST
           : value == MV_KICK_LATE    ? LATE
                                      : 0;
}

void mv_kick(struct mv_thread *area, int kind) {
    struct mv_siginfo info = {.number = 31, .code = -1 /* SI_QUEUE */};
    info.rest[1] = (uint64_t)kind;
    __atomic_fetch_or(&area->kicks, kick_of(kind), __ATOMIC_RELEASE); /* before the signal */
    mv_sys4(__NR_rt_tgsigqueueinfo, mv.pid, area->tid, 31, (long)&info);
}

uint32_t mv_net_for_children __attribute__((visibility("hidden"))); /* entry.S: a vfork child arms itself */

void mv_net_arm(struct mv_thread *self) {
    (void)self;
    mv_net_for_children = mv.role == MV_ROLE_FOLLOWER || mv.net_armed || mv.net_requested;
    if (mv_net_for_children)
        mv_sys5(__NR_prctl, PR_SET_SYSCALL_USER_DISPATCH, 1, (long)mv_text_start,
                (long)mv_text_end - (long)mv_text_start, 0);
}

void mv_net_disarm(void) {
    if (!mv.net_armed && !mv.net_requested)
        mv_sys5(__NR_prctl, PR_SET_SYSCALL_USER_DISPATCH, 0, 0, 0, 0);
}

/* Code that the scan can't cover exists: this thread is armed now, the others at their next slow call or
 * kick. */
void mv_net_wanted(void) {
    if (mv.net_armed)
        return;
    mv.net_armed = 1;
    mv_net_arm(mv_self);
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        if (area != mv_self && area->tid)
            mv_kick(area, MV_KICK_ARM);
}

/* A call on the solo fast path that has just returned, cut short by this kick: what is left of it is made
 * next. */
static int goes_on_with_rest(struct mv_ucontext *uc) {
    if (uc->rip != (uint64_t)mv_fast_syscall + 2 || (int64_t)uc->rax <= 0)
        return 0;
    const uint64_t *stack = (const uint64_t *)uc->rsp;
    struct mv_frame frame = {.rdi = uc->rdi,
                             .rsi = uc->rsi,
                             .rdx = uc->rdx,
                             .r10 = uc->r10,
                             .r8 = uc->r8,
                             .r9 = uc->r9,
                             .rsp = uc->rsp + 152,
                             .site = stack[1],
                             .cont = stack[2]};
    if (!mv_rest_begin(&frame, (uint32_t)stack[0], (long)uc->rax))
        return 0;
    uc->rsi = frame.rsi;
    uc->rdx = frame.rdx;
    uc->r10 = frame.r10;
    uc->r8 = frame.r8;
    uc->r9 = frame.r9;
    uc->rax = frame.rax;
    uc->rcx = frame.cont;
    uc->rsp = frame.rsp;
    uc->rip = (uint64_t)mv_site_entry;
    return 1;
}

/* A thread on the solo fast path goes back to the entry, so that its call is made by the role that is
 * valid after the kick. A call that has completed stays completed, but for what is left of it. */
static void rewind_fast(struct mv_ucontext *uc) {
    const uint64_t *stack = (const uint64_t *)uc->rsp;
    uint64_t pc = uc->rip;
    if (goes_on_with_rest(uc))
        return;
    if (mv_within(pc, mv_site_entry, mv_entry_moved))
        ;
    else if (mv_within(pc, mv_entry_moved, mv_fast_pushed) || mv_within(pc, mv_fast_left, mv_fast_syscall) ||
             mv_within(pc, mv_fast_end + 1, mv_entry_commit) || pc == (uint64_t)mv_spot_commit) {
        uc->rcx = uc->r11;
        uc->rsp += pc == (uint64_t)mv_fast_begin    ? 128
                   : pc == (uint64_t)mv_fast_second ? 136
                   : pc == (uint64_t)mv_fast_third  ? 144
                                                    : 0;
    } else if (mv_within(pc, mv_fast_pushed, mv_fast_left) || pc == (uint64_t)mv_fast_syscall ||
               (pc == (uint64_t)mv_fast_syscall + 2 && (int64_t)uc->rax == -EINTR)) {
        uc->rax = stack[0];
        uc->rcx = stack[2];
        uc->rsp += 152;
    } else
        return;
    uc->rip = (uint64_t)mv_site_entry;
}

static int on_shim(struct mv_thread *self, struct mv_ucontext *uc) {
    return mv_on_shim_stack(self, uc->rsp) || mv_within(uc->rip, mv_raw_syscall, mv_raw_end) ||
           mv_within(uc->rip, mv_child_begin, mv_child_commit) ||
           mv_within(uc->rip, mv_deliver, mv_deliver_end + 1) || self->hooked;
}

static void attend_later(struct mv_thread *self, struct mv_ucontext *uc, uint32_t what) {
    uint64_t pc = uc->rip;
    mv_attention_raise(self, what);
    if (pc >= (uint64_t)mv_interruptible_check && pc <= (uint64_t)mv_interruptible_syscall)
        uc->rip = (uint64_t)mv_interruptible_abort;
    else if (pc == (uint64_t)mv_interruptible_after && (int64_t)uc->rax == -EINTR &&
             !(self->attention & MV_ATTEND_SIGNAL)) /* a deferred one had come first: the failure is its */
        uc->rax = (uint64_t) - (int64_t)MV_ERESTART;
    else if (mv_within(pc, mv_exit_begin, mv_exit_commit) || mv_within(pc, mv_spot_begin, mv_spot_commit))
        mv_back_to(uc, mv_exit_begin);
}

/* In the handler of a kick: its return sets the mask. (Set here already, it would let a signal in above the
 * shim stack, which would be deferred to a call that may never be made.) */
static void settle_in_handler(struct mv_thread *self) {
    (void)self;
    if (mv.role != MV_ROLE_FOLLOWER)
        mv_net_disarm();
}

/* `came`: by this signal. Without its information: whatever may be asked for; none is harmful. */
static void kicked(struct mv_thread *self, uint32_t came, struct mv_ucontext *uc) {
    uint32_t kicks = __atomic_exchange_n(&self->kicks, 0, __ATOMIC_ACQUIRE) | came;
    /* The coordinator's own comes by its signal alone, to the main thread, and the kernel drops it while
     * another SIGSYS is pending there: one that asks a promoted process at once meets that of its takeover.
     */
    if (self->tid == mv.pid)
        kicks |= REQUEST;
    if (kicks & UNKNOWN)
        kicks |= PARK | ARM | REQUEST | (mv.translated ? SETTLE : 0);
    uint32_t what = kicks & ASKED;
    if (kicks & ARM)
        mv_net_arm(self);
    if (on_shim(self, uc)) {
        if (kicks & LATE)
            mv_leader_deferral_met(self); /* it reached a call in time */
        /* (Where nothing is asked for, a call that we interrupted is made again.) */
        attend_later(self, uc, kicks & (ARM | LATE) ? what | MV_ATTEND_REQUEST : what);
        return;
    }
    if (kicks == ARM) {
        rewind_fast(uc);
        return;
    }
    rewind_fast(uc);
    int makes_one = uc->rip == (uint64_t)mv_site_entry && !mv_rest_is_at(((const uint64_t *)uc->rcx)[-1]);
    const struct mv_stand stand = {
        .call = makes_one ? (uint32_t)uc->rax : MV_INTENT_NONE,
        .args = {uc->rdi, uc->rsi, uc->rdx, uc->r10, uc->r8, uc->r9},
        .rsp = uc->rsp,
    };
    mv_park_note(self, &stand);
    /* This handler itself blocks everything: what the program's mask is stands in the frame only. */
    if (!self->mask_replaced)
        self->program_mask = uc->mask;
    self->mask_replaced = 1;
    if (kicks & LATE)
        mv_call_on_shim_stack(mv_leader_deferral_expired, self, self->stack_top - sizeof(struct mv_frame));
    mv_attention_raise(self, what);
    /* Another kick may have found this one on the shim stack. A call that is made on the spot never looks at
     * `attention`: it would sleep over it. */
    for (uint32_t left; (left = self->attention & ASKED) != 0;) {
        uint32_t one = left & -left;
        mv_attention_clear(self, one);
        mv_call_on_shim_stack(one == MV_ATTEND_PARK     ? mv_park
                              : one == MV_ATTEND_SETTLE ? settle_in_handler
                                                        : mv_request_arrived,
                              self, self->stack_top - sizeof(struct mv_frame));
    }
    self->mask_replaced = mv.role == MV_ROLE_FOLLOWER || self->deferred;
    uc->mask = self->mask_replaced ? mv_block_all : self->program_mask & ~MV_SIGSYS_BIT;
}

/* There is at most one SIGSYS pending: the kernel drops that of a trapped call when a kick, or one that
 * somebody sent, came just before it. The call was not made then, and stands behind its instruction with its
 * number in rax: that is undone. (Only the instruction itself leaves its address in rcx; in the shim's own
 * text it was made.) */
static void make_up_for_a_dropped_trap(struct mv_ucontext *uc) {
    uint32_t code;
    if (mv_net_for_children && uc->rcx == uc->rip && !mv_within(uc->rip, mv_text_start, mv_text_end) &&
        !mv_guard_load32((const void *)(uc->rip - 2), &code) && (code & 0xffff) == 0x050f)
        uc->rip -= 2;
}

/* The 32-bit kernel's calls (int $0x80, and code in a 32-bit segment) have numbers of their own, and
 * structures that no table of ours describes. */
static void refuse_32_bit(struct mv_ucontext *uc) {
    static uint32_t told;
    if (mv.role == MV_ROLE_FOLLOWER)
        mv_follower_end(MV_REASON_ESCAPE, 0,
                        "the follower made a 32-bit system call (int 0x80); it was not made");
    if (!__atomic_exchange_n(&told, 1, __ATOMIC_RELAXED))
        mv_say_string(MV_WARNING, "refused: 32-bit system calls (ENOSYS): they are in no call table");
    uc->rax = (uint64_t)-ENOSYS;
}

/* From mv_sigsys_entry, everything blocked: the program's own handler of SIGSYS to run, or 0. */
uint64_t mv_sigsys_arrived(int number, struct mv_siginfo *info, struct mv_ucontext *uc) {
    struct mv_thread *self = mv_self;
    if (info->code == SYS_USER_DISPATCH && (uint32_t)(info->rest[1] >> 32) /* si_arch */ != ARCH_X86_64) {
        refuse_32_bit(uc);
        return 0;
    }
    if (info->code == SYS_USER_DISPATCH && !self && mv.role == MV_ROLE_FOLLOWER)
        mv_follower_unseen();
    if (info->code == SYS_USER_DISPATCH) {
        const struct mv_thunk *thunk = mv_thunk_for(uc->rip);
        if (self) {
            /* Without a thunk (no memory) the program's own code is the continuation; what stands before it
             * is taken for the site's address: no handler may be deferred over it, and no unwinder come
             * through. */
            uc->rcx = thunk ? (uint64_t)thunk->code : uc->rip;
            uc->rip = (uint64_t)mv_site_entry;
            return 0;
        }
    }
    if (self && info->code != SYS_SECCOMP && info->code != SYS_USER_DISPATCH)
        make_up_for_a_dropped_trap(uc);
    if ((info->code == -1 /* SI_QUEUE */ || info->code == -2 /* SI_TIMER */) && self) {
        uint32_t came = kick_of((int)info->rest[1]);
        if (came) {
            kicked(self, came, uc);
            return 0;
        }
    }
    /* With the queue of signals full (RLIMIT_SIGPENDING, of all processes of the user) the kernel delivers
     * this one without its information. Whoever sends it otherwise has a pid. */
    if (info->code == 0 && info->rest[0] == 0 && self) {
        kicked(self, UNKNOWN, uc);
        return 0;
    }
    return info->code == SYS_SECCOMP ? mv_filter_trapped(self, info, uc)
                                     : mv_signal_arrived(number, info, uc);
}
