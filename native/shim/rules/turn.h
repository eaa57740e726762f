// One decision, and what its parts share.
#ifndef MVEDSUA_RULES_TURN_H
#define MVEDSUA_RULES_TURN_H

#include "rules/code.h"

struct mv_rules_turn {
    const uint32_t *image;
    struct mv_rules_thread *thread;
    const struct mv_rules_host *host;
    const struct mv_rules_call *call;
    struct mv_rules_decision *decision;
    struct mv_rules_arena arena;
    bool is_end;
    int64_t stack[MV_RULES_STACK];
};

static inline struct mv_rules_frame
mv_turn_frame(struct mv_rules_turn *turn, const struct mv_rules_call *record, struct mv_rules_cell *slots) {
    return (struct mv_rules_frame){.image = turn->image,
                                   .host = turn->host,
                                   .arena = &turn->arena,
                                   .record = record,
                                   .slots = slots,
                                   .stack = turn->stack,
                                   .stores = turn->thread->stores,
                                   .answer = &turn->decision->answer};
}

// Whether the event or call is the one that is expected. Slots may have changed also when it is not.
bool mv_turn_tests(struct mv_rules_turn *turn, const struct mv_image_call *expected,
                   const struct mv_rules_call *record, struct mv_rules_cell *slots);

void mv_turn_decide(struct mv_rules_turn *turn, enum mv_rules_verdict verdict, uint32_t consumed,
                    int32_t rule);

// An answer that says nothing yet. `source`: the event of the same name, or null.
static inline void mv_turn_begin_answer(struct mv_rules_turn *turn, const struct mv_rules_call *source) {
    struct mv_rules_answer *answer = &turn->decision->answer;
    answer->executed = false;
    answer->result = 0;
    for (int i = 0; i < MV_RULES_ARGS; i++) {
        answer->received[i] = (struct mv_rules_bytes){0, 0};
        answer->source_sent[i] = source ? source->sent[i] : (struct mv_rules_bytes){0, 0};
    }
}

// The state after a rule's call: copied, since what it refers to is in events that go. False: there is no
// room for it.
bool mv_turn_keep(struct mv_rules_turn *turn, const struct mv_rules_cell *stores,
                  struct mv_rules_progress *progress);

// Whether a complete rule leaves bytes that its calls should have taken.
bool mv_turn_leaves(struct mv_rules_turn *turn, uint32_t index, const struct mv_rules_cell *slots);

// A call of a rule is answered: what comes next is kept.
void mv_turn_settle(struct mv_rules_turn *turn, struct mv_rules_progress *progress,
                    const struct mv_rules_cell *stores, uint32_t consumed);

// In attempt.c: one rule from its beginning. True: it is decided. What does not apply gives its memory back.
bool mv_turn_try(struct mv_rules_turn *turn, uint32_t index);

// In begin.c: before a thread's beginning. False: both begin with this call and the first event.
bool mv_turn_beginning(struct mv_rules_turn *turn);

// The rules whose first call of the follower this is, or those that drop it; MV_IMAGE_END_OF_LIST ends them.
static inline const uint32_t *mv_turn_candidates(const uint32_t *image, uint32_t number, bool dropping) {
    const uint32_t *lists = image + image[MV_IMAGE_LISTS_AT];
    if (number >= MV_IMAGE_NUMBERS)
        return lists;
    uint32_t entry = image[image[MV_IMAGE_INDEX_AT] + number];
    return lists + (dropping ? entry >> 16 : entry & 0xffff);
}

static inline enum mv_rule_kind mv_turn_kind(const struct mv_rules_turn *turn, uint32_t index) {
    return (enum mv_rule_kind)mv_low(mv_image_rule(turn->image, index)->kind_and_scope);
}

#endif
