#include "rules/turn.h"

bool mv_turn_tests(struct mv_rules_turn *turn, const struct mv_image_call *expected,
                   const struct mv_rules_call *record, struct mv_rules_cell *slots) {
    if (expected->number != record->number)
        return false;
    struct mv_rules_frame frame = mv_turn_frame(turn, record, slots);
    return mv_rules_run(&frame, expected->code, expected->test_words);
}

void mv_turn_decide(struct mv_rules_turn *turn, enum mv_rules_verdict verdict, uint32_t consumed,
                    int32_t rule) {
    turn->decision->verdict = verdict;
    turn->decision->consumed = consumed;
    turn->decision->rule = rule;
}

bool mv_turn_keep(struct mv_rules_turn *turn, const struct mv_rules_cell *stores,
                  struct mv_rules_progress *progress) {
    return mv_rules_keep(turn->thread, stores, progress) || (turn->arena.full = true, false);
}

bool mv_turn_leaves(struct mv_rules_turn *turn, uint32_t index, const struct mv_rules_cell *slots) {
    const struct mv_image_rule *rule = mv_image_rule(turn->image, index);
    for (uint32_t i = rule->follower; i < rule->follower + rule->follower_steps; i++) {
        const struct mv_image_step *step = mv_image_step(turn->image, i);
        for (uint32_t j = step->first; j < step->first + step->calls; j++) {
            const struct mv_image_call *call = mv_image_call(turn->image, j);
            if (mv_rules_leaves(turn->image, call->code, call->test_words, slots))
                return true;
        }
    }
    return false;
}

static void advance(const uint32_t *image, struct mv_rules_progress *progress) {
    const struct mv_image_rule *rule = mv_image_rule(image, (uint32_t)progress->rule);
    const struct mv_image_step *step = mv_image_step(image, rule->follower + progress->step);
    if (++progress->call < step->calls)
        return;
    progress->call = 0;
    if (++progress->round < step->most)
        return;
    progress->round = 0;
    progress->step++;
}

void mv_turn_settle(struct mv_rules_turn *turn, struct mv_rules_progress *progress,
                    const struct mv_rules_cell *stores, uint32_t consumed) {
    int32_t rule = progress->rule;
    advance(turn->image, progress);
    if (progress->step == mv_image_rule(turn->image, (uint32_t)rule)->follower_steps) {
        if (mv_turn_leaves(turn, (uint32_t)progress->rule, progress->slots)) {
            mv_turn_decide(turn, MV_RULES_DIVERGED, consumed, rule);
            return;
        }
        progress->rule = MV_RULES_NONE;
    }
    if (mv_turn_keep(turn, stores, progress))
        mv_turn_decide(turn, MV_RULES_RECONCILED, consumed, rule);
}
