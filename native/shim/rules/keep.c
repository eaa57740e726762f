// What a thread keeps between calls. It is copied as a whole to the half that is not in use: a new state
// refers to events, to scratch memory and to the old half, all of which go.
#include "rules/code.h"

static bool copy(struct mv_rules_arena *to, struct mv_rules_bytes *bytes) {
    if (!bytes->at)
        return true;
    uint8_t *at = mv_rules_take(to, bytes->size);
    if (!at)
        return false;
    __builtin_memcpy(at, bytes->at, bytes->size);
    bytes->at = at;
    return true;
}

static bool copy_cells(struct mv_rules_arena *to, struct mv_rules_cell *cells, int count) {
    for (int i = 0; i < count; i++)
        if (cells[i].kind == MV_CELL_BYTES && !copy(to, &cells[i].bytes))
            return false;
    return true;
}

static bool copy_progress(struct mv_rules_arena *to, struct mv_rules_progress *progress) {
    if (!copy_cells(to, progress->slots, MV_RULES_SLOTS))
        return false;
    for (int i = 0; i < MV_RULES_STEPS; i++) {
        for (int arg = 0; progress->has_event[i] && arg < MV_RULES_ARGS; arg++)
            if (!copy(to, &progress->events[i].sent[arg]) || !copy(to, &progress->events[i].received[arg]))
                return false;
    }
    return true;
}

void mv_rules_copy_progress(struct mv_rules_progress *to, const struct mv_rules_progress *from) {
    __builtin_memcpy(to, from, __builtin_offsetof(struct mv_rules_progress, events));
    for (int i = 0; i < MV_RULES_STEPS; i++) {
        to->has_event[i] = from->has_event[i];
        if (from->has_event[i])
            to->events[i] = from->events[i];
    }
}

bool mv_rules_keep(struct mv_rules_thread *thread, const struct mv_rules_cell *stores,
                   struct mv_rules_progress *progress) {
    uint8_t *half = thread->kept[1 - thread->half];
    struct mv_rules_arena to = {half, half + thread->kept_size, false};
    struct mv_rules_cell kept_stores[MV_RULES_STORES];
    if (progress->rule == MV_RULES_NONE &&
        (stores == thread->stores ||
         mv_equal_bytes((const uint8_t *)stores, (const uint8_t *)thread->stores, sizeof kept_stores))) {
        // The usual case: a rule that is complete with its first call, and stores nothing.
        thread->progress.rule = MV_RULES_NONE;
        return true;
    }
    __builtin_memcpy(kept_stores, stores, sizeof kept_stores);
    if (!copy_cells(&to, kept_stores, MV_RULES_STORES))
        return false;
    if (progress->rule == MV_RULES_NONE) {
        thread->progress.rule = MV_RULES_NONE;
    } else {
        if (!copy_progress(&to, progress))
            return false;
        mv_rules_copy_progress(&thread->progress, progress);
    }
    __builtin_memcpy(thread->stores, kept_stores, sizeof kept_stores);
    thread->half = 1 - thread->half;
    return true;
}
