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
#include "reconcile.h"
#include "../calls/guard.h"
#include "../calls/payload.h"
#include "../log/barriers.h"
#include "../order/order.h"
#include "../rules/image.h"
#include "../sys.h"
#include "compare.h"
#include "leftover.h"
#include "streams.h"

/* As many as a rule can take: 16 calls, one group of which 64 times (docs/rule-language.md, "Bounds"). */
#define EVENTS_MAX  (16u * 64u + 16u)
#define JOINED_SIZE (64ull << 20) /* buffers that are not in one piece, of one decision */
#define RULES_SIZE  (96ull << 20) /* what the interpreter keeps, and uses for one decision */

const uint32_t *mv_rules_image;

/* Where it stands, also when it is in force no longer. */
static uint32_t *own_image;
static uint64_t own_size;

/* One thread's. What is never touched of it costs no memory. */
struct mv_reconciler {
    struct mv_rules_thread rules;
    const struct mv_call_row *row; /* of the call under way */
    const uint64_t *args;
    struct mv_rules_call call;
    struct mv_comparison comparison;
    struct mv_log_reader ahead;
    uint32_t seen;  /* events between the cursor and `ahead` */
    uint32_t ended; /* why there are no more: the leader's offer of the lead, or its death */
    uint8_t *free, *end;
    uint8_t began[MV_DIVERGENCE_BYTES]; /* the event with which the present rule has begun, for the report */
    const struct mv_event *events[EVENTS_MAX];
    struct mv_rules_call calls[EVENTS_MAX];
};

/* ---- the rules ---------------------------------------------------------------------------------------- */

/* Of two versions, the one that was copied from the other: it holds the rules of both directions.
 * MV_VERSIONS: they are one program. */
static uint32_t updated_of(uint32_t leader, uint32_t follower) {
    const struct mv_member *members = mv.control->members;
    return members[follower].updated_from == leader + 1   ? follower
           : members[leader].updated_from == follower + 1 ? leader
                                                          : MV_VERSIONS;
}

/* Its memory, and what threads keep, stays until the process follows again: one may be in the middle of a
 * decision as it finds that it leads. */
void mv_reconcile_end(void) {
    mv_rules_image = NULL;
}

void mv_reconcile_thread_ends(struct mv_thread *area) {
    if (area->reconciler)
        mv_sys2(__NR_munmap, (long)area->reconciler,
                (long)(sizeof(struct mv_reconciler) + JOINED_SIZE + RULES_SIZE));
    area->reconciler = NULL;
    mv_store_release32(&area->within, 0);
}

static void forget_last(void) {
    if (own_image)
        mv_sys2(__NR_munmap, (long)own_image, (long)own_size);
    own_image = NULL;
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        mv_reconcile_thread_ends(area);
}

void mv_reconcile_begin(void) {
    uint32_t updated = updated_of(mv.reads, mv.version), reverse = updated != mv.version;
    uint32_t words = updated == MV_VERSIONS ? 0 : mv_member_of(updated)->rules[reverse];
    mv_reconcile_end();
    forget_last();
    if (!words)
        return;
    const uint32_t *shared =
        (const uint32_t *)((const uint8_t *)mv.control + MV_RULES_OFFSET(updated, reverse));
    own_size = words * sizeof(uint32_t);
    own_image = own_size <= MV_RULES_SPAN ? mv_room(own_size) : NULL;
    if (own_image)
        __builtin_memcpy(own_image, shared, own_size);
    if (!own_image || words < MV_IMAGE_HEADER || own_image[0] != MV_IMAGE_MAGIC ||
        own_image[MV_IMAGE_WORDS] != words)
        mv_follower_end(MV_REASON_CORRUPT, 0, "the rules in the session's memory are damaged");
    mv_sys3(__NR_mprotect, (long)own_image, (long)own_size, 1 /* READ */);
    mv_rules_image = own_image;
}

int mv_between_versions(void) {
    return updated_of(mv.reads, mv.version) != MV_VERSIONS;
}

uint32_t mv_reconcile_point(void) {
    uint32_t updated = updated_of(mv.reads, mv.version);
    return updated == MV_VERSIONS ? MV_INTENT_NONE : mv_member_of(updated)->point;
}

