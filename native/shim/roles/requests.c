/* What the coordinator asks for: follow, unfollow, trace, update. By the main thread, on its shim stack. */
#include "../log/barriers.h"
#include "../signals/signals.h"
#include "../sys.h"
#include "../update/update.h"
#include "roles.h"

void mv_request_answer(enum mv_reason reason, int code, const char *text) {
    struct mv_control *control = mv.control;
    control->answer = reason;
    if (reason != MV_REASON_NONE) {
        struct mv_text why = {.used = 0};
        mv_text_add(&why, text);
        mv_text_copy(control->reason_text, sizeof control->reason_text, &why);
        control->reason = reason;
        control->reason_code = code;
    }
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
    mv_keeper_poll(0);
    mv_park_release(self);
    if (bad)
        mv_request_answer(late ? MV_REASON_PARK_TIMEOUT : MV_REASON_NO_RESOURCES, -bad,
                          "the event log could not be started");
    else
        mv_request_answer(MV_REASON_NONE, 0, "");
}

/* One follower, or all of them. */
static void unfollow(uint32_t generation) {
    uint32_t found = 0;
    for (uint32_t version = 0; version < MV_VERSIONS; version++) {
        uint32_t own = (uint32_t)mv.followers[version].generation;
        if (!(mv.followed >> version & 1) || (generation && own != generation))
            continue;
        found |= mv.control->publishing[version];
        mv_end_follower(version, MV_REASON_REQUESTED, 0, "requested");
    }
    mv_leader_unfollowed();
    if (found)
        mv_request_answer(MV_REASON_NONE, 0, "");
    else
        mv_request_answer(MV_REASON_BUSY, 0, "the server has no such follower");
}

/* Has this leader made a follower since the request was thought of? A request whose leader died is made again
 * to the next one, which may have found it by itself. */
static int is_followed_since(uint32_t generation) {
    for (uint32_t version = 0; version < MV_VERSIONS; version++)
        if ((mv.followed >> version & 1) && (uint32_t)mv.followers[version].generation > generation &&
            mv_load_acquire32(&mv.control->publishing[version]))
            return 1;
    return 0;
}

/* The coordinator's kick has arrived: mv.control->request, or `orphans`, says what for; or the keeper is
 * dead, which an idle server would find late. */
void mv_request_arrived(struct mv_thread *self) {
    struct mv_control *control = mv.control;
    if (!control || mv.role == MV_ROLE_FOLLOWER)
        return;
    mv_children_handed_over();
    if (mv.role == MV_ROLE_LEADER && mv_keeper_lost())
        mv_keeper_start();
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
        if (is_followed_since(control->request_generation)) {
            mv_request_answer(MV_REASON_NONE, 0, "");
            break;
        }
        mv_follow(self, MV_MEMBER_REPLAYING);
        mv_leader_deferral_again(self);
        break;
    case MV_REQUEST_UNFOLLOW:
        unfollow(control->request_generation);
        break;
    case MV_REQUEST_TRACE:
        trace(self);
        break;
    case MV_REQUEST_UNTRACE:
        mv_leader_unfollowed();
        mv_request_answer(MV_REASON_NONE, 0, "");
        break;
    case MV_REQUEST_UPDATE:
        mv_point_want(control->request_call);
        break;
    case MV_REQUEST_PROMOTE:
        mv_promote_follower(self, control->request_generation, 0);
        break;
    case MV_REQUEST_CANCEL:
        mv_point_cancel();
        mv_request_answer(MV_REASON_NONE, 0, "");
        break;
    default:
        mv_request_answer(MV_REASON_BUSY, 0, "this release does not know the request");
    }
}
