/* The names that the program knows. The pids and tids of a promoted process stay the dead leader's to it
 * (mv.translated): what it asks the kernel by them, and is told, is translated. */
#include "../calls/guard.h"
#include "../signals/signals.h"
#include "../sys.h"
#include "roles.h"
#include "waits.h"

long mv_real_tid(long logical) {
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        if (area->logical_tid == (uint32_t)logical)
            return area->tid;
    return logical;
}

static long real_pid(long logical) {
    return (uint32_t)logical == mv.logical_pid ? (long)mv.pid : logical;
}

/* Calls in which a promoted process must speak of itself by its logical names. 1: *result is set. */
int mv_translate(struct mv_thread *self, struct mv_frame *frame, long *result) {
    switch (self->call) {
    case __NR_getpid:
        *result = mv.logical_pid;
        return 1;
    case __NR_gettid:
    case __NR_set_tid_address:
        if (self->call == __NR_set_tid_address)
            mv_make_call(self, frame);
        *result = self->logical_tid;
        return 1;
    case __NR_tgkill:
        *result = mv_sys3(__NR_tgkill, real_pid((int32_t)frame->rdi), mv_real_tid((int32_t)frame->rsi),
                          (long)frame->rdx);
        return 1;
    case __NR_tkill:
        *result = mv_sys2(__NR_tkill, mv_real_tid((int32_t)frame->rdi), (long)frame->rsi);
        return 1;
    case __NR_kill:
        if ((int32_t)frame->rdi <= 0)
            return mv_identity_translate(frame, result);
        *result = mv_sys2(__NR_kill, real_pid((int32_t)frame->rdi), (long)frame->rsi);
        return 1;
    case __NR_rt_sigqueueinfo:
        *result =
            mv_sys3(__NR_rt_sigqueueinfo, real_pid((int32_t)frame->rdi), (long)frame->rsi, (long)frame->rdx);
        return 1;
    case __NR_rt_tgsigqueueinfo:
        *result = mv_sys4(__NR_rt_tgsigqueueinfo, real_pid((int32_t)frame->rdi),
                          mv_real_tid((int32_t)frame->rsi), (long)frame->rdx, (long)frame->r10);
        return 1;
    case __NR_fcntl: {
        const uint64_t args[6] = {frame->rdi, frame->rsi, frame->rdx, 0, 0, 0};
        return mv_owners_translate(args, result);
    }
    case __NR_clock_gettime:
    case __NR_clock_getres:
    case __NR_clock_nanosleep: {
        uint64_t clock = frame->rdi;
        frame->rdi = (uint64_t)(int64_t)mv_clock_real((int32_t)clock);
        *result = mv_make_call(self, frame);
        frame->rdi = clock;
        return 1;
    }
    case __NR_rt_sigtimedwait: {
        struct mv_siginfo info;
        *result = mv_make_call(self, frame);
        if (*result <= 0 || !frame->rsi || mv_guard_copy(&info, (const void *)frame->rsi, sizeof info))
            return 1;
        mv_siginfo_named(&info);
        mv_guard_copy((void *)frame->rsi, &info, sizeof info);
        return 1;
    }
    case __NR_wait4:
    case __NR_waitid:
        *result = mv_wait_call(self, frame);
        return 1;
    default:
        return mv_identity_translate(frame, result);
    }
}
