/* Rules between two versions, as one of them follows the other: what the interpreter (rules/) decides about a
 * call is carried out here, on the leader's log.
 *
 * A decision may need events that have not come yet: they are looked at ahead of the cursor, which moves only
 * when they are done with. Once a rule has begun, all that it needs of the leader is there, so it can be
 * finished whatever becomes of the leader. What can be cut off is a rule that has not begun: the leader dies
 * having done a part of what stands for one call of the follower. That call is then made, but for what the
 * leader has done already (leftover.c).
 *
 * The leader offers the lead only at the update point, and while its other threads rest. There the offer is
 * taken only by a follower whose main thread stands at the same call (for any other it is an event that
 * differs), and with no rule begun in any thread. */
#include "../calls/guard.h"
#include "../calls/payload.h"
#include "../log/barriers.h"
#include "../order/order.h"
#include "../rules/image.h"
#include "../sys.h"
#include "leftover.h"
#include "reconciler.h"
#include "streams.h"

static struct mv_reconciler *reconciler_of(struct mv_thread *self) {
    struct mv_reconciler *r = self->reconciler;
    if (r)
        return r;
    long room = mv_sys6(__NR_mmap, 0, (long)(sizeof *r + MV_JOINED_SIZE + MV_RULES_SIZE), 3,
                        0x4022 /* PRIVATE|ANONYMOUS|NORESERVE */, -1, 0);
    if (mv_is_error(room))
        mv_follower_end(MV_REASON_NO_RESOURCES, (int)-room, "there is no memory for the rules");
    r = (struct mv_reconciler *)room;
    uint8_t *joined = (uint8_t *)(r + 1);
    r->end = joined + MV_JOINED_SIZE;
    mv_rules_start(mv_rules_kept, &r->rules, self->slot + 1, r->end, MV_RULES_SIZE);
    self->reconciler = r;
    return r;
}

/* Asked by other threads, too, when a thread may be ending, and its reconciler be unmapped: not looked at.
 * (What a promoted process has left there is of rules that are in force no longer, also in its copies.) */
int mv_reconcile_is_within(const struct mv_thread *area) {
    return mv_rules_image && mv_load_acquire32(&area->within);
}

int mv_reconcile_names(const struct mv_thread *self, uint32_t call) {
    const uint32_t *image = mv_rules_image; /* another thread may take over meanwhile */
    return (image && mv_rules_name(image, call)) || mv_rule_has_begun(self->reconciler);
}

int mv_reconcile_rests(const struct mv_thread *self) {
    return self->asks && self->call == mv_reconcile_point() && !mv_rule_has_begun(self->reconciler);
}

static void see_call(struct mv_reconciler *r) {
    struct mv_comparison *own = &r->comparison;
    mv_compare_begin(own, r->row, r->args);
    r->call = (struct mv_rules_call){.number = (uint32_t)(r->row - mv_call_find(0))};
    __builtin_memcpy(r->call.args, r->args, sizeof r->call.args);
    uint64_t size = mv_payload_size(own->segments, own->count);
    uint8_t *payload = mv_rule_room(r, size);
    mv_payload_write(payload, own->segments, own->count);
    r->call.sent_bytes = mv_rule_collect(r, r->row, payload, size, r->call.sent);
}

/* What an event means for what the follower knows of the leader's descriptors. Its memory is not looked at:
 * that is the leader's. (Events whose memory would have to be are refused by the coordinator.) */
static void note_event(const struct mv_event *event) {
    uint32_t call = event->call;
    const struct mv_stream *stream = mv_stream_of((int32_t)event->args[0]);
    if (call == __NR_close) {
        mv_epoll_closed((int32_t)event->args[0]);
        mv_owners_closed((int32_t)event->args[0]);
    }
    if (stream && stream->kind == MV_STREAM_EVENTFD && (call == __NR_read || call == __NR_write))
        call = call == __NR_read ? __NR_readv : __NR_writev; /* its sum is not known any more */
    mv_streams_replayed(call, event->args, (long)event->result, event->stamp);
}