uint32_t mv_reconcile_point_with(uint32_t follower) {
    uint32_t updated = updated_of(mv.version, follower);
    const struct mv_member *member = updated == MV_VERSIONS ? NULL : mv_member_of(updated);
    return member && (member->rules[0] || member->rules[1]) ? member->point : MV_INTENT_NONE;
}

static struct mv_reconciler *reconciler_of(struct mv_thread *self) {
    struct mv_reconciler *r = self->reconciler;
    if (r)
        return r;
    long room = mv_sys6(__NR_mmap, 0, (long)(sizeof *r + JOINED_SIZE + RULES_SIZE), 3,
                        0x4022 /* PRIVATE|ANONYMOUS|NORESERVE */, -1, 0);
    if (mv_is_error(room))
        mv_follower_end(MV_REASON_NO_RESOURCES, (int)-room, "there is no memory for the rules");
    r = (struct mv_reconciler *)room;
    uint8_t *joined = (uint8_t *)(r + 1);
    r->end = joined + JOINED_SIZE;
    mv_rules_start(own_image, &r->rules, self->slot + 1, r->end, RULES_SIZE);
    self->reconciler = r;
    return r;
}

static int is_within(const struct mv_reconciler *r) {
    return r && r->rules.progress.rule != MV_RULES_NONE;
}

/* Asked by other threads, too, when a thread may be ending, and its reconciler be unmapped: not looked at.
 * (What a promoted process has left there is of rules that are in force no longer, also in its copies.) */
int mv_reconcile_is_within(const struct mv_thread *area) {
    return mv_rules_image && mv_load_acquire32(&area->within);
}

int mv_reconcile_names(const struct mv_thread *self, uint32_t call) {
    const uint32_t *image = mv_rules_image; /* another thread may take over meanwhile */
    return (image && mv_rules_name(image, call)) || is_within(self->reconciler);
}

int mv_reconcile_rests(const struct mv_thread *self) {
    return self->asks && self->call == mv_reconcile_point() && !is_within(self->reconciler);
}

/* ---- events and calls as rules see them --------------------------------------------------------------- */

static uint8_t *take(struct mv_reconciler *r, uint64_t size) {
    if (size > (uint64_t)(r->end - r->free))
        mv_follower_end(MV_REASON_NO_RESOURCES, 0, "a rule has to look at more than 64 MiB at once");
    uint8_t *at = r->free;
    r->free += size;
    return at;
}

static uint64_t length_of_string(const uint8_t *bytes, uint64_t length) {
    const uint8_t *end = bytes;
    while (length-- && *end)
        end++;
    return (uint64_t)(end - bytes);
}

/* Each argument's memory in one piece (src/Mvedsua.Rules/Events/CallRecord.cs is the twin). The payload was
 * written by our own side, or checked by the comparison of another call: it is read within its bounds. */
static uint64_t collect(struct mv_reconciler *r, const struct mv_call_row *row, const uint8_t *payload,
                        uint64_t size, struct mv_rules_bytes memory[MV_RULES_ARGS]) {
    uint64_t sum = 0;
    for (const uint8_t *at = payload, *end = payload + size; at + sizeof(struct mv_payload_segment) <= end;) {
        const struct mv_payload_segment *header = (const struct mv_payload_segment *)at;
        const uint8_t *bytes = at + sizeof *header;
        uint64_t length = header->length;
        if (MV_PAYLOAD_SPAN(length) > (uint64_t)(end - at))
            mv_follower_end(MV_REASON_CORRUPT, 0, "a payload in the event log is malformed");
        at += MV_PAYLOAD_SPAN(length);
        uint32_t how = header->how & MV_HOW_MASK;
        if (header->arg >= row->argc || (how != MV_HOW_BYTES && how != MV_HOW_DATA))
            continue;
        if (row->args[header->arg].kind == MV_ARG_PATH || row->args[header->arg].kind == MV_ARG_STR)
            length = length_of_string(bytes, length);
        sum += length;
        struct mv_rules_bytes *whole = &memory[header->arg];
        if (whole->at) {
            /* (The last piece may stand at the end of what is taken already.) */
            int last = whole->at + whole->size == r->free;
            uint8_t *joined = last ? take(r, length) - whole->size : take(r, whole->size + length);
            if (!last)
                __builtin_memcpy(joined, whole->at, whole->size);
            __builtin_memcpy(joined + whole->size, bytes, length);
            bytes = joined;
            length += whole->size;
        }
        *whole = (struct mv_rules_bytes){bytes, length};
    }
    return sum;
}

