// Runs stretches of an image's code on one event or call.
#ifndef MVEDSUA_RULES_CODE_H
#define MVEDSUA_RULES_CODE_H

#include "rules/image.h"
#include "rules/rules.h"

// Memory for one decision: handed out, never taken back.
struct mv_rules_arena {
    uint8_t *free, *end;
    bool full; // something did not fit: whatever was decided does not count
};

struct mv_rules_frame {
    const uint32_t *image;
    const struct mv_rules_host *host;
    struct mv_rules_arena *arena;
    const struct mv_rules_call *record;
    struct mv_rules_cell *slots;
    const struct mv_rules_cell *stores; // as they were before this call
    struct mv_rules_cell *written;      // as they will be after it
    const struct mv_rules_call *source;
    struct mv_rules_answer *answer;
    int64_t *stack; // MV_RULES_STACK numbers
    struct mv_rules_bytes buffer;
    uint64_t given;
    bool settled;
};

// False: it failed. Slots, stores and the answer may have changed also then.
bool mv_rules_run(struct mv_rules_frame *frame, uint32_t code, uint32_t words);

// Whether a slot that these tests take pieces of has bytes left.
bool mv_rules_leaves(const uint32_t *image, uint32_t code, uint32_t words, const struct mv_rules_cell *slots);

// So many bytes; null when there is no room.
uint8_t *mv_rules_take(struct mv_rules_arena *arena, uint64_t size);

// In keep.c: makes this the thread's state. `progress`, if a rule is, refers to kept memory then. False:
// there is no room, and the state is as before.
bool mv_rules_keep(struct mv_rules_thread *thread, const struct mv_rules_cell *stores,
                   struct mv_rules_progress *progress);

// Without the events that it has not: most of it.
void mv_rules_copy_progress(struct mv_rules_progress *to, const struct mv_rules_progress *from);

// In decide.c: whether rules of this scope are for this thread.
bool mv_rules_includes(uint32_t scope, uint32_t thread);

// In parts.c. Each begins at the words of `count` parts.
uint32_t mv_parts_words(const uint32_t *parts, uint32_t count);
bool mv_parts_match(struct mv_rules_frame *frame, const uint32_t *parts, uint32_t count,
                    struct mv_rules_bytes buffer);
bool mv_parts_fit(struct mv_rules_frame *frame, const uint32_t *parts, uint32_t count,
                  struct mv_rules_bytes buffer);
bool mv_parts_make(struct mv_rules_frame *frame, const uint32_t *parts, uint32_t count,
                   struct mv_rules_bytes *made);
bool mv_parse_number(struct mv_rules_bytes bytes, int64_t *number);

// In lines.c: the buffer with its lines changed by a map.
bool mv_lines_change(struct mv_rules_frame *frame, uint32_t map, struct mv_rules_bytes buffer,
                     struct mv_rules_bytes *changed);

static inline bool mv_equal_bytes(const uint8_t *a, const uint8_t *b, uint64_t size) {
    if (a == b)
        return true;
    for (; size >= sizeof(uint64_t); size -= sizeof(uint64_t), a += sizeof(uint64_t), b += sizeof(uint64_t)) {
        uint64_t x, y;
        __builtin_memcpy(&x, a, sizeof x);
        __builtin_memcpy(&y, b, sizeof y);
        if (x != y)
            return false;
    }
    while (size-- > 0)
        if (*a++ != *b++)
            return false;
    return true;
}

static inline bool mv_failed(const struct mv_rules_call *call) {
    return call->has_result && call->result < 0 && call->result >= -4095;
}

#endif
