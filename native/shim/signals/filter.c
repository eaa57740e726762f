/* SECCOMP_RET_TRAP: a filter of the program makes a call of it a SIGSYS, whose handler stands for the call by
 * what it puts into rax (sandboxes do). So the handler must find the program's own registers, stack and
 * address.
 *
 * A call on the fast path, or one that returns twice, is trapped on the program's stack: what the shim has
 * changed is taken back. A slow call is trapped on the shim stack: it fails there, and is made once more at
 * its exit, on the program's stack, where the filter traps it again. What the shim calls for its own purposes
 * just fails. */
#include "../roles/roles.h"
#include "signals.h"

#define ENOSYS 38

uint64_t mv_filter_trapped(struct mv_thread *self, struct mv_siginfo *info, struct mv_ucontext *uc) {
    if (mv_actions[31].handler <= 1) { /* a forced signal: SIG_IGN does not keep it off */
        mv_die_by_default(31, info, uc);
        return 0;
    }
    if (!self)
        return mv_actions[31].handler;
    if (uc->rip == (uint64_t)mv_fast_syscall + 2) {
        mv_fast_complete(uc);
    } else if (uc->rip == (uint64_t)mv_raw_syscall + 2) {
        mv_raw_undo(self);
        uc->rip = self->raw_cont[self->raw_depth];
    } else {
        uc->rax = (uint64_t)-ENOSYS;
        if (mv_on_shim_stack(self, uc->rsp) && (uint32_t)info->rest[1] /* si_syscall */ == self->call)
            mv_attention_raise(self, MV_ATTEND_TRAPPED);
        return 0;
    }
    if (self->mask_replaced && (self->attention & MV_ATTEND_UNMASK)) { /* made on the alternate stack */
        mv_attention_clear(self, MV_ATTEND_UNMASK);
        self->mask_replaced = 0;
        uc->mask = self->program_mask;
    }
    uint64_t site =
        *(const uint64_t *)(uc->rip - 8); /* what mv_signal_run shows in place of the continuation */
    info->rest[0] = uc->rcx = site;       /* si_call_addr */
    uc->r11 = uc->eflags;
    return mv_signal_run(31, uc);
}