static void see_event(struct mv_reconciler *r, const struct mv_event *event) {
    struct mv_rules_call *call = &r->calls[r->seen];
    const struct mv_call_row *row = mv_call_find(event->call);
    const uint8_t *payload = (const uint8_t *)(event + 1);
    *call = (struct mv_rules_call){.number = event->call, .has_result = true, .result = event->result};
    __builtin_memcpy(call->args, event->args, sizeof call->args);
    r->events[r->seen++] = event;
    if (!row)
        return;
    call->sent_bytes = collect(r, row, payload, event->in_size, call->sent);
    collect(r, row, payload + event->in_size, event->out_size, call->received);
}

static void see_call(struct mv_reconciler *r) {
    struct mv_comparison *own = &r->comparison;
    mv_compare_begin(own, r->row, r->args);
    r->call = (struct mv_rules_call){.number = (uint32_t)(r->row - mv_call_find(0))};
    __builtin_memcpy(r->call.args, r->args, sizeof r->call.args);
    uint64_t size = mv_payload_size(own->segments, own->count);
    uint8_t *payload = take(r, size);
    mv_payload_write(payload, own->segments, own->count);
    r->call.sent_bytes = collect(r, r->row, payload, size, r->call.sent);
}

/* One event more; 0: there is none yet. Signals belong to the events before them. */
static int look_ahead(struct mv_reconciler *r) {
    const struct mv_event *event;
    while (!r->ended) {
        int found = mv_log_peek(&r->ahead, &event);
        if (found < 0)
            mv_follower_end(MV_REASON_CORRUPT, found, mv_log_fault_text(found));
        if (!found)
            return 0;
        int offers = event->call == MV_CALL_ROLE;
        if (event->call == MV_CALL_DEATH || (offers && mv_promotion_is_ours(event))) {
            r->ended = event->call;
            return 0;
        }
        mv_log_pass(&r->ahead);
        if (event->call == MV_CALL_SIGNAL || offers)
            continue;
        see_event(r, event);
        return 1;
    }
    return 0;
}

static const struct mv_rules_call *event_ahead(void *context, uint32_t ahead) {
    struct mv_reconciler *r = context;
    if (ahead >= EVENTS_MAX)
        mv_follower_end(MV_REASON_NO_RESOURCES, 0, "a rule has to look at more events than one can take");
    while (r->seen <= ahead)
        if (!look_ahead(r))
            return NULL;
    return &r->calls[ahead];
}

/* Until there is another event, or can't be any. 0: its leader lives, and publishes for it no longer: this
 * follower has been ended, or another thread of it takes the lead. What an end of the log would decide is not
 * decided then. */
static int await_event(struct mv_reconciler *r) {
    if (r->ended)
        return 1;
    switch (mv_log_wait(&r->ahead, &mv.control->publishing[mv.version], (uint32_t)mv.generation)) {
    case MV_LOG_EVENT:
        return 1;
    case MV_LOG_STOP:
        if (!mv_log_owner_dead(&r->ahead))
            return 0;
    }
    r->ended = MV_CALL_DEATH;
    return 1;
}

