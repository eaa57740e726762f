// Buffers by their parts: matched, made, fitted.
//
// A match goes from the left and never back: a part without a value ends at the first place where the text
// behind it stands; the text at the very end is looked for at the very end.
#include "rules/code.h"

enum { ANY, LINE, WORD, DIGITS, NUMBER, HEX };

struct piece {
    const uint32_t *part;
    bool open; // takes a value where it stands
    bool known;
    struct mv_rules_bytes bytes;
};

static enum mv_part kind_of(const uint32_t *part) {
    return (enum mv_part)(part[0] & 0x7f);
}

static uint32_t width_of(const uint32_t *part) {
    switch (kind_of(part)) {
    case MV_PART_TEXT:
        return 3;
    case MV_PART_MAPPED: // a map is of a part that is none
        return kind_of(part + 1) == MV_PART_TEXT ? 4 : 2;
    default:
        return 1;
    }
}

uint32_t mv_parts_words(const uint32_t *parts, uint32_t count) {
    uint32_t words = 0;
    while (count-- > 0)
        words += width_of(parts + words);
    return words;
}

static bool decimal(struct mv_rules_arena *arena, int64_t number, struct mv_rules_bytes *bytes) {
    uint8_t digits[20];
    unsigned count = 0;
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
    do
        digits[count++] = (uint8_t)('0' + rest % 10);
    while ((rest /= 10) > 0);
    unsigned size = count + (number < 0);
    uint8_t *to = mv_rules_take(arena, size);
    if (!to)
        return false;
    if (number < 0)
        to[0] = '-';
    for (unsigned i = 0; i < count; i++)
        to[size - 1 - i] = digits[i];
    *bytes = (struct mv_rules_bytes){to, size};
    return true;
}

static bool cell_bytes(struct mv_rules_arena *arena, const struct mv_rules_cell *cell,
                       struct mv_rules_bytes *bytes) {
    if (cell->kind == MV_CELL_NUMBER)
        return decimal(arena, cell->number, bytes);
    *bytes = cell->bytes;
    return cell->kind == MV_CELL_BYTES;
}

// False: the part has no value.
static bool part_bytes(struct mv_rules_frame *frame, const uint32_t *part, struct mv_rules_bytes *bytes) {
    const uint32_t *inner = part;
    bool known = false;
    if (kind_of(part) == MV_PART_MAPPED)
        inner = part + 1;
    switch (kind_of(inner)) {
    case MV_PART_TEXT:
        bytes->at = (const uint8_t *)(frame->image + frame->image[MV_IMAGE_TEXT_AT]) + inner[1];
        bytes->size = inner[2];
        known = true;
        break;
    case MV_PART_SLOT:
        known = cell_bytes(frame->arena, &frame->slots[mv_b(inner[0])], bytes);
        break;
    case MV_PART_STORED:
        known = cell_bytes(frame->arena, &frame->stores[mv_b(inner[0])], bytes);
        break;
    default:
        break;
    }
    return inner == part ? known : known && mv_lines_change(frame, mv_b(part[0]), *bytes, bytes);
}

