// Decides what becomes of a follower's call: the twin of src/Mvedsua.Rules/Bytecode/Machine.cs.
#include "rules/turn.h"

void mv_rules_start(const uint32_t *image, struct mv_rules_thread *thread, uint32_t number, uint8_t *memory,
                    uint64_t size) {
    __builtin_memset(thread, 0, sizeof *thread);
    thread->number = number;
    thread->progress.rule = MV_RULES_NONE;
    thread->kept_size = thread->scratch_size = size / 3;
    thread->kept[0] = memory;
    thread->kept[1] = memory + size / 3;
    thread->scratch = memory + size / 3 * 2;
    thread->begun = true;
    for (uint32_t i = 0; i < image[MV_IMAGE_BEGINS]; i++)
        if (mv_rules_includes(mv_image_begin(image, i)->scope, number))
            thread->begun = false;
}

bool mv_rules_includes(uint32_t scope, uint32_t thread) {
    switch (mv_a(scope)) {
    case 0:
        return true;
    case 1:
        return thread == 1;
    case 2:
        return thread != 1;
    default:
        return thread == mv_b(scope);
    }
}

static void fresh(struct mv_rules_turn *turn) {
    const uint32_t *of_call = mv_turn_candidates(turn->image, turn->call->number, false);
    for (const uint32_t *i = of_call; *i != MV_IMAGE_END_OF_LIST; i++)
        if (mv_turn_kind(turn, *i) == MV_RULE_PAIRING && mv_turn_try(turn, *i))
            return;
    const struct mv_rules_call *event = turn->host->event(turn->host->context, 0);
    if (!event && !turn->is_end) {
        mv_turn_decide(turn, MV_RULES_NEEDS_MORE, 0, MV_RULES_NONE);
        return;
    }
    if (event && turn->host->equal(turn->host->context, event, turn->call, -1)) {
        mv_turn_decide(turn, MV_RULES_EQUAL, 1, MV_RULES_NONE);
        return;
    }
    // Rules that add and rules that drop, as they stand in the file.
    const uint32_t *of_event = event ? mv_turn_candidates(turn->image, event->number, true)
                                     : turn->image + turn->image[MV_IMAGE_LISTS_AT];
    while (*of_call != MV_IMAGE_END_OF_LIST || *of_event != MV_IMAGE_END_OF_LIST) {
        uint32_t index = *of_call < *of_event ? *of_call++ : *of_event++;
        if (mv_turn_kind(turn, index) != MV_RULE_PAIRING && mv_turn_try(turn, index))
            return;
    }
    mv_turn_decide(turn, MV_RULES_DIVERGED, 0, MV_RULES_NONE);
}

// The next call of a rule that has begun. False: the rule is complete, and this call is none of its.
static bool go_on(struct mv_rules_turn *turn) {
    struct mv_rules_progress *progress = &turn->thread->progress;
    const struct mv_image_rule *rule = mv_image_rule(turn->image, (uint32_t)progress->rule);
    struct mv_rules_progress next;
    mv_rules_copy_progress(&next, progress);
    while (next.step < rule->follower_steps) {
        const struct mv_image_step *step = mv_image_step(turn->image, rule->follower + next.step);
        const struct mv_image_call *expected = mv_image_call(turn->image, step->first + next.call);
        struct mv_rules_frame frame = mv_turn_frame(turn, turn->call, next.slots);
        if (expected->source && next.has_event[expected->source - 1])
            frame.source = &next.events[expected->source - 1];
        mv_turn_begin_answer(turn, frame.source);
        if (expected->number == turn->call->number &&
            mv_rules_run(&frame, expected->code, expected->test_words) &&
            mv_rules_run(&frame, expected->code + expected->test_words, expected->answer_words)) {
            mv_turn_settle(turn, &next, turn->thread->stores, 0);
            return true;
        }
        if (turn->arena.full)
            return true;
        if (next.call != 0 || next.round < step->least) {
            mv_turn_decide(turn, MV_RULES_DIVERGED, 0, progress->rule);
            return true;
        }
        // The step may end here: this call may be the next step's.
        __builtin_memcpy(next.slots, progress->slots, sizeof next.slots);
        next.step++;
        next.round = 0;
    }
    if (mv_turn_leaves(turn, (uint32_t)progress->rule, progress->slots)) {
        mv_turn_decide(turn, MV_RULES_DIVERGED, 0, progress->rule);
        return true;
    }
    progress->rule = MV_RULES_NONE;
    return false;
}

void mv_rules_decide(const uint32_t *image, struct mv_rules_thread *thread, const struct mv_rules_host *host,
                     const struct mv_rules_call *call, bool is_end, struct mv_rules_decision *decision) {
    // Whatever is decided fills the decision; and the stack begins empty: neither is cleared.
    struct mv_rules_turn turn;
    turn.image = image;
    turn.thread = thread;
    turn.host = host;
    turn.call = call;
    turn.decision = decision;
    turn.arena = (struct mv_rules_arena){thread->scratch, thread->scratch + thread->scratch_size, false};
    turn.is_end = is_end;
    if (!((!thread->begun && mv_turn_beginning(&turn)) ||
          (thread->progress.rule != MV_RULES_NONE && go_on(&turn))))
        fresh(&turn);
    if (turn.arena.full)
        mv_turn_decide(&turn, MV_RULES_NO_ROOM, 0, MV_RULES_NONE);
}