/* One argument as mv_compare does it. That of an event whose record has gone is made of what was kept. */
static int argument_equal(struct mv_reconciler *r, const struct mv_rules_call *leader, int arg) {
    struct mv_call_arg storage;
    const struct mv_call_arg *kind = mv_call_arg_of(r->row, r->args, arg, &storage);
    if (!kind || kind->kind < MV_ARG_FIRST_MEMORY) {
        uint64_t other[6];
        __builtin_memcpy(other, r->args, sizeof other);
        other[arg] = leader->args[arg];
        return mv_call_compare_scalars(r->row, r->args, other) < 0;
    }
    const struct mv_rules_bytes *own = &r->call.sent[arg], *its = &leader->sent[arg];
    if (!own->at || !its->at)
        return own->at == its->at;
    const struct mv_struct_row *structure = mv_struct_at(kind->structure);
    if (own->size != its->size)
        return 0;
    for (uint64_t i = 0; i < own->size; i++)
        if (own->at[i] != its->at[i] && !mv_struct_is_opaque(structure, (uint32_t)i))
            return 0;
    return 1;
}

static bool is_equal(void *context, const struct mv_rules_call *leader, const struct mv_rules_call *follower,
                     int arg) {
    struct mv_reconciler *r = context;
    (void)follower; /* there is one call */
    if (!r->row)
        return false; /* a lock is no call */
    if (arg >= 0)
        return argument_equal(r, leader, arg) != 0;
    const struct mv_event *event = r->events[leader - r->calls];
    return mv_compare(&r->comparison, r->row, r->args, event) == MV_DIFFERS_NOT;
}

/* ---- carrying it out ---------------------------------------------------------------------------------- */

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
    const uint32_t *image = own_image; /* stays, also once this process leads */
    if (!mv_reconcile_names(self, (uint32_t)(row - mv_call_find(0)))) {
        const struct mv_event *event = mv_follower_next(self);
        if (!event)
            return MV_RECONCILED_PARTED;
        if (!mv_rules_name(image, event->call))
            return MV_RECONCILED_NOT;
    }
    struct mv_reconciler *r = reconciler_of(self);
    const struct mv_rules_host host = {r, event_ahead, is_equal};
    r->row = row;
    r->args = args;
    r->free = (uint8_t *)(r + 1);
    r->ahead = self->reader;
    r->seen = r->ended = 0;
    see_call(r);
    for (int waited = 0;;) {
        struct mv_rules_decision decision;
        int had_begun = is_within(r);
        mv_rules_decide(image, &r->rules, &host, &r->call, r->ended != 0, &decision);
        mv_store_release32(&self->within, is_within(r) != 0); /* before the events count as read */
        switch (decision.verdict) {
        case MV_RULES_RECONCILED:
            return answer(r, self, &decision, had_begun, result);
        case MV_RULES_DROPPED:
            pass_events(r, self, decision.consumed, 0);
            waited = 0;
            break;
        case MV_RULES_NEEDS_MORE:
            waited = 1;
            if (!await_event(r) && !mv_follower_next(self))
                return MV_RECONCILED_PARTED;
            break;
        case MV_RULES_NO_ROOM:
            mv_follower_end(MV_REASON_NO_RESOURCES, 0, "the buffers of a rule are larger than 32 MiB");
        case MV_RULES_DIVERGED:
            if (is_within(r))
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
        int within = is_within(self->reconciler);
        const struct mv_event *event = within ? NULL : mv_follower_next(self);
        if (!within && (!event || event->call == MV_CALL_ORDER || !mv_rules_name(image, event->call)))
            return;
        struct mv_reconciler *r = reconciler_of(self);
        const struct mv_rules_host host = {r, event_ahead, is_equal};
        struct mv_rules_decision decision;
        r->row = NULL;
        r->free = (uint8_t *)(r + 1);
        r->ahead = self->reader;
        r->seen = r->ended = 0;
        r->call = (struct mv_rules_call){.number = MV_CALL_ORDER};
        int waited = 0;
        do
            mv_rules_decide(image, &r->rules, &host, &r->call, r->ended != 0, &decision);
        while (!within && decision.verdict == MV_RULES_NEEDS_MORE && (waited = await_event(r)));
        mv_store_release32(&self->within, is_within(r) != 0);
        if (waited && r->ended == MV_CALL_DEATH && decision.verdict == MV_RULES_DIVERGED) {
            part(r, self);
            return;
        }
        dropped = decision.verdict == MV_RULES_DROPPED;
        if (dropped)
            pass_events(r, self, decision.consumed, 0);
        dropped |= within && !is_within(r); /* it has ended: now what comes before the lock */
    }
}