/* The next event is done with, and a signal that belongs to it. */
static void pass_event(struct mv_thread *self, int is_left) {
    const struct mv_event *event = mv_follower_next(self);
    if (!event)
        mv_fail("an event of the leader's has vanished");
    if (is_left)
        mv_leftover_add(self, event);
    note_event(event);
    if (mv_order_is_noted(event))
        mv_order_note(self, event);
    uint16_t flags = event->flags;
    mv_log_consume(&self->reader);
    if ((flags & MV_EVENT_SIGNAL_FOLLOWS) && self->deferred)
        mv_follower_end(MV_REASON_UNSUPPORTED, (int)self->deferred,
                        "two signals came within what one rule stands for");
    mv_follower_signal_follows(self, flags);
}

static void pass_events(struct mv_reconciler *r, struct mv_thread *self, uint32_t count, int are_left) {
    for (uint32_t i = 0; i < count; i++)
        pass_event(self, are_left);
    r->ahead = self->reader;
    r->seen = r->ended = 0;
}

/* The buffers of the answer, to where the call wants them. */
static void give(struct mv_reconciler *r, const struct mv_rules_answer *answer) {
    struct mv_segment *targets = r->comparison.segments;
    uint64_t done[MV_RULES_ARGS] = {0};
    int bad = 0, count = mv_call_out_targets(r->row, r->args, answer->result, targets, MV_SEGMENTS_MAX);
    for (int i = 0; i < count; i++) {
        uint32_t arg = targets[i].arg, how = targets[i].how & MV_HOW_MASK;
        const struct mv_rules_bytes *bytes = &answer->received[arg];
        if (!bytes->at || (how != MV_HOW_BYTES && how != MV_HOW_DATA))
            continue;
        uint64_t left = bytes->size - done[arg], length = left < targets[i].len ? left : targets[i].len;
        bad |= length && mv_guard_copy(targets[i].addr, bytes->at + done[arg], length) &&
               !(targets[i].how & MV_HOW_LAX);
        done[arg] += length;
    }
    for (int arg = 0; arg < MV_RULES_ARGS; arg++)
        bad |= answer->received[arg].at && done[arg] < answer->received[arg].size;
    if (bad)
        mv_follower_end(MV_REASON_CORRUPT, 0, "what a rule gives a call does not fit the follower's memory");
}

/* What an answered call means for state that the follower keeps in place of the kernel. */
static void note_call(const struct mv_reconciler *r, const struct mv_rules_answer *answer) {
    const struct mv_rules_bytes *registered = &answer->source_sent[3];
    uint64_t data = 0;
    switch (r->call.number) {
    case __NR_epoll_ctl:
        if (registered->at && registered->size >= 12)
            __builtin_memcpy(&data, registered->at + 4, sizeof data); /* struct epoll_event, packed */
        if (answer->result == 0)
            mv_epoll_registered(r->args, data);
        break;
    case __NR_epoll_wait:
    case __NR_epoll_pwait:
    case __NR_epoll_pwait2:
        if (answer->result > 0)
            mv_epoll_translate((int32_t)r->args[0], (void *)r->args[1], answer->result);
        break;
    default:
        break;
    }
}

static enum mv_reconciled answer(struct mv_reconciler *r, struct mv_thread *self,
                                 const struct mv_rules_decision *decision, int had_begun, long *result) {
    const struct mv_rules_answer *answer = &decision->answer;
    if (!answer->executed) {
        give(r, answer);
        note_call(r, answer);
        *result = (long)answer->result;
    }
    if (!had_begun && decision->consumed) {
        const struct mv_event *first = r->events[0];
        __builtin_memcpy(r->began, first, first->size < sizeof r->began ? first->size : sizeof r->began);
    }
    pass_events(r, self, decision->consumed, 0);
    return answer->executed ? MV_RECONCILED_MAKE : MV_RECONCILED_ANSWERED;
}

/* A rule that has begun expects another call. (A dead leader's follower serves all the same, as in
 * matches().) */
static enum mv_reconciled diverged_within(struct mv_reconciler *r, struct mv_thread *self, uint64_t site) {
    if (mv_log_owner_dead(&self->reader) && mv_takeover_at(self, MV_DIFFERS_CALL))
        return MV_RECONCILED_PARTED;
    mv_compare_begin(&r->comparison, r->row, r->args);
    mv_diverged(self, MV_DIFFERS_CALL, 0, (const struct mv_event *)r->began, r->call.number, r->args, site,
                r->comparison.segments, r->comparison.count);
}

