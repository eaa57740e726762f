// Changes the lines of a buffer by a map.
#include "rules/code.h"

// A pattern that begins with a text which does not stand there: most entries for most lines.
static bool differs(const struct mv_rules_frame *frame, const uint32_t *pattern, struct mv_rules_bytes line) {
    if (mv_low(pattern[1]) != MV_PART_TEXT || mv_a(pattern[1]) != 0)
        return false;
    const uint8_t *text = (const uint8_t *)(frame->image + frame->image[MV_IMAGE_TEXT_AT]) + pattern[2];
    return pattern[3] > line.size || !mv_equal_bytes(line.at, text, pattern[3]);
}

// What a line becomes; itself when no entry matches it. False: there is no room for it.
static bool change(struct mv_rules_frame *frame, const struct mv_image_map *map, struct mv_rules_bytes line,
                   struct mv_rules_bytes *changed) {
    *changed = line;
    for (uint32_t i = map->first; i < map->first + map->lines; i++) {
        const struct mv_image_line *entry = mv_image_line(frame->image, i);
        const uint32_t *pattern = mv_image_code(frame->image, entry->pattern);
        const uint32_t *template = mv_image_code(frame->image, entry->template);
        struct mv_rules_cell slots[MV_RULES_SLOTS];
        if (differs(frame, pattern, line))
            continue;
        for (uint32_t slot = 0; slot < entry->slots; slot++)
            slots[slot].kind = MV_CELL_EMPTY;
        struct mv_rules_frame inner = {.image = frame->image, .arena = frame->arena, .slots = slots};
        if (mv_parts_match(&inner, pattern + 1, mv_b(pattern[0]), line))
            return mv_parts_make(&inner, template + 1, mv_b(template[0]), changed);
    }
    return true;
}

static uint8_t *put(uint8_t *to, struct mv_rules_bytes bytes) {
    __builtin_memcpy(to, bytes.at, bytes.size);
    return to + bytes.size;
}

// The size of the changed buffer, and when `to` is given, the buffer. False: there is no room for a line.
static bool walk(struct mv_rules_frame *frame, const struct mv_image_map *map, struct mv_rules_bytes buffer,
                 uint8_t *to, uint64_t *size, bool *same) {
    uint8_t *free = frame->arena->free;
    uint64_t place = 0;
    *size = 0;
    *same = true;
    for (uint64_t feed = 0; feed < buffer.size; feed++) {
        if (buffer.at[feed] != '\n')
            continue;
        uint64_t end = feed > place && buffer.at[feed - 1] == '\r' ? feed - 1 : feed;
        struct mv_rules_bytes line = {buffer.at + place, end - place},
                              rest = {buffer.at + end, feed + 1 - end}, changed;
        if (!change(frame, map, line, &changed))
            return false;
        *same = *same && changed.at == line.at;
        *size += changed.size + rest.size;
        if (to)
            to = put(put(to, changed), rest);
        frame->arena->free = free; // what one line took, the next one may have
        place = feed + 1;
    }
    struct mv_rules_bytes tail = {buffer.at + place, buffer.size - place};
    *size += tail.size;
    if (to)
        put(to, tail);
    return true;
}

bool mv_lines_change(struct mv_rules_frame *frame, uint32_t map, struct mv_rules_bytes buffer,
                     struct mv_rules_bytes *changed) {
    const struct mv_image_map *entry = mv_image_map(frame->image, map);
    uint64_t size;
    bool same;
    *changed = buffer;
    if (!walk(frame, entry, buffer, 0, &size, &same))
        return false;
    if (same)
        return true;
    uint8_t *to = mv_rules_take(frame->arena, size);
    if (!to || !walk(frame, entry, buffer, to, &size, &same))
        return false;
    *changed = (struct mv_rules_bytes){to, size};
    return true;
}
