/* Inside reconcile.c, rules_in_force.c and rule_events.c: what one thread keeps for the rules. */
#ifndef MV_RECONCILER_H
#define MV_RECONCILER_H

#include "compare.h"
#include "reconcile.h"

/* As many as a rule can take: 16 calls, one group of which 64 times (docs/rule-language.md, "Bounds"). */
#define MV_EVENTS_MAX  (16u * 64u + 16u)
#define MV_JOINED_SIZE (64ull << 20) /* buffers that are not in one piece, of one decision */
#define MV_RULES_SIZE  (96ull << 20) /* what the interpreter keeps, and uses for one decision */

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
    const struct mv_event *events[MV_EVENTS_MAX];
    struct mv_rules_call calls[MV_EVENTS_MAX];
};

/* The image of the rules, also when they are in force no longer. */
extern uint32_t *mv_rules_kept __attribute__((visibility("hidden")));

static inline int mv_rule_has_begun(const struct mv_reconciler *r) {
    return r && r->rules.progress.rule != MV_RULES_NONE;
}

/* For buffers that are not in one piece; until the present call is decided. */
static inline uint8_t *mv_rule_room(struct mv_reconciler *r, uint64_t size) {
    if (size > (uint64_t)(r->end - r->free))
        mv_follower_end(MV_REASON_NO_RESOURCES, 0, "a rule has to look at more than 64 MiB at once");
    uint8_t *at = r->free;
    r->free += size;
    return at;
}

/* Each argument's memory in one piece; returns the sum of the sizes. */
uint64_t mv_rule_collect(struct mv_reconciler *r, const struct mv_call_row *row, const uint8_t *payload,
                         uint64_t size, struct mv_rules_bytes memory[MV_RULES_ARGS]);
/* For struct mv_rules_host. */
const struct mv_rules_call *mv_rule_event(void *context, uint32_t ahead);
bool mv_rule_is_equal(void *context, const struct mv_rules_call *leader, const struct mv_rules_call *follower,
                      int arg);
int mv_rule_await_event(struct mv_reconciler *r);

#endif
