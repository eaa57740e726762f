/* What a signal has interrupted: the program, or a place of the shim's from which its thread must not simply
 * be resumed (entry.md). */
#include "../sys.h"
#include "signals.h"

#define EINTR 4

/* Where is the interrupted thread? Repairs the places at which it must not simply be resumed. */
void mv_repair(struct mv_thread *self, struct mv_ucontext *uc) {
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

int mv_in_shim(struct mv_thread *self, const struct mv_ucontext *uc) {
    return mv_on_shim_stack(self, uc->rsp) || mv_within(uc->rip, mv_raw_syscall + 1, mv_raw_end) ||
           mv_within(uc->rip, mv_child_begin, mv_child_commit) || self->hooked;
}

/* sigsuspend, ppoll, pselect6, epoll_pwait: a signal that interrupted them is handled under their mask, and
 * the frame holds the mask from before. They were made on the fast path, whose stack holds the number. */
uint64_t mv_mask_before_handler(const struct mv_ucontext *uc) {
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
