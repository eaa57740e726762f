/* Update points: where the main thread may be copied to go on in another version.
 *
 * A point is the wait of an event loop, with no word in the program about it: what the program has to do is
 * done, and what it does next depends on the call's outcome, which both versions are given by the log. So the
 * copy is made at the call's entry, before the leader makes it. Programs that want to say it themselves call
 * mvedsua_update_point().
 *
 * A lead that is handed over between versions with rules, too, but at calls only: their place in the log is
 * what tells a follower that it has come to the same one. */
#include "../log/barriers.h"
#include "../roles/roles.h"
#include "../sys.h"
#include "update.h"

#include <mvedsua/update.h>

#define EXPORT __attribute__((visibility("default")))

/* Of a program's own points, the names' first 39 bytes. */
struct point {
    uint32_t call; /* MV_POINT_ANY, … (shared.h) */
    char name[MV_POINT_NAME];
};
static struct point wanted, here, met; /* here: where the main thread is; met: where the copy was made */

/* From here on every call is looked at, also in the solo role. */
void mv_point_want(uint32_t call) {
    wanted.call = call;
    __builtin_memcpy(wanted.name, mv.control->request_point, sizeof wanted.name);
    mv.point_wanted = mv.control->request_number;
    mv_fast_calls_for_role();
}

static void suspend(void) {
    mv.point_wanted = 0;
    mv_fast_calls_for_role();
}

/* Threads do not rest when the main thread comes to its point: it is tried again, at its points, or, when it
 * waits for the world meanwhile, as a timer sends it there. Nothing tells when all of them rest. */
#define AGAIN_FIRST_NS 1000000u
#define AGAIN_MOST_NS  64000000u
static struct {
    uint32_t timer;  /* + 1 */
    uint32_t number; /* of the request */
    uint64_t nap, not_before;
} again;

static void forget_again(void) {
    if (again.timer)
        mv_sys1(__NR_timer_delete, again.timer - 1);
    again.timer = 0;
    again.number = 0;
}

/* In a copy: the timer is its leader's; that number may be one of the program's own here, later. */
void mv_point_forget(void) {
    mv.point_wanted = 0;
    again.timer = again.number = 0;
}

/* The main thread, which leads or is solo. Without whoever asked, it would be tried for ever. */
void mv_point_again(const struct mv_text *why) {
    struct mv_thread *self = mv_self;
    struct {
        uint64_t value;
        int32_t signal, notify, tid;
        int32_t rest[11];
    } event = {
        .value = MV_KICK_REQUEST, .signal = 31, .notify = 4 /* SIGEV_THREAD_ID */, .tid = (int32_t)self->tid};
    int32_t timer = 0;
    if (mv_main_thread_is_gone(mv_load_acquire32(&mv.control->coordinator_pid))) {
        mv_point_cancel();
        mv_request_answer(MV_REASON_BUSY, 0, "whoever asked for it is gone");
        return;
    }
    if (again.number != mv.control->request_number) {
        forget_again();
        again.number = mv.control->request_number;
        again.nap = AGAIN_FIRST_NS;
        if (!mv_sys3(__NR_timer_create, 1 /* CLOCK_MONOTONIC */, (long)&event, (long)&timer))
            again.timer = (uint32_t)timer + 1;
    } else if (again.nap < AGAIN_MOST_NS) {
        again.nap *= 2;
    }
    mv_text_copy(mv.control->reason_text, sizeof mv.control->reason_text, why);
    mv.control->reason = MV_REASON_PARK_TIMEOUT; /* should nothing come of it */
    mv.control->reason_code = (int32_t)again.number;
    again.not_before = mv_now() + again.nap;
    const int64_t after[4] = {0, 0, 0, (int64_t)again.nap};
    if (again.timer)
        mv_sys4(__NR_timer_settime, again.timer - 1, 0, (long)after, 0);
    mv_point_want(wanted.call);
}

/* What waited for the point: a copy, or a promotion. The request may be another one by now: one that cancels.
 * A signal that waits has its place behind a call of the old version: the next point will do. */
static void act_here(struct mv_thread *self) {
    const struct mv_control *control = mv.control;
    if (!control)
        return;
    int copies = control->request == MV_REQUEST_UPDATE;
    int due = (copies || control->request == MV_REQUEST_PROMOTE) &&
              control->request_number == mv.point_wanted &&
              control->answered_number != control->request_number;
    if (due && ((self->attention & MV_ATTEND_SIGNAL) || self->signal_late || self->deferred))
        return;
    if (due && again.number == mv.point_wanted && mv_now() < again.not_before)
        return;
    suspend();
    if (!due)
        return;
    met = here;
    mv.point_call = here.call;
    if (copies)
        mv_follow(self, MV_MEMBER_UPDATING);
    else
        mv_promote_follower(self, control->request_generation, 1);
    if (!mv.point_wanted)
        forget_again();
    mv_leader_deferral_again(self);
}

void mv_point_at_call(struct mv_thread *self, const struct mv_frame *frame) {
    const uint64_t args[6] = {frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9};
    int is_wanted = wanted.call == MV_POINT_ANY || wanted.call == MV_POINT_CALLS || wanted.call == self->call;
    if (mv.role == MV_ROLE_FOLLOWER || self->tid != mv.pid || !is_wanted ||
        !mv_waits_for_world(self->call, args))
        return;
    here = (struct point){.call = self->call};
    act_here(self);
}

/* Was this copy made at a system call? Then its frame holds what the program had in its registers there. */
int mv_point_is_call(void) {
    return met.call != MV_POINT_NAMED;
}

void mv_point_cancel(void) {
    forget_again();
    suspend();
}

EXPORT int mvedsua_is_updating(void) {
    return (int)mv.arriving;
}

static int is_named(const struct point *point, const char *name) {
    uint32_t at = 0;
    while (at < MV_POINT_NAME - 1 && point->name[at] && point->name[at] == name[at])
        at++;
    return at == MV_POINT_NAME - 1 || (!point->name[at] && !name[at]);
}

/* (The new version comes to the point that it was made at: others may lie on its way.) */
EXPORT void mvedsua_update_point(const char *name) {
    struct mv_thread *self = mv_self;
    name = name ? name : "";
    if (!self || self->tid != mv.pid || self->raw_depth)
        return;
    if (self->arriving && met.call == MV_POINT_NAMED && is_named(&met, name)) {
        mv_hook_begin(self);
        mv_arrive(self);
        mv_hook_end_settled(self);
    }
    if (!mv.point_wanted || mv.role == MV_ROLE_FOLLOWER ||
        !(wanted.call == MV_POINT_ANY || (wanted.call == MV_POINT_NAMED && is_named(&wanted, name))))
        return;
    mv_hook_begin(self);
    here = (struct point){.call = MV_POINT_NAMED};
    for (uint32_t i = 0; i < MV_POINT_NAME - 1 && name[i]; i++)
        here.name[i] = name[i];
    mv_call_on_shim_stack(act_here, self, self->stack_top - sizeof(struct mv_frame));
    mv_hook_end_settled(self);
}