/* The leader died within what stands for this call, or what is dropped before a lock. */
static enum mv_reconciled part(struct mv_reconciler *r, struct mv_thread *self) {
    pass_events(r, self, r->seen, 1);
    if (mv_follower_next(self))
        mv_follower_end(MV_REASON_CORRUPT, 0, "the log of a dead leader goes on");
    return MV_RECONCILED_PARTED;
}

enum mv_reconciled mv_reconcile(struct mv_thread *self, const struct mv_call_row *row, const uint64_t args[6],
                                uint64_t site, long *result) {
    const uint32_t *image = mv_rules_kept; /* stays, also once this process leads */
    if (!mv_reconcile_names(self, (uint32_t)(row - mv_call_find(0)))) {
        const struct mv_event *event = mv_follower_next(self);
        if (!event)
            return MV_RECONCILED_PARTED;
        if (!mv_rules_name(image, event->call))
            return MV_RECONCILED_NOT;
    }
    struct mv_reconciler *r = reconciler_of(self);
    const struct mv_rules_host host = {r, mv_rule_event, mv_rule_is_equal};
    r->row = row;
    r->args = args;
    r->free = (uint8_t *)(r + 1);
    r->ahead = self->reader;
    r->seen = r->ended = 0;
    see_call(r);
    for (int waited = 0;;) {
        struct mv_rules_decision decision;
        int had_begun = mv_rule_has_begun(r);
        mv_rules_decide(image, &r->rules, &host, &r->call, r->ended != 0, &decision);
        mv_store_release32(&self->within, mv_rule_has_begun(r) != 0); /* before the events count as read */
        switch (decision.verdict) {
        case MV_RULES_RECONCILED:
            return answer(r, self, &decision, had_begun, result);
        case MV_RULES_DROPPED:
            pass_events(r, self, decision.consumed, 0);
            waited = 0;
            break;
        case MV_RULES_NEEDS_MORE:
            waited = 1;
            if (!mv_rule_await_event(r) && !mv_follower_next(self))
                return MV_RECONCILED_PARTED;
            break;
        case MV_RULES_NO_ROOM:
            mv_follower_end(MV_REASON_NO_RESOURCES, 0, "the buffers of a rule are larger than 32 MiB");
        case MV_RULES_DIVERGED:
            if (mv_rule_has_begun(r))
                return diverged_within(r, self, site);
            return waited && r->ended == MV_CALL_DEATH ? part(r, self) : MV_RECONCILED_NOT;
        default:
            return MV_RECONCILED_NOT;
        }
    }
}

/* Locks are in no rule: one that the follower takes lies between its calls. A rule that has begun, and may
 * end here, ends: whoever waits with the lock may rest for long. Before a lock only rules that drop can
 * apply. */
void mv_reconcile_before_order(struct mv_thread *self) {
    const uint32_t *image = mv_rules_image; /* another thread may take over meanwhile */
    for (int dropped = 1; image && dropped;) {
        int within = mv_rule_has_begun(self->reconciler);
        const struct mv_event *event = within ? NULL : mv_follower_next(self);
        if (!within && (!event || event->call == MV_CALL_ORDER || !mv_rules_name(image, event->call)))
            return;
        struct mv_reconciler *r = reconciler_of(self);
        const struct mv_rules_host host = {r, mv_rule_event, mv_rule_is_equal};
        struct mv_rules_decision decision;
        r->row = NULL;
        r->free = (uint8_t *)(r + 1);
        r->ahead = self->reader;
        r->seen = r->ended = 0;
        r->call = (struct mv_rules_call){.number = MV_CALL_ORDER};
        int waited = 0;
        do
            mv_rules_decide(image, &r->rules, &host, &r->call, r->ended != 0, &decision);
        while (!within && decision.verdict == MV_RULES_NEEDS_MORE && (waited = mv_rule_await_event(r)));
        mv_store_release32(&self->within, mv_rule_has_begun(r) != 0);
        if (waited && r->ended == MV_CALL_DEATH && decision.verdict == MV_RULES_DIVERGED) {
            part(r, self);
            return;
        }
        dropped = decision.verdict == MV_RULES_DROPPED;
        if (dropped)
            pass_events(r, self, decision.consumed, 0);
        dropped |= within && !mv_rule_has_begun(r); /* it has ended: now what comes before the lock */
    }
}
