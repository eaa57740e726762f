#include "rules/code.h"

uint8_t *mv_rules_take(struct mv_rules_arena *arena, uint64_t size) {
    uint8_t *taken = arena->free;
    if (size > (uint64_t)(arena->end - taken)) {
        arena->full = true;
        return 0;
    }
    arena->free += size;
    return taken;
}

static bool compare(uint32_t how, int64_t left, int64_t right) {
    switch (how) {
    case 0:
        return left == right;
    case 1:
        return left != right;
    case 2:
        return left < right;
    case 3:
        return left <= right;
    case 4:
        return left > right;
    default:
        return left >= right;
    }
}

static bool append(struct mv_rules_frame *frame, struct mv_rules_cell *cell) {
    uint64_t before = cell->kind == MV_CELL_BYTES ? cell->bytes.size : 0;
    struct mv_rules_bytes whole = frame->buffer;
    if (before > 0) {
        whole.size = before + frame->buffer.size;
        uint8_t *to = mv_rules_take(frame->arena, whole.size);
        if (!to)
            return false;
        __builtin_memcpy(to, cell->bytes.at, before);
        __builtin_memcpy(to + before, frame->buffer.at, frame->buffer.size);
        whole.at = to;
    }
    *cell = (struct mv_rules_cell){.kind = MV_CELL_BYTES, .bytes = whole};
    return true;
}

static bool take(struct mv_rules_frame *frame, struct mv_rules_cell *cell) {
    struct mv_rules_bytes piece = frame->buffer;
    if (cell->kind != MV_CELL_BYTES || piece.size == 0 || piece.size > cell->bytes.size ||
        !mv_equal_bytes(cell->bytes.at, piece.at, piece.size))
        return false;
    cell->bytes.at += piece.size;
    cell->bytes.size -= piece.size;
    return true;
}

static bool capture(struct mv_rules_cell *cell, int64_t number, bool keeps) {
    if (cell->kind != MV_CELL_EMPTY)
        return cell->number == number;
    if (keeps)
        *cell = (struct mv_rules_cell){.kind = MV_CELL_NUMBER, .number = number};
    return true;
}

static bool success(const struct mv_rules_call *record, bool all_sent) {
    return !mv_failed(record) &&
           (!all_sent || !record->has_result || (uint64_t)record->result == record->sent_bytes);
}

// An error needs no memory, and none is looked at.
static bool returns(struct mv_rules_frame *frame, int64_t result) {
    frame->answer->result = result;
    if (result >= 0 || result < -4095)
        return true;
    if (!frame->source || !mv_failed(frame->source))
        for (int i = 0; i < MV_RULES_ARGS; i++)
            frame->answer->received[i] = (struct mv_rules_bytes){0, 0};
    frame->settled = true;
    return true;
}

static bool has_room(const struct mv_rules_bytes *given, uint64_t units, uint64_t unit) {
    // As the kernel bounds what a call moves.
    if (units > INT32_MAX)
        return given->size <= INT32_MAX;
    return given->size <= units * unit;
}

