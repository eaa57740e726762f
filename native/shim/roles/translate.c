/* The names that the program knows. The pids and tids of a promoted process stay the dead leader's to it
 * (mv.translated): what it asks the kernel by them, and is told, is translated. */
#include "../calls/guard.h"
#include "../signals/signals.h"
#include "../sys.h"
#include "roles.h"
#include "waits.h"

struct mv_thread *mv_thread_called(uint32_t logical) {
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        if (area->logical_tid == logical)
            return area;
    return NULL;
}

long mv_real_tid(long logical) {
    const struct mv_thread *thread = mv_thread_called((uint32_t)logical);
    return thread ? thread->tid : logical;
}

/* Which argument of the call names a thread, or a process by its main thread? -1: none. */
static int naming(uint32_t call, const struct mv_frame *frame) {
    switch (call) {
    case __NR_sched_setparam:
    case __NR_sched_getparam:
    case __NR_sched_setscheduler:
    case __NR_sched_getscheduler:
    case __NR_sched_rr_get_interval:
    case __NR_sched_setaffinity:
    case __NR_sched_getaffinity:
    case __NR_sched_setattr:
    case __NR_sched_getattr:
    case __NR_prlimit64:
    case __NR_get_robust_list:
    case __NR_pidfd_open:
    case __NR_process_vm_readv:
    case __NR_process_vm_writev:
        return 0;
    case __NR_setpriority:
    case __NR_getpriority:
        return (int32_t)frame->rdi == 0 /* PRIO_PROCESS */ ? 1 : -1;
    case __NR_ioprio_set:
    case __NR_ioprio_get:
        return (int32_t)frame->rdi == 1 /* IOPRIO_WHO_PROCESS */ ? 1 : -1;
    default:
        return -1;
    }
}

/* The thread of this process that the call names; NULL: none. */
struct mv_thread *mv_thread_meant(uint32_t call, const struct mv_frame *frame) {
    int argument = naming(call, frame);
    if (argument < 0)
        return NULL;
    uint32_t logical = (uint32_t)(argument ? frame->rsi : frame->rdi);
    return logical ? mv_thread_called(logical) : mv_self;
}

/* Makes the call for that thread. 0: it names none of ours, nothing is done. */
int mv_make_as_meant(struct mv_thread *self, struct mv_frame *frame, long *result) {
    const struct mv_thread *meant = mv_thread_meant(self->call, frame);
    if (!meant)
        return 0;
    uint64_t *named = naming(self->call, frame) ? &frame->rsi : &frame->rdi, logical = *named;
    if ((uint32_t)logical)
        *named = meant->tid;
    *result = mv_make_call(self, frame);
    *named = logical;
    return 1;
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
        return mv_make_as_meant(self, frame, result) || mv_identity_translate(frame, result);
    }
}
