#include "calls/payload.h"

#include "calls/guard.h"

// A cursor over a payload, checked at each step.
struct reader {
    const uint8_t *at;
    uint64_t left;
};

// 1: a segment; 0: the end; MV_PAYLOAD_MALFORMED.
static int read_segment(struct reader *reader, struct mv_payload_segment *header, const uint8_t **bytes) {
    if (reader->left == 0)
        return 0;
    if (reader->left < sizeof *header)
        return MV_PAYLOAD_MALFORMED;
    mv_guard_copy(header, reader->at, sizeof *header);
    if (reader->left < MV_PAYLOAD_SPAN(header->length))
        return MV_PAYLOAD_MALFORMED;
    *bytes = reader->at + sizeof *header;
    reader->at += MV_PAYLOAD_SPAN(header->length);
    reader->left -= MV_PAYLOAD_SPAN(header->length);
    return 1;
}

uint64_t mv_payload_size(const struct mv_segment *segments, int count) {
    uint64_t size = 0;

    for (int i = 0; i < count; i++)
        size += MV_PAYLOAD_SPAN(segments[i].len);
    return size;
}

uint64_t mv_payload_write(void *to, const struct mv_segment *segments, int count) {
    uint8_t *at = to;

    for (int i = 0; i < count; i++) {
        const struct mv_segment *segment = &segments[i];
        uint8_t *end = at + MV_PAYLOAD_SPAN(segment->len);
        uint64_t missing;

        struct mv_payload_segment header = {
            .length = segment->len, .arg = segment->arg, .how = segment->how, .reserved = segment->index};

        __builtin_memcpy(at, &header, sizeof header);
        at += sizeof header;
        missing = mv_guard_copy(at, segment->addr, segment->len);
        for (at += segment->len - missing; at < end; at++)
            *at = 0;
    }
    return (uint64_t)(at - (uint8_t *)to);
}

int mv_struct_is_opaque(const struct mv_struct_row *structure, uint32_t offset) {
    if (structure->opaque_count == 0)
        return 0;
    offset %= structure->size;
    for (int i = 0; i < structure->opaque_count; i++)
        if (offset - structure->opaque_offset[i] < structure->opaque_length[i])
            return 1;
    return 0;
}

// The first offset at which two equally long pieces differ, or `length`. Addresses are numbers here: the
// program's may be any, also such that the end of the piece wraps around.
static uint32_t first_difference(const struct mv_struct_row *structure, uintptr_t leader, uintptr_t follower,
                                 uint32_t length) {
    uint32_t i = 0;

    for (; i < length; i++) {
        // Whole words while they are equal; a word is looked at byte by byte only where it differs.
        uint64_t a, b;

        while (i + 8 <= length && !mv_guard_load64((const void *)(leader + i), &a) &&
               !mv_guard_load64((const void *)(follower + i), &b) && a == b)
            i += 8;
        if (i == length)
            break;
        uint8_t x = 0, y = 0;

        mv_guard_copy(&x, (const void *)(leader + i), 1);
        mv_guard_copy(&y, (const void *)(follower + i), 1);
        if (x != y && !mv_struct_is_opaque(structure, i))
            break;
    }
    return i;
}

static int differ(struct mv_payload_difference *difference, enum mv_payload_mismatch mismatch, uint8_t arg,
                  uint8_t how, uint32_t segment, uint32_t offset) {
    *difference = (struct mv_payload_difference){
        .mismatch = (uint8_t)mismatch, .arg = arg, .how = how, .segment = segment, .offset = offset};
    return 0;
}

// A leader's segment that is being compared; `read` as read_segment says.
struct piece {
    struct mv_payload_segment header;
    const uint8_t *bytes;
    int read;
};

static void next_piece(struct reader *reader, struct piece *piece) {
    piece->header = (struct mv_payload_segment){0};
    piece->read = read_segment(reader, &piece->header, &piece->bytes);
}

static int of_one_argument(const struct mv_payload_segment *header, const struct mv_segment *mine) {
    return mine->arg == header->arg && mine->how == header->how && mine->index == header->reserved;
}