bool mv_parse_number(struct mv_rules_bytes bytes, int64_t *number) {
    bool negative = bytes.size > 0 && bytes.at[0] == '-';
    uint64_t value = 0, most = negative ? 1UL << 63 : (1UL << 63) - 1;
    if (bytes.size == negative)
        return false;
    for (uint64_t i = negative; i < bytes.size; i++) {
        unsigned digit = bytes.at[i] - (unsigned)'0';
        if (digit > 9 || value > (most - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *number = (int64_t)(negative ? -value : value);
    return true;
}

static bool in_class(uint32_t class, uint8_t byte) {
    uint8_t letter = byte | 0x20;
    switch (class) {
    case LINE:
        return byte != '\r' && byte != '\n';
    case WORD:
        return byte != ' ' && (byte < '\t' || byte > '\r');
    case DIGITS:
        return byte >= '0' && byte <= '9';
    case HEX:
        return (byte >= '0' && byte <= '9') || (letter >= 'a' && letter <= 'f');
    default:
        return true;
    }
}

static bool of_class(uint32_t class, struct mv_rules_bytes bytes) {
    int64_t number;
    if (class == NUMBER)
        return mv_parse_number(bytes, &number);
    if (class < LINE)
        return true;
    for (uint64_t i = 0; i < bytes.size; i++)
        if (!in_class(class, bytes.at[i]))
            return false;
    return class <= LINE || bytes.size > 0;
}

static uint8_t lower(uint8_t byte) {
    return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
}

static bool stands_at(const struct piece *piece, struct mv_rules_bytes buffer, uint64_t place) {
    if (!piece->known || piece->bytes.size > buffer.size - place)
        return false;
    if (kind_of(piece->part) != MV_PART_TEXT || mv_a(piece->part[0]) == 0)
        return mv_equal_bytes(buffer.at + place, piece->bytes.at, piece->bytes.size);
    for (uint64_t i = 0; i < piece->bytes.size; i++)
        if (lower(buffer.at[place + i]) != lower(piece->bytes.at[i]))
            return false;
    return true;
}

static void look(struct mv_rules_frame *frame, struct piece *piece) {
    enum mv_part kind = kind_of(piece->part);
    piece->open = kind == MV_PART_ANY ||
                  (kind == MV_PART_SLOT && frame->slots[mv_b(piece->part[0])].kind == MV_CELL_EMPTY);
    piece->known = !piece->open && part_bytes(frame, piece->part, &piece->bytes);
}

static void look_at_all(struct mv_rules_frame *frame, const uint32_t *parts, uint32_t count,
                        struct piece *pieces) {
    for (uint32_t i = 0; i < count; i++) {
        pieces[i].part = parts;
        look(frame, &pieces[i]);
        parts += width_of(parts);
    }
}

// The first place of this byte, or `end`. Eight at a time: answers of a hundred kilobytes are looked through
// by each rule of their call.
static const uint8_t *find_byte(const uint8_t *at, const uint8_t *end, uint8_t byte) {
    const uint64_t ones = ~0UL / 255, tops = ones << 7;
    for (; end - at >= 8; at += 8) {
        uint64_t word;
        __builtin_memcpy(&word, at, 8);
        word ^= ones * byte;
        if ((word - ones) & ~word & tops)
            break;
    }
    while (at < end && *at != byte)
        at++;
    return at;
}

// May `piece` begin only with its own first byte?
static bool begins_with_a_byte(const struct piece *piece) {
    return piece->bytes.size > 0 && (kind_of(piece->part) != MV_PART_TEXT || mv_a(piece->part[0]) == 0);
}

// Where an open part ends, the pieces behind it being these; false: nowhere.
static bool end_of(const struct piece *next, uint32_t left, uint32_t class, struct mv_rules_bytes buffer,
                   uint64_t place, uint64_t *end) {
    uint64_t least = place + (class > LINE), size = 0;
    uint32_t run = 0;
    *end = buffer.size;
    if (left == 0)
        return true;
    for (; run < left && !next[run].open; run++) {
        if (!next[run].known)
            return false;
        size += next[run].bytes.size;
    }
    if (run == 0 || size > buffer.size || least > buffer.size - size)
        return false;
    *end = run == left ? buffer.size - size : least;
    if (run == left)
        return true;
    bool exact = begins_with_a_byte(next);
    for (; *end <= buffer.size - size; ++*end) {
        if (exact)
            *end = (uint64_t)(find_byte(buffer.at + *end, buffer.at + buffer.size - size + 1,
                                        next->bytes.at[0]) -
                              buffer.at);
        if (*end > buffer.size - size)
            break;
        uint64_t at = *end;
        uint32_t i = 0;
        while (i < run && stands_at(&next[i], buffer, at))
            at += next[i++].bytes.size;
        if (i == run)
            return true;
    }
    return false;
}

// A value that a slot has got makes known what refers to it further on.
static void captured(struct mv_rules_frame *frame, struct piece *pieces, uint32_t count, uint32_t slot,
                     struct mv_rules_bytes bytes) {
    frame->slots[slot] = (struct mv_rules_cell){.kind = MV_CELL_BYTES, .bytes = bytes};
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t *part = pieces[i].part;
        if (kind_of(part) == MV_PART_MAPPED)
            part++;
        if (kind_of(part) == MV_PART_SLOT && mv_b(part[0]) == slot)
            look(frame, &pieces[i]);
    }
}

bool mv_parts_match(struct mv_rules_frame *frame, const uint32_t *parts, uint32_t count,
                    struct mv_rules_bytes buffer) {
    struct piece pieces[MV_RULES_PARTS];
    uint64_t place = 0;
    look_at_all(frame, parts, count, pieces);
    for (uint32_t i = 0; i < count; i++) {
        if (!pieces[i].open) {
            if (!stands_at(&pieces[i], buffer, place))
                return false;
            place += pieces[i].bytes.size;
            continue;
        }
        uint32_t word = pieces[i].part[0], class = mv_a(word);
        uint64_t end;
        if (!end_of(&pieces[i + 1], count - i - 1, class, buffer, place, &end))
            return false;
        struct mv_rules_bytes value = {buffer.at + place, end - place};
        if (!of_class(class, value))
            return false;
        if (kind_of(&word) == MV_PART_SLOT)
            captured(frame, pieces + i + 1, count - i - 1, mv_b(word), value);
        place = end;
    }
    return place == buffer.size;
}

bool mv_parts_fit(struct mv_rules_frame *frame, const uint32_t *parts, uint32_t count,
                  struct mv_rules_bytes buffer) {
    uint64_t place = 0;
    for (uint32_t i = 0; i < count; i++, parts += width_of(parts)) {
        struct piece piece = {.part = parts};
        enum mv_part kind = kind_of(parts);
        if (kind == MV_PART_MAPPED && kind_of(parts + 1) == MV_PART_SLOT) {
            // Of what may still grow, the lines that are complete become what they become.
            struct mv_rules_bytes lines;
            if (!cell_bytes(frame->arena, &frame->slots[mv_b(parts[1])], &lines))
                return true;
            while (lines.size > 0 && lines.at[lines.size - 1] != '\n')
                lines.size--;
            piece.known = mv_lines_change(frame, mv_b(parts[0]), lines, &piece.bytes);
            return stands_at(&piece, buffer, place);
        }
        if ((kind != MV_PART_TEXT && kind != MV_PART_SLOT) || (kind == MV_PART_TEXT && mv_a(parts[0])))
            return true;
        look(frame, &piece);
        if (!piece.known)
            return true;
        if (!stands_at(&piece, buffer, place))
            return false;
        if (parts[0] & MV_PART_GROWS)
            return true;
        place += piece.bytes.size;
    }
    return place == buffer.size;
}

bool mv_parts_make(struct mv_rules_frame *frame, const uint32_t *parts, uint32_t count,
                   struct mv_rules_bytes *made) {
    struct mv_rules_bytes pieces[MV_RULES_PARTS] = {{0, 0}};
    uint64_t size = 0;
    for (uint32_t i = 0; i < count; i++, parts += width_of(parts)) {
        if (!part_bytes(frame, parts, &pieces[i]))
            return false;
        size += pieces[i].size;
    }
    *made = pieces[0];
    if (count == 1)
        return true;
    uint8_t *to = mv_rules_take(frame->arena, size);
    if (!to)
        return false;
    *made = (struct mv_rules_bytes){to, size};
    for (uint32_t i = 0; i < count; i++) {
        __builtin_memcpy(to, pieces[i].at, pieces[i].size);
        to += pieces[i].size;
    }
    return true;
}
