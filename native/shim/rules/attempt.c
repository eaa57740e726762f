// One rule tried from its beginning.
#include "rules/turn.h"

// How far a rule's events were matched.
struct place {
    struct mv_rules_cell slots[MV_RULES_SLOTS];
    const struct mv_rules_call *events[MV_RULES_STEPS]; // by step, of the rule's; null for a repetition
    uint32_t consumed;
    bool ran_out;
};

enum outcome { FAILS, NEEDS_MORE, APPLIES };

static bool take_round(struct mv_rules_turn *turn, uint32_t number, struct place *place) {
    const struct mv_image_step *step = mv_image_step(turn->image, number);
    for (uint32_t i = 0; i < step->calls; i++) {
        const struct mv_rules_call *event = turn->host->event(turn->host->context, place->consumed);
        if (!event) {
            place->ran_out = true;
            return false;
        }
        if (!mv_turn_tests(turn, mv_image_call(turn->image, step->first + i), event, place->slots))
            return false;
        place->consumed++;
    }
    return true;
}

static bool take_step(struct mv_rules_turn *turn, const struct mv_image_rule *rule, uint32_t index,
                      struct place *place) {
    if (!take_round(turn, rule->leader + index, place))
        return false;
    place->events[index] = turn->host->event(turn->host->context, place->consumed - 1);
    return true;
}

// The events end before the rule's: nothing is waited for when no event could make the rule fit the call.
static enum outcome ending(struct mv_rules_turn *turn, const struct mv_image_rule *rule,
                           struct place *place) {
    if (turn->is_end)
        return FAILS;
    if (rule->follower_steps == 0)
        return NEEDS_MORE;
    const struct mv_image_call *first =
        mv_image_call(turn->image, mv_image_step(turn->image, rule->follower)->first);
    struct mv_rules_frame frame = mv_turn_frame(turn, turn->call, place->slots);
    return mv_rules_run(&frame, first->code + first->test_words + first->answer_words, first->fit_words)
               ? NEEDS_MORE
               : FAILS;
}

// The rule is complete with this call: nothing of it has to be kept.
static void finish(struct mv_rules_turn *turn, uint32_t index, const struct place *place,
                   const struct mv_rules_cell *stores) {
    struct mv_rules_progress *progress = &turn->thread->progress;
    const struct mv_image_rule *rule = mv_image_rule(turn->image, index);
    if (rule->follower_steps > 0 && mv_turn_leaves(turn, index, place->slots)) {
        mv_turn_decide(turn, MV_RULES_DIVERGED, place->consumed, (int32_t)index);
        return;
    }
    progress->rule = MV_RULES_NONE;
    if (mv_turn_keep(turn, stores, progress))
        mv_turn_decide(turn, rule->follower_steps > 0 ? MV_RULES_RECONCILED : MV_RULES_DROPPED,
                       place->consumed, (int32_t)index);
}

// More calls are to come: what the rule has captured is kept for them.
static void begin(struct mv_rules_turn *turn, uint32_t index, const struct place *place,
                  const struct mv_rules_cell *stores) {
    struct mv_rules_progress progress;
    progress.rule = (int32_t)index;
    progress.step = progress.call = progress.round = 0;
    __builtin_memset(progress.slots, 0, sizeof progress.slots);
    __builtin_memcpy(progress.slots, place->slots,
                     mv_image_rule(turn->image, index)->slots * sizeof *progress.slots);
    for (uint32_t i = 0; i < MV_RULES_STEPS; i++) {
        progress.has_event[i] = i < mv_image_rule(turn->image, index)->leader_steps && place->events[i];
        if (progress.has_event[i])
            progress.events[i] = *place->events[i];
    }
    mv_turn_settle(turn, &progress, stores, place->consumed);
}