// Instructions that work on numbers; `top` is behind the last one.
static bool numbers(struct mv_rules_frame *frame, uint32_t word, const uint32_t *code, int64_t **top) {
    const struct mv_rules_cell *cell;
    int64_t *at = *top;
    switch ((enum mv_op)mv_low(word)) {
    case MV_OP_LITERAL:
        *at++ = (int64_t)((uint64_t)code[0] | (uint64_t)code[1] << 32);
        break;
    case MV_OP_ARGUMENT: {
        uint64_t raw = frame->record->args[mv_a(word)];
        *at++ = mv_b(word) == 0 ? (int32_t)raw : mv_b(word) == 1 ? (int64_t)(uint32_t)raw : (int64_t)raw;
        break;
    }
    case MV_OP_RESULT:
        if (!frame->record->has_result)
            return false;
        *at++ = frame->record->result;
        break;
    case MV_OP_SLOT:
    case MV_OP_STORED:
        cell = mv_low(word) == MV_OP_SLOT ? &frame->slots[mv_b(word)] : &frame->stores[mv_b(word)];
        if (cell->kind != MV_CELL_NUMBER)
            return false;
        *at++ = cell->number;
        break;
    case MV_OP_LENGTH:
        *at++ = (int64_t)frame->buffer.size;
        break;
    case MV_OP_PARSE:
        if (!mv_parse_number(frame->buffer, at))
            return false;
        at++;
        break;
    case MV_OP_ADD:
        at--;
        at[-1] = (int64_t)((uint64_t)at[-1] + (uint64_t)at[0]);
        break;
    case MV_OP_SUBTRACT:
        at--;
        at[-1] = (int64_t)((uint64_t)at[-1] - (uint64_t)at[0]);
        break;
    case MV_OP_TEST:
        at -= 2;
        if (!compare(mv_a(word), at[0], at[1]))
            return false;
        break;
    case MV_OP_COMPARE:
        at--;
        at[-1] = compare(mv_a(word), at[-1], at[0]);
        break;
    case MV_OP_NOT:
        at[-1] = at[-1] == 0;
        break;
    case MV_OP_REQUIRE:
        if (*--at == 0)
            return false;
        break;
    case MV_OP_CAPTURE:
    case MV_OP_FIT:
        if (!capture(&frame->slots[mv_b(word)], *--at, mv_low(word) == MV_OP_CAPTURE))
            return false;
        break;
    case MV_OP_STORE_NUMBER:
        frame->written[mv_b(word)] = (struct mv_rules_cell){.kind = MV_CELL_NUMBER, .number = *--at};
        break;
    case MV_OP_RETURN:
        if (!returns(frame, *--at))
            return false;
        break;
    default:
        break;
    }
    *top = at;
    return true;
}

// Instructions that work on buffers, and those that answer.
static bool buffers(struct mv_rules_frame *frame, uint32_t word, const uint32_t *code) {
    struct mv_rules_answer *answer = frame->answer;
    uint32_t a = mv_a(word), b = mv_b(word);
    switch ((enum mv_op)mv_low(word)) {
    case MV_OP_SENT:
        frame->buffer = frame->record->sent[a];
        return frame->buffer.at;
    case MV_OP_RECEIVED:
        frame->buffer = frame->record->received[a];
        return frame->buffer.at;
    case MV_OP_APPEND:
        return append(frame, &frame->slots[b]);
    case MV_OP_TAKE:
        return take(frame, &frame->slots[b]);
    case MV_OP_STORE_BYTES:
        frame->written[b] = (struct mv_rules_cell){.kind = MV_CELL_BYTES, .bytes = frame->buffer};
        return true;
    case MV_OP_SUCCESS:
        return success(frame->record, a);
    case MV_OP_SAME:
        return frame->host->equal(frame->host->context, frame->source, frame->record, (int)a);
    case MV_OP_LOAD:
        return mv_parts_make(frame, code, 1, &frame->buffer);
    case MV_OP_MATCH:
        return mv_parts_match(frame, code, b, frame->buffer);
    case MV_OP_FIT_BYTES:
        return mv_parts_fit(frame, code, b, frame->buffer);
    case MV_OP_GIVE:
        if (!mv_parts_make(frame, code, b, &answer->received[a]))
            return false;
        frame->given += answer->received[a].size;
        return true;
    case MV_OP_COPY:
        __builtin_memcpy(answer->received, frame->source->received, sizeof answer->received);
        return true;
    case MV_OP_RETURN_SENT:
        return returns(frame, (int64_t)frame->record->sent_bytes);
    case MV_OP_RETURN_GIVEN:
        return returns(frame, (int64_t)frame->given);
    case MV_OP_RETURN_SOURCE:
        return frame->source->has_result && returns(frame, frame->source->result);
    case MV_OP_ROOM:
        return !answer->received[a].at || has_room(&answer->received[a], frame->record->args[code[0]], b);
    case MV_OP_FIXED:
        return answer->received[a].at && answer->received[a].size == b;
    case MV_OP_ALL_GIVEN:
        return (uint64_t)answer->result == frame->given;
    case MV_OP_EXECUTE:
        answer->executed = true;
        frame->settled = true;
        return true;
    default:
        return true;
    }
}

