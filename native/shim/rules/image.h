// The image of compiled rules, as src/Mvedsua.Rules/Bytecode/Format.cs writes it.
#ifndef MVEDSUA_RULES_IMAGE_H
#define MVEDSUA_RULES_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#define MV_IMAGE_MAGIC 0x5552564du /* "MVRU" */

enum mv_image_word {
    MV_IMAGE_WORDS = 2,
    MV_IMAGE_RULES_AT = 4,
    MV_IMAGE_STEPS_AT = 6,
    MV_IMAGE_CALLS_AT = 8,
    MV_IMAGE_CODE_AT = 10,
    MV_IMAGE_LISTS_AT = 12,
    MV_IMAGE_INDEX_AT = 13,
    MV_IMAGE_MAPS_AT = 15,
    MV_IMAGE_LINES_AT = 17,
    MV_IMAGE_BEGINS = 18,
    MV_IMAGE_BEGINS_AT = 19,
    MV_IMAGE_TEXT_AT = 21,
    MV_IMAGE_STORES = 22,
};

enum { MV_IMAGE_HEADER = 23, MV_IMAGE_NUMBERS = 512, MV_IMAGE_END_OF_LIST = 0xffff };

enum mv_rule_kind { MV_RULE_PAIRING, MV_RULE_DROPPING, MV_RULE_ADDING };

struct mv_image_rule {
    uint32_t kind_and_scope, slots, leader, leader_steps, follower, follower_steps, clauses, clause_words;
};

struct mv_image_step {
    uint8_t least, most;
    uint16_t calls;
    uint32_t first;
};

struct mv_image_call {
    uint16_t number;
    uint8_t flags;
    uint8_t source; // the leader's step plus 1; 0: none
    uint32_t code;
    uint16_t test_words, answer_words;
    uint32_t fit_words;
};

struct mv_image_map {
    uint32_t first, lines;
};

struct mv_image_line {
    uint32_t pattern, pattern_words, template, template_words, slots;
};

struct mv_image_begin {
    uint32_t scope, leader, follower;
};

enum mv_op {
    MV_OP_BAD,
    MV_OP_LITERAL,
    MV_OP_ARGUMENT,
    MV_OP_RESULT,
    MV_OP_SLOT,
    MV_OP_STORED,
    MV_OP_LENGTH,
    MV_OP_PARSE,
    MV_OP_ADD,
    MV_OP_SUBTRACT,
    MV_OP_TEST,
    MV_OP_COMPARE,
    MV_OP_NOT,
    MV_OP_SKIP_FALSE,
    MV_OP_SKIP_TRUE,
    MV_OP_REQUIRE,
    MV_OP_CAPTURE,
    MV_OP_FIT,
    MV_OP_SUCCESS,
    MV_OP_SENT,
    MV_OP_RECEIVED,
    MV_OP_LOAD,
    MV_OP_MATCH,
    MV_OP_MATCHES,
    MV_OP_FIT_BYTES,
    MV_OP_APPEND,
    MV_OP_TAKE,
    MV_OP_SAME,
    MV_OP_STORE_NUMBER,
    MV_OP_STORE_BYTES,
    MV_OP_COPY,
    MV_OP_GIVE,
    MV_OP_RETURN,
    MV_OP_RETURN_SENT,
    MV_OP_RETURN_GIVEN,
    MV_OP_RETURN_SOURCE,
    MV_OP_ROOM,
    MV_OP_FIXED,
    MV_OP_ALL_GIVEN,
    MV_OP_EXECUTE,
};

enum mv_part {
    MV_PART_BAD,
    MV_PART_TEXT,
    MV_PART_SLOT,
    MV_PART_ANY,
    MV_PART_STORED,
    MV_PART_MAPPED,
};

enum { MV_PART_GROWS = 0x80, MV_RULES_STACK = 32 };

static inline const struct mv_image_rule *mv_image_rule(const uint32_t *image, uint32_t index) {
    return (const struct mv_image_rule *)(image + image[MV_IMAGE_RULES_AT]) + index;
}

static inline const struct mv_image_step *mv_image_step(const uint32_t *image, uint32_t index) {
    return (const struct mv_image_step *)(image + image[MV_IMAGE_STEPS_AT]) + index;
}

static inline const struct mv_image_call *mv_image_call(const uint32_t *image, uint32_t index) {
    return (const struct mv_image_call *)(image + image[MV_IMAGE_CALLS_AT]) + index;
}

static inline const struct mv_image_map *mv_image_map(const uint32_t *image, uint32_t index) {
    return (const struct mv_image_map *)(image + image[MV_IMAGE_MAPS_AT]) + index;
}

static inline const struct mv_image_line *mv_image_line(const uint32_t *image, uint32_t index) {
    return (const struct mv_image_line *)(image + image[MV_IMAGE_LINES_AT]) + index;
}

static inline const struct mv_image_begin *mv_image_begin(const uint32_t *image, uint32_t index) {
    return (const struct mv_image_begin *)(image + image[MV_IMAGE_BEGINS_AT]) + index;
}

static inline const uint32_t *mv_image_code(const uint32_t *image, uint32_t at) {
    return image + image[MV_IMAGE_CODE_AT] + at;
}

static inline uint32_t mv_low(uint32_t word) {
    return word & 0xff;
}

static inline uint32_t mv_a(uint32_t word) {
    return word >> 8 & 0xff;
}

static inline uint32_t mv_b(uint32_t word) {
    return word >> 16;
}

// More than one round, none, or several calls: its events are no source of an answer.
static inline bool mv_is_repetition(const struct mv_image_step *step) {
    return step->least != 1 || step->most != 1 || step->calls != 1;
}

#endif