// All events are there: the follower's first call, the conditions, the answer.
static enum outcome follow(struct mv_rules_turn *turn, uint32_t index, struct place *place) {
    const struct mv_image_rule *rule = mv_image_rule(turn->image, index);
    const struct mv_image_step *step = 0;
    const struct mv_image_call *first = 0;
    struct mv_rules_cell stores[MV_RULES_STORES];
    struct mv_rules_frame frame = mv_turn_frame(turn, turn->call, place->slots);
    frame.written = turn->thread->stores;
    if (rule->clause_words > 0 && turn->image[MV_IMAGE_STORES] > 0) {
        __builtin_memcpy(stores, turn->thread->stores, sizeof stores);
        frame.written = stores;
    }
    if (rule->follower_steps > 0) {
        step = mv_image_step(turn->image, rule->follower);
        first = mv_image_call(turn->image, step->first);
        if (first->source)
            frame.source = place->events[first->source - 1];
        mv_turn_begin_answer(turn, frame.source);
        if (first->number != turn->call->number || !mv_rules_run(&frame, first->code, first->test_words))
            return FAILS;
    }
    if (!mv_rules_run(&frame, rule->clauses, rule->clause_words) ||
        (first && !mv_rules_run(&frame, first->code + first->test_words, first->answer_words)))
        return FAILS;
    if (!first || (rule->follower_steps == 1 && !mv_is_repetition(step)))
        finish(turn, index, place, frame.written);
    else
        begin(turn, index, place, frame.written);
    return APPLIES;
}

static void copy_place(struct place *to, const struct place *from, const struct mv_image_rule *rule) {
    for (uint32_t i = 0; i < rule->slots; i++)
        to->slots[i] = from->slots[i];
    for (uint32_t i = 0; i < rule->leader_steps; i++)
        to->events[i] = from->events[i];
    to->consumed = from->consumed;
    to->ran_out = from->ran_out;
}

// A repetition takes as few rounds as make the rule apply.
static enum outcome rounds(struct mv_rules_turn *turn, uint32_t index, uint32_t repeated,
                           struct place *place) {
    const struct mv_image_rule *rule = mv_image_rule(turn->image, index);
    const struct mv_image_step *step = mv_image_step(turn->image, rule->leader + repeated);
    for (uint32_t round = 0;; round++) {
        if (round >= step->least) {
            struct place rest;
            copy_place(&rest, place, rule);
            bool fits = true;
            for (uint32_t i = repeated + 1; fits && i < rule->leader_steps; i++)
                fits = take_step(turn, rule, i, &rest);
            if (fits && follow(turn, index, &rest) == APPLIES)
                return APPLIES;
            if (rest.ran_out && ending(turn, rule, &rest) == NEEDS_MORE)
                return NEEDS_MORE;
        }
        if (round == step->most)
            return FAILS;
        if (!take_round(turn, rule->leader + repeated, place))
            return place->ran_out ? ending(turn, rule, place) : FAILS;
    }
}

static enum outcome attempt(struct mv_rules_turn *turn, uint32_t index) {
    const struct mv_image_rule *rule = mv_image_rule(turn->image, index);
    struct place place;
    place.consumed = 0;
    place.ran_out = false;
    for (uint32_t i = 0; i < rule->slots; i++)
        place.slots[i].kind = MV_CELL_EMPTY;
    for (uint32_t i = 0; i < MV_RULES_STEPS; i++)
        place.events[i] = 0;
    for (uint32_t i = 0; i < rule->leader_steps; i++) {
        if (mv_is_repetition(mv_image_step(turn->image, rule->leader + i)))
            return rounds(turn, index, i, &place);
        if (!take_step(turn, rule, i, &place))
            return place.ran_out ? ending(turn, rule, &place) : FAILS;
    }
    return follow(turn, index, &place);
}

bool mv_turn_try(struct mv_rules_turn *turn, uint32_t index) {
    const struct mv_image_rule *rule = mv_image_rule(turn->image, index);
    if (!mv_rules_includes(rule->kind_and_scope, turn->thread->number))
        return false;
    uint8_t *free = turn->arena.free;
    enum outcome outcome = attempt(turn, index);
    if (outcome == NEEDS_MORE)
        mv_turn_decide(turn, MV_RULES_NEEDS_MORE, 0, (int32_t)index);
    if (outcome == FAILS)
        turn->arena.free = free;
    return outcome != FAILS || turn->arena.full;
}