// The sets of instructions that work on numbers, and that have operands.
#define SET(op) (1ull << (op))
static const uint64_t ON_NUMBERS =
    SET(MV_OP_LITERAL) | SET(MV_OP_ARGUMENT) | SET(MV_OP_RESULT) | SET(MV_OP_SLOT) | SET(MV_OP_STORED) |
    SET(MV_OP_LENGTH) | SET(MV_OP_PARSE) | SET(MV_OP_ADD) | SET(MV_OP_SUBTRACT) | SET(MV_OP_TEST) |
    SET(MV_OP_COMPARE) | SET(MV_OP_NOT) | SET(MV_OP_REQUIRE) | SET(MV_OP_CAPTURE) | SET(MV_OP_FIT) |
    SET(MV_OP_STORE_NUMBER) | SET(MV_OP_RETURN);
static const uint64_t WITH_OPERANDS = SET(MV_OP_LITERAL) | SET(MV_OP_ROOM) | SET(MV_OP_LOAD) |
                                      SET(MV_OP_MATCH) | SET(MV_OP_MATCHES) | SET(MV_OP_FIT_BYTES) |
                                      SET(MV_OP_GIVE);

static bool is_in(uint64_t set, uint32_t word) {
    return set >> (word & 63) & 1; // the verifier has proved that it is an instruction
}

// Words behind an instruction that belong to it.
static uint32_t operands(uint32_t word, const uint32_t *code) {
    switch ((enum mv_op)mv_low(word)) {
    case MV_OP_LITERAL:
        return 2;
    case MV_OP_ROOM:
        return 1;
    case MV_OP_LOAD:
        return mv_parts_words(code, 1);
    case MV_OP_MATCH:
    case MV_OP_MATCHES:
    case MV_OP_FIT_BYTES:
    case MV_OP_GIVE:
        return mv_parts_words(code, mv_b(word));
    default:
        return 0;
    }
}

bool mv_rules_run(struct mv_rules_frame *frame, uint32_t code, uint32_t words) {
    const uint32_t *at = mv_image_code(frame->image, code), *end = at + words;
    // The verifier has proved that the stack never runs over nor empty.
    int64_t *top = frame->stack;
    while (at < end && !frame->settled) {
        uint32_t word = *at++;
        bool skips;
        switch ((enum mv_op)mv_low(word)) {
        case MV_OP_SKIP_FALSE:
        case MV_OP_SKIP_TRUE:
            skips = (top[-1] != 0) == (mv_low(word) == MV_OP_SKIP_TRUE);
            if (skips)
                at += mv_b(word);
            else
                top--;
            continue;
        case MV_OP_MATCHES:
            *top++ = mv_parts_match(frame, at, mv_b(word), frame->buffer);
            break;
        default:
            if (!(is_in(ON_NUMBERS, word) ? numbers(frame, word, at, &top) : buffers(frame, word, at)))
                return false;
            break;
        }
        if (is_in(WITH_OPERANDS, word))
            at += operands(word, at);
    }
    return !frame->arena->full;
}

// Whether a slot that these tests take pieces of has bytes left.
bool mv_rules_leaves(const uint32_t *image, uint32_t code, uint32_t words,
                     const struct mv_rules_cell *slots) {
    const uint32_t *at = mv_image_code(image, code), *end = at + words;
    while (at < end) {
        uint32_t word = *at++;
        if (mv_low(word) == MV_OP_TAKE && slots[mv_b(word)].kind == MV_CELL_BYTES &&
            slots[mv_b(word)].bytes.size > 0)
            return true;
        at += operands(word, at);
    }
    return false;
}
