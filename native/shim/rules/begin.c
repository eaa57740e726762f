// Before a thread's beginning: the leader's events up to the one that is named are dropped; the follower's
// calls up to the one that is named are made by it where they are harmless, or answered by rules that add
// calls.
#include "rules/turn.h"

static void before_begin(struct mv_rules_turn *turn) {
    for (const uint32_t *i = mv_turn_candidates(turn->image, turn->call->number, false);
         *i != MV_IMAGE_END_OF_LIST; i++) {
        const struct mv_image_rule *rule = mv_image_rule(turn->image, *i);
        if (mv_turn_kind(turn, *i) != MV_RULE_ADDING || rule->follower_steps != 1 ||
            mv_is_repetition(mv_image_step(turn->image, rule->follower)))
            continue;
        if (mv_turn_try(turn, *i))
            return;
    }
    __builtin_memset(&turn->decision->answer, 0, sizeof turn->decision->answer);
    turn->decision->answer.executed = turn->call->harmless;
    mv_turn_decide(turn, turn->call->harmless ? MV_RULES_RECONCILED : MV_RULES_DIVERGED, 0,
                   turn->call->harmless ? MV_RULES_BEGIN : MV_RULES_NONE);
}

static bool names(struct mv_rules_turn *turn, uint32_t expected, const struct mv_rules_call *record) {
    struct mv_rules_cell slots[MV_RULES_SLOTS];
    __builtin_memset(slots, 0, sizeof slots);
    return mv_turn_tests(turn, mv_image_call(turn->image, expected), record, slots);
}

bool mv_turn_beginning(struct mv_rules_turn *turn) {
    const struct mv_image_begin *begin = mv_image_begin(turn->image, 0);
    while (!mv_rules_includes(begin->scope, turn->thread->number))
        begin++;
    if (!names(turn, begin->follower, turn->call)) {
        before_begin(turn);
        return true;
    }
    const struct mv_rules_call *event;
    for (uint32_t i = 0; (event = turn->host->event(turn->host->context, i)); i++) {
        if (!names(turn, begin->leader, event))
            continue;
        turn->thread->begun = true;
        if (i > 0)
            mv_turn_decide(turn, MV_RULES_DROPPED, i, MV_RULES_BEGIN);
        return i > 0;
    }
    mv_turn_decide(turn, turn->is_end ? MV_RULES_DIVERGED : MV_RULES_NEEDS_MORE, 0,
                   turn->is_end ? MV_RULES_NONE : MV_RULES_BEGIN);
    return true;
}
