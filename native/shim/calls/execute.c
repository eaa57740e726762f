/* Makes a call for real, with what the shim itself has to add to it. Used by every role. */
#include "../order/order.h"
#include "../rewrite/rewrite.h"
#include "../roles/roles.h"
#include "../signals/signals.h"
#include "../state.h"
#include "../sys.h"
#include "table.h"

#include <linux/stat.h>
#include <sys/mman.h>

#define ENOSYS (-38L)
#define EPERM  (-1L)

/* The call as the program made it. A signal that arrives before or during it comes back as -MV_ERESTART
 * (to be made again) or -EINTR, and is pending in `attention`. */
long mv_make_call(struct mv_thread *self, struct mv_frame *frame) {
    uint64_t args[6] = {frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9};
    return mv_syscall_interruptible(args, self->call, &self->attention);
}

/* Refusals are told once per call number. */
static long refuse(uint32_t call, long result, const char *why) {
    static uint8_t told[1024];
    uint32_t index = call < 1024 ? call : 1023;
    if (!__atomic_exchange_n(&told[index], 1, __ATOMIC_RELAXED)) {
        const struct mv_call_row *row = mv_call_find(call);
        struct mv_text text = {.used = 0};
        mv_text_add(&text, "refused: ");
        if (row)
            mv_text_add(&text, row->name);
        else {
            mv_text_add(&text, "system call number ");
            mv_text_number(&text, call);
        }
        mv_text_add(&text, why);
        mv_say(MV_WARNING, &text);
    }
    return result;
}

/* Code that becomes executable is rewritten before the program gets to run it. Memory that stays writable
 * as well can change unseen: Syscall User Dispatch watches from then on, where a session asks for it. */
static void code_appears(uint64_t start, uint64_t size, int prot, unsigned flags) {
    struct mv_rewrite_counts new = {0};
    if ((prot & PROT_READ) && size)
        mv_rewrite_range(start, (size + 4095) & ~4095ull, prot, flags, &new);
    if (mv.control && ((prot & PROT_WRITE) || !(prot & PROT_READ) || (flags & MV_RANGE_ANONYMOUS) ||
                       new.trapped || new.refused))
        mv_net_wanted();
    mv_publish_site_counts();
}

/* How much of a mapping the file fills: ld.so maps a library's whole extent at once, and pages beyond the
 * file's end raise SIGBUS. */
static uint64_t filled(const struct mv_frame *frame) {
    struct statx st = {.stx_size = 0};
    if (mv_sys5(__NR_statx, (long)frame->r8, (long)"", 0x1000 /* AT_EMPTY_PATH */, STATX_SIZE, (long)&st))
        return 0;
    uint64_t behind = st.stx_size > frame->r9 ? st.stx_size - frame->r9 : 0;
    return behind < frame->rsi ? behind : frame->rsi;
}

static long map(struct mv_frame *frame) {
    int prot = (int)frame->rdx;
    int flags = (int)frame->r10;
    long result = mv_sys6(__NR_mmap, (long)frame->rdi, (long)frame->rsi, (long)frame->rdx, (long)frame->r10,
                          (long)frame->r8, (long)frame->r9);
    if (mv_is_error(result))
        return result;
    mv_rewrite_forget((uintptr_t)result,
                      frame->rsi); /* what was mapped there before: munmap is not looked at */
    if (mv.role != MV_ROLE_SOLO) {
        mv_shared_replaced((uint64_t)result, frame->rsi);
        int with_others = (flags & 3) == MAP_SHARED || (flags & 3) == 3 /* SHARED_VALIDATE */;
        if (with_others && (flags & MAP_ANONYMOUS))
            mv_family_mapped();
        else if (with_others)
            if (!mv_shared_mapped((uint64_t)result, frame->rsi))
                mv_leader_unsupported("mmap more often with MAP_SHARED than can be watched");
    }
    if (prot & PROT_EXEC) /* fresh anonymous memory holds zeroes: reading it would only cost its pages */
        code_appears((uint64_t)result, (flags & MAP_ANONYMOUS) ? 0 : filled(frame), prot,
                     (flags & MAP_SHARED) ? MV_RANGE_SHARED : 0);
    return result;
}

static long protect(struct mv_thread *self, struct mv_frame *frame) {
    long result = mv_make_call(self, frame);
    if (result == 0 && (frame->rdx & PROT_EXEC))
        code_appears(frame->rdi, frame->rsi, (int)frame->rdx,
                     MV_RANGE_ANONYMOUS); /* ld.so maps ELF code as it is */
    return result;
}

static long move_mapping(struct mv_thread *self, struct mv_frame *frame) {
    long result = mv_make_call(self, frame);
    if (!mv_is_error(result) && mv.role != MV_ROLE_SOLO && mv_shared_at(frame->rdi, frame->rsi))
        mv_shared_mapped((uint64_t)result, frame->rdx);
    return result;
}

