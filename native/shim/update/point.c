/* Update points: where the main thread may be copied to go on in another version.
 *
 * A point is the wait of an event loop, with no word in the program about it: what the program has to do is
 * done, and what it does next depends on the call's outcome, which both versions are given by the log. So the
 * copy is made at the call's entry, before the leader makes it. Programs that want to say it themselves call
 * mvedsua_update_point(). */
#include "../calls/guard.h"
#include "../roles/roles.h"
#include "../sys.h"
#include "update.h"

#include <mvedsua/update.h>

#define EXPORT __attribute__((visibility("default")))

/* From here on every call is looked at, also in the solo role. */
void mv_point_want(uint32_t call) {
    mv.point_call = call;
    mv.point_wanted = mv.control->request_number;
    mv_fast_calls_for_role();
}

void mv_point_cancel(void) {
    mv.point_wanted = 0;
    mv_fast_calls_for_role();
}

/* A time limit that is there, and is not 0. */
static int is_limit(uint64_t at) {
    uint64_t seconds = 0, rest = 0;
    return !mv_guard_load64((const void *)at, &seconds) && !mv_guard_load64((const void *)(at + 8), &rest) &&
           (seconds | rest);
}

/* Does the call wait for the world? One that only looks (a limit of 0, a socket that does not block) stands
 * in the middle of the program's work. */
static int waits(const struct mv_thread *self, const struct mv_frame *frame) {
    switch (self->call) {
    case __NR_epoll_wait:
    case __NR_epoll_pwait:
        return (int32_t)frame->r10 != 0;
    case __NR_epoll_pwait2:
        return !frame->r10 || is_limit(frame->r10);
    case __NR_poll:
        return (int32_t)frame->rdx != 0;
    case __NR_ppoll:
        return !frame->rdx || is_limit(frame->rdx);
    case __NR_select:
    case __NR_pselect6:
        return !frame->r8 || is_limit(frame->r8);
    case __NR_accept:
    case __NR_accept4: {
        long flags = mv_sys2(__NR_fcntl, (long)frame->rdi, 3 /* F_GETFL */);
        return !mv_is_error(flags) && !(flags & 04000 /* O_NONBLOCK */);
    }
    case __NR_rt_sigtimedwait:
        return !frame->rdx || is_limit(frame->rdx);
    case __NR_rt_sigsuspend:
    case __NR_pause:
        return 1;
    default:
        return 0;
    }
}

/* What waited for the point: a copy, or a promotion. The request may be another one by now: one that cancels.
 * A signal that waits has its place behind a call of the old version: the next point will do. */
static void act_here(struct mv_thread *self) {
    const struct mv_control *control = mv.control;
    if (!control)
        return;
    int copies = control->request == MV_REQUEST_UPDATE;
    int due =
        (copies || control->request == MV_REQUEST_PROMOTE) && control->request_number == mv.point_wanted;
    if (due && ((self->attention & MV_ATTEND_SIGNAL) || self->signal_late || self->deferred))
        return;
    mv_point_cancel();
    if (!due)
        return;
    if (copies)
        mv_follow(self, MV_MEMBER_UPDATING);
    else
        mv_promote_follower(self, control->request_generation, 1);
    mv_leader_deferral_again(self);
}

void mv_point_at_call(struct mv_thread *self, const struct mv_frame *frame) {
    if (mv.role == MV_ROLE_FOLLOWER || self->tid != mv.pid || !waits(self, frame) ||
        (mv.point_call != MV_INTENT_NONE && mv.point_call != self->call))
        return;
    mv.point_call = self->call;
    act_here(self);
}

EXPORT int mvedsua_is_updating(void) {
    return (int)mv.arriving;
}

EXPORT void mvedsua_update_point(const char *name) {
    struct mv_thread *self = mv_self;
    (void)name;
    mv.arriving = 0;
    if (!self || !mv.point_wanted || mv.role == MV_ROLE_FOLLOWER || self->tid != mv.pid || self->raw_depth)
        return;
    mv_hook_begin(self);
    mv.point_call = MV_INTENT_NONE;
    mv_call_on_shim_stack(act_here, self, self->stack_top - sizeof(struct mv_frame));
    mv_hook_end_settled(self);
}