// What one argument's segments hold together: where an iovec is cut into pieces is each version's own affair.
// Both sides go on to the next argument's. 1: equal.
static int compare_argument(const struct mv_call_row *row, const uint64_t args[6], struct reader *reader,
                            struct piece *theirs, const struct mv_segment *segments, uint32_t *at,
                            uint32_t count, struct mv_payload_difference *difference) {
    const struct mv_payload_segment group = theirs->header;
    struct mv_call_arg storage;
    const struct mv_call_arg *arg =
        group.arg < row->argc ? mv_call_arg_of(row, args, group.arg, &storage) : 0;
    int whole = (group.how & MV_HOW_MASK) == MV_HOW_BYTES;
    const struct mv_struct_row *structure = mv_struct_at(arg && whole ? arg->structure : 0);
    uint32_t offset = 0, leader = 0, follower = 0; // leader, follower: within their pieces

    for (;;) {
        while (theirs->read > 0 && theirs->header.arg == group.arg && theirs->header.how == group.how &&
               theirs->header.reserved == group.reserved && leader == theirs->header.length) {
            next_piece(reader, theirs);
            leader = 0;
        }
        while (*at < count && of_one_argument(&group, &segments[*at]) && follower == segments[*at].len) {
            ++*at;
            follower = 0;
        }
        if (theirs->read < 0)
            return differ(difference, MV_PAYLOAD_BROKEN, 0, 0, *at, 0);
        int more = theirs->read > 0 && theirs->header.arg == group.arg && theirs->header.how == group.how &&
                   theirs->header.reserved == group.reserved;
        int mine = *at < count && of_one_argument(&group, &segments[*at]);
        if (!more && !mine)
            return 1;
        if (!more || !mine)
            return differ(difference, MV_PAYLOAD_LENGTH, group.arg, group.how, *at, offset);
        uint32_t left = theirs->header.length - leader, right = segments[*at].len - follower;
        uint32_t shorter = left < right ? left : right;
        uint32_t same = first_difference(structure, (uintptr_t)theirs->bytes + leader,
                                         (uintptr_t)segments[*at].addr + follower, shorter);
        if (same < shorter)
            return differ(difference, MV_PAYLOAD_BYTES, group.arg, group.how, *at, offset + same);
        offset += shorter;
        leader += shorter;
        follower += shorter;
    }
}

int mv_payload_compare(const struct mv_call_row *row, const uint64_t args[6], const void *payload,
                       uint64_t size, const struct mv_segment *segments, int count,
                       struct mv_payload_difference *difference) {
    struct reader reader = {payload, size};
    struct piece theirs;
    uint32_t i = 0;

    next_piece(&reader, &theirs);
    while (theirs.read > 0) {
        const struct mv_payload_segment *header = &theirs.header;
        if (i >= (uint32_t)count)
            return differ(difference, MV_PAYLOAD_MISSING, header->arg, header->how, i, 0);

        const struct mv_segment *mine = &segments[i];

        if (!of_one_argument(header, mine)) {
            // The earlier of the two is the one that the other side lacks.
            int missing = header->reserved < mine->index ||
                          (header->reserved == mine->index && header->arg <= mine->arg);

            return missing ? differ(difference, MV_PAYLOAD_MISSING, header->arg, header->how, i, 0)
                           : differ(difference, MV_PAYLOAD_SURPLUS, mine->arg, mine->how, i, 0);
        }
        if (!compare_argument(row, args, &reader, &theirs, segments, &i, (uint32_t)count, difference))
            return 0;
    }
    if (theirs.read < 0)
        return differ(difference, MV_PAYLOAD_BROKEN, 0, 0, i, 0);
    if (i < (uint32_t)count)
        return differ(difference, MV_PAYLOAD_SURPLUS, segments[i].arg, segments[i].how, i, 0);
    differ(difference, MV_PAYLOAD_EQUAL, 0, 0, 0, 0);
    return 1;
}

int mv_payload_fill(const void *payload, uint64_t size, const struct mv_segment *targets, int count) {
    struct reader reader = {payload, size};
    int next = 0;

    for (;;) {
        struct mv_payload_segment header = {0};
        const uint8_t *bytes;
        int read = read_segment(&reader, &header, &bytes);

        if (read <= 0)
            return read;
        // Targets that the leader's call left untouched (a name that did not come, iovecs beyond the data)
        // are passed over.
        while (next < count && (targets[next].arg != header.arg || targets[next].how != header.how ||
                                targets[next].index != header.reserved))
            next++;
        if (next == count)
            return MV_PAYLOAD_NO_ROOM;
        // recvmmsg reports the whole length of a name and cuts it to the room (see mv_walk_messages_out).
        if ((header.how & MV_HOW_MASK) == MV_HOW_NAME && targets[next].len < header.length)
            header.length = targets[next].len;
        if (targets[next].len < header.length)
            return MV_PAYLOAD_NO_ROOM;
        if (mv_guard_copy(targets[next].addr, bytes, header.length) != 0 && !(header.how & MV_HOW_LAX))
            return MV_PAYLOAD_FAULT;
        next++;
    }
}