/* Returns only when a signal came first: it may have been sent to the process, and must not die with this
 * thread. No other call is made here in the solo role: a seccomp filter may allow nothing but exit. */
static long end_thread(struct mv_thread *self, struct mv_frame *frame) {
    if (self->raw_depth) /* a vfork child, in its parent's area */
        return mv_make_call(self, frame);
    mv_role_thread_exit(self, frame->rdi);
    mv_condition_forget(self);
    if (mv.role != MV_ROLE_SOLO || mv.translated)
        mv_robust_end(self);
    mv_area_leave(self);
    if (mv.role != MV_ROLE_SOLO)
        for (;;)
            mv_sys1(__NR_exit, (long)frame->rdi);
    long result = mv_make_call(self, frame);
    mv_area_stay(self);
    return result;
}

/* The calls by which a program restricts its own system calls. */
static long seccomp_or_dispatch(struct mv_thread *self, struct mv_frame *frame) {
    if (self->call == __NR_prctl && (uint32_t)frame->rdi == 59 /* PR_SET_SYSCALL_USER_DISPATCH */)
        return refuse(
            self->call, EPERM,
            " PR_SET_SYSCALL_USER_DISPATCH (EPERM): there is one per thread, and the shim needs it");
    int filter = self->call == __NR_seccomp ? (uint32_t)frame->rdi <= 1
                                            : (uint32_t)frame->rdi == 22 /* PR_SET_SECCOMP */;
    uint32_t before = mv_signals_plain;
    if (filter)
        mv_signals_under_seccomp(1); /* rt_sigaction may not be allowed afterwards */
    long result = mv_make_call(self, frame);
    if (filter && mv_is_error(result))
        mv_signals_under_seccomp(before);
    return result;
}

enum mv_action mv_execute(struct mv_thread *self, struct mv_frame *frame) {
    long result;
    switch (self->call) {
    case __NR_mmap:
        result = map(frame);
        break;
    case __NR_mprotect:
    case __NR_pkey_mprotect:
        result = protect(self, frame);
        break;
    case __NR_mremap:
        result = move_mapping(self, frame);
        break;
    case __NR_rt_sigaction:
        result = self->raw_depth ? mv_sigaction_in_vfork((int)frame->rdi, (const void *)frame->rsi,
                                                         (void *)frame->rdx, frame->r10)
                                 : mv_sigaction((int)frame->rdi, (const void *)frame->rsi, (void *)frame->rdx,
                                                frame->r10);
        break;
    case __NR_rt_sigprocmask:
        result = mv_sigprocmask(self, (int)frame->rdi, (const uint64_t *)frame->rsi, (uint64_t *)frame->rdx,
                                frame->r10);
        break;
    case __NR_prctl:
    case __NR_seccomp:
        result = seccomp_or_dispatch(self, frame);
        break;
    case __NR_sigaltstack:
        result = mv_sigaltstack(self, frame);
        break;
    case __NR_rt_sigreturn:
        return MV_ACTION_SIGRETURN;
    case __NR_clone:
    case __NR_clone3:
    case __NR_fork:
    case __NR_vfork:
        return mv_clone(self, frame);
    case __NR_execve:
    case __NR_execveat:
        result = mv_exec(self, frame);
        break;
    case __NR_exit:
        result = end_thread(self, frame);
        break;
    case __NR_close:
    case __NR_close_range:
    case __NR_dup2:
    case __NR_dup3:
        result = mv_close_call(frame);
        break;
    case __NR_chroot:
        if (!self->raw_depth)
            mv_proc_keep();
        result = mv_make_call(self, frame);
        break;
    case __NR_timer_create:
    case __NR_timer_settime:
    case __NR_timer_gettime:
    case __NR_timer_getoverrun:
    case __NR_timer_delete:
        result = self->raw_depth ? mv_make_call(self, frame) : mv_posix_timers_call(self, frame);
        break;
    case __NR_io_uring_setup:
    case __NR_io_uring_enter:
    case __NR_io_uring_register:
        result = refuse(self->call, ENOSYS,
                        " (ENOSYS): its work is done without system calls, no follower could replay it");
        break;
    default: {
        const struct mv_call_row *row = mv_call_find(self->call);
        if (!row)
            result = refuse(self->call, ENOSYS, " (ENOSYS): it is in no call table of this release");
        else if (row->cls == MV_CLASS_REFUSED)
            result = refuse(self->call, EPERM, " (EPERM): it would work around the interception");
        else if (mv.translated && mv_translate(self, frame, &result))
            ;
        else
            result = mv_make_call(self, frame);
    }
    }
    frame->rax = (uint64_t)result;
    return MV_ACTION_RETURN;
}
