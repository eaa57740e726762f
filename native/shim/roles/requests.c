/* What the coordinator asks for: follow, unfollow, trace. By the main thread, on its shim stack. */
#include "../signals/signals.h"
#include "../sys.h"
#include "roles.h"

void mv_request_answer(enum mv_reason reason, int code, const char *text) {
    struct mv_control *control = mv.control;
    control->answer = reason;
    if (reason != MV_REASON_NONE)
        mv_reason(reason, code, text);
    __atomic_store_n(&control->answered_number, control->request_number, __ATOMIC_RELEASE);
    mv_control_changed();
}

/* Publishing for a tracer, whose bit is set already. A leader that publishes does so for the new one, too. */
static void trace(struct mv_thread *self) {
    if (mv.role == MV_ROLE_LEADER) {
        mv_request_answer(MV_REASON_NONE, 0, "");
        return;
    }
    uint32_t late = mv_park_others(self);
    mv_thread_unlink_death(self);
    int bad = late ? -110 : mv_publish_start();
    if (!bad)
        bad = mv_keeper_start();
    if (!bad)
        mv_thread_link_death(self);
    mv_park_release(self);
    if (bad)
        mv_request_answer(late ? MV_REASON_PARK_TIMEOUT : MV_REASON_NO_RESOURCES, -bad,
                          "the event log could not be started");
    else
        mv_request_answer(MV_REASON_NONE, 0, "");
}

/* The coordinator's kick has arrived: mv.control->request, or `orphans`, says what for. */
void mv_request_arrived(struct mv_thread *self) {
    struct mv_control *control = mv.control;
    if (!control || mv.role == MV_ROLE_FOLLOWER)
        return;
    mv_children_handed_over();
    if (control->answered_number == control->request_number)
        return;
    if (self->tid != mv.pid) {
        /* Only the main thread can ask; the kick is for the process. */
        for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
            if (area->tid == mv.pid)
                mv_kick(area, MV_KICK_REQUEST);
        return;
    }
    switch (control->request) {
    case MV_REQUEST_FOLLOW:
        mv_follow(self);
        break;
    case MV_REQUEST_UNFOLLOW:
        if (mv_leader_has_follower()) {
            mv_end_follower(MV_REASON_REQUESTED, 0, "requested");
            mv_request_answer(MV_REASON_NONE, 0, "");
        } else {
            mv_request_answer(MV_REASON_BUSY, 0, "the server has no follower");
        }
        break;
    case MV_REQUEST_TRACE:
        trace(self);
        break;
    case MV_REQUEST_UNTRACE:
        if (!control->publishing)
            mv_leader_unfollowed();
        mv_request_answer(MV_REASON_NONE, 0, "");
        break;
    default:
        mv_request_answer(MV_REASON_BUSY, 0, "this release does not know the request");
    }
}
