/* Events and calls as rules see them: the leader's events ahead of the cursor, and whether one of them is the
 * call under way. */
#include "../calls/guard.h"
#include "../calls/payload.h"
#include "../log/log.h"
#include "reconciler.h"

static uint64_t length_of_string(const uint8_t *bytes, uint64_t length) {
    const uint8_t *end = bytes;
    while (length-- && *end)
        end++;
    return (uint64_t)(end - bytes);
}

/* Each argument's memory in one piece (src/Mvedsua.Rules/Events/CallRecord.cs is the twin). The payload was
 * written by our own side, or checked by the comparison of another call: it is read within its bounds. */
uint64_t mv_rule_collect(struct mv_reconciler *r, const struct mv_call_row *row, const uint8_t *payload,
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
            uint8_t *joined =
                last ? mv_rule_room(r, length) - whole->size : mv_rule_room(r, whole->size + length);
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
    call->sent_bytes = mv_rule_collect(r, row, payload, event->in_size, call->sent);
    mv_rule_collect(r, row, payload + event->in_size, event->out_size, call->received);
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

const struct mv_rules_call *mv_rule_event(void *context, uint32_t ahead) {
    struct mv_reconciler *r = context;
    if (ahead >= MV_EVENTS_MAX)
        mv_follower_end(MV_REASON_NO_RESOURCES, 0, "a rule has to look at more events than one can take");
    while (r->seen <= ahead)
        if (!look_ahead(r))
            return NULL;
    return &r->calls[ahead];
}

/* Until there is another event, or can't be any. 0: its leader lives, and publishes for it no longer: this
 * follower has been ended, or another thread of it takes the lead. What an end of the log would decide is not
 * decided then. */
int mv_rule_await_event(struct mv_reconciler *r) {
    if (r->ended)
        return 1;
    switch (mv_await_record(&r->ahead)) {
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

bool mv_rule_is_equal(void *context, const struct mv_rules_call *leader, const struct mv_rules_call *follower,
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
