/* A follower that differs parks, tells how, waits until the report is taken, and ends. The leader is told
 * first: it goes solo at its next call and never waits for any of this. */
#include "../calls/payload.h"
#include "../sys.h"
#include "roles.h"

static void copy(uint8_t *to, const void *from, uint32_t size) {
    for (uint32_t i = 0; i < size; i++)
        to[i] = ((const uint8_t *)from)[i];
}

/* The follower's segments as far as they fit; the last one is cut. */
static uint32_t own_payload(uint8_t *to, const struct mv_segment *segments, int count) {
    uint32_t used = 0;
    for (int i = 0; i < count; i++) {
        struct mv_segment segment = segments[i];
        if (used + MV_PAYLOAD_SPAN(segment.len) > MV_DIVERGENCE_BYTES) {
            if (used + 64 > MV_DIVERGENCE_BYTES)
                break;
            segment.len = MV_DIVERGENCE_BYTES - used - 16;
        }
        used += (uint32_t)mv_payload_write(to + used, &segment, 1);
        if (segment.len != segments[i].len)
            break;
    }
    return used;
}

/* In a hook (pthread, vDSO) the frame is an earlier call's: the backtrace begins here instead. One thread of
 * the process comes this far. */
static void begin_backtrace_here(struct mv_thread *self) {
    static struct mv_frame here;
    uint64_t context[8];
    mv_park_save(context);
    here.rbx = context[0];
    here.rbp = context[1];
    here.r12 = context[2];
    here.r13 = context[3];
    here.r14 = context[4];
    here.r15 = context[5];
    here.rsp = context[6];
    here.site = self->info->site = context[7];
    self->info->frame = (uint64_t)&here.r15;
}

static const char *in_short(enum mv_difference kind) {
    switch (kind) {
    case MV_DIFFERS_ARGUMENT:
        return "an argument of its call was another: `mvedsua report` tells the difference";
    case MV_DIFFERS_BYTES:
    case MV_DIFFERS_LENGTH:
        return "its call had other bytes to send: `mvedsua report` tells the difference";
    case MV_DIFFERS_END:
        return "it went on where a thread of the leader's had ended: `mvedsua report` tells more";
    case MV_DIFFERS_ORDER:
        return "it took locks or made threads in another order: `mvedsua report` tells the difference";
    default:
        return "it made another call: `mvedsua report` tells the difference";
    }
}

void mv_diverged(struct mv_thread *self, enum mv_difference kind, uint32_t position,
                 const struct mv_event *event, uint32_t call, const uint64_t args[6], uint64_t site,
                 const struct mv_segment *segments, int count) {
    struct mv_control *control = mv.control;
    mv_follower_ending();
    if (!mv_follower_lets_go(MV_REASON_DIVERGED, in_short(kind))) /* somebody has ended it: that is told */
        for (;;)
            mv_sys1(__NR_exit_group, 0);

    struct mv_member *member = mv_member_of(mv.version);
    struct mv_divergence *d = &control->divergence[mv.version];
    d->kind = kind;
    d->slot = self->slot;
    d->position = position;
    d->call = call;
    d->sequence = event->sequence;
    d->offset = self->reader.position;
    d->site = site;
    for (int i = 0; i < 6; i++)
        d->args[i] = args[i];
    d->leader_size = event->size < MV_DIVERGENCE_BYTES ? event->size : MV_DIVERGENCE_BYTES;
    copy(d->leader_record, event, d->leader_size);
    d->follower_size = own_payload(d->follower_payload, segments, count);
    if (self->info) {
        if (mv_thread_frame(self)->site != site)
            begin_backtrace_here(self);
        self->info->state = MV_THREAD_DIVERGED;
    }
    member->report_taken = 0;
    mv_member_is(mv.version, MV_MEMBER_PARKED);
    mv_control_changed();

    /* Nobody there to take the report: do not stay. (It may be a killed coordinator's successor.) */
    static const int64_t look[2] = {1, 0};
    for (int seconds = 0; seconds < 30 &&
                          !mv_main_thread_is_gone(mv_load_acquire32(&control->coordinator_pid)) &&
                          !__atomic_load_n(&member->report_taken, __ATOMIC_ACQUIRE);)
        seconds += mv_sys4(__NR_futex, (long)&member->report_taken, 0 /* WAIT */, 0, (long)look) == -110;
    mv_member_is(mv.version, MV_MEMBER_ENDED);
    mv_control_changed();
    for (;;)
        mv_sys1(__NR_exit_group, 0);
}
