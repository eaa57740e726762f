#include "calls/walk.h"

#define EINTR            4
#define EFAULT           14
#define PATH_LIMIT       4096
#define ARG_STRING_LIMIT 131072 // MAX_ARG_STRLEN

static int happened(uint8_t when, long result) {
    switch (when) {
    case MV_WHEN_POSITIVE:
        return result > 0;
    case MV_WHEN_EINTR:
        return result == -EINTR;
    case MV_WHEN_TRIED:
    case MV_WHEN_LAX:
        return result >= 0 || result == -EINTR;
    case MV_WHEN_ALWAYS:
        return result != -EFAULT;
    default:
        return result >= 0;
    }
}

static void walk_strings(struct walk *walk, uint64_t vector) {
    for (uint64_t text; vector != 0 && (text = load64(vector)) != 0 && walk->count >= 0; vector += 8)
        emit(walk, text, mv_guard_string((const char *)text, ARG_STRING_LIMIT), MV_HOW_STRING);
}

uint64_t mv_walk_address(uint64_t address, uint64_t size) {
    uint32_t start; // the family, and the first bytes behind it

    if (size < sizeof start || mv_guard_load32((const void *)address, &start))
        return size;
    switch ((uint16_t)start) {
    case 1: // AF_UNIX: an abstract name begins with a zero, and may hold more
        return start >> 16 & 0xff ? 2 + mv_guard_string((const char *)address + 2, (uint32_t)size - 2) : size;
    case 2: // AF_INET
        return lesser(size, 8);
    default:
        return size;
    }
}

static void walk_in(struct walk *walk, const struct mv_call_row *row, const struct mv_call_arg *arg,
                    uint64_t value) {
    uint64_t count = arg->length_arg == MV_NO_ARG ? 0 : count_at(row, walk->args, arg->length_arg);

    switch (arg->kind) {
    case MV_ARG_PATH:
    case MV_ARG_STR:
        if (value)
            emit(walk, value, mv_guard_string((const char *)value, arg->limit ? arg->limit : PATH_LIMIT),
                 MV_HOW_BYTES);
        break;
    case MV_ARG_STRV:
        walk_strings(walk, value);
        break;
    case MV_ARG_IN:
    case MV_ARG_INOUT:
        count = arg->length_arg == MV_NO_ARG ? arg->unit : units_to_bytes(arg, count);
        emit(walk, value, mv_struct_is_address(arg->structure) ? mv_walk_address(value, count) : count,
             MV_HOW_BYTES);
        break;
    case MV_ARG_FDSET:
        emit(walk, value, (lesser(count, MAX_RW_COUNT) + 63) / 64 * 8, MV_HOW_BYTES);
        break;
    case MV_ARG_IOVIN:
        mv_walk_iovec(walk, value, count, UINT64_MAX);
        break;
    case MV_ARG_MSGIN:
        mv_walk_message_in(walk, value);
        break;
    case MV_ARG_MMSGIN:
        for (uint64_t i = 0; value && i < count && i < IOV_MAX && walk->count >= 0; i++) {
            walk->index = (uint16_t)i;
            mv_walk_message_in(walk, mv_walk_message_at(value, i));
        }
        walk->index = 0;
        break;
    case MV_ARG_MSGOUT:
        mv_walk_message_lengths(walk, value);
        break;
    case MV_ARG_MMSGOUT:
        for (uint64_t i = 0; value && i < count && i < IOV_MAX && walk->count >= 0; i++) {
            walk->index = (uint16_t)i;
            mv_walk_message_lengths(walk, mv_walk_message_at(value, i));
        }
        walk->index = 0;
        break;
    case MV_ARG_EPOLLEVENT:
        if ((int32_t)walk->args[arg->length_arg] != EPOLL_CTL_DEL)
            emit(walk, value, arg->unit, MV_HOW_BYTES);
        break;
    case MV_ARG_SIGSETARG:
        if (value)
            emit(walk, load64(value), lesser(load64(value + 8), 8), MV_HOW_BYTES);
        break;
    default:
        break;
    }
}

// How many units the result says were written to an `out` argument.
static uint64_t units_returned(const struct mv_call_row *row, const struct walk *walk,
                               const struct mv_call_arg *arg) {
    return lesser(walk->result < 0 ? 0 : (uint64_t)walk->result, count_at(row, walk->args, arg->length_arg));
}

static void walk_out(struct walk *walk, const struct mv_call_row *row, const struct mv_call_arg *arg,
                     uint64_t value) {
    uint64_t length;

    if (value == 0 || !happened(arg->when, walk->result))
        return;
    walk->lax = arg->when == MV_WHEN_LAX ? MV_HOW_LAX : 0;
    switch (arg->kind) {
    case MV_ARG_OUT:
        length =
            arg->length_arg == MV_NO_ARG ? arg->unit : units_to_bytes(arg, units_returned(row, walk, arg));
        emit(walk, value, length, MV_HOW_BYTES);
        break;
    case MV_ARG_OUTALL:
        emit(walk, value, units_to_bytes(arg, count_at(row, walk->args, arg->length_arg)), MV_HOW_BYTES);
        break;
    case MV_ARG_OUTLEN:
        length = load32(walk->args[arg->length_arg]);
        if (walk->direction == DIRECTION_OUT && walk->entry)
            length = lesser(length, walk->entry->length);
        emit(walk, value, length, MV_HOW_BYTES);
        break;
    case MV_ARG_INOUT:
        length = arg->length_arg == MV_NO_ARG
                     ? arg->unit
                     : units_to_bytes(arg, count_at(row, walk->args, arg->length_arg));
        emit(walk, value, length, MV_HOW_BYTES);
        break;
    case MV_ARG_FDSET:
        // An interrupted select leaves the sets as they were.
        if (walk->result >= 0)
            emit(walk, value,
                 (lesser(count_at(row, walk->args, arg->length_arg), MAX_RW_COUNT) + 63) / 64 * 8,
                 MV_HOW_BYTES);
        break;
    case MV_ARG_IOVOUT:
        mv_walk_iovec(walk, value, count_at(row, walk->args, arg->length_arg), (uint64_t)walk->result);
        break;
    case MV_ARG_MSGOUT:
        mv_walk_message_out(walk, value, (uint64_t)walk->result);
        break;
    case MV_ARG_MMSGIN:
    case MV_ARG_MMSGOUT:
        mv_walk_messages_out(walk, value, units_returned(row, walk, arg), arg->kind == MV_ARG_MMSGOUT);
        break;
    default:
        break;
    }
    walk->lax = 0;
}

static int walk_call(struct walk *walk, const struct mv_call_row *row, uint32_t arguments) {
    for (; arguments != 0 && walk->count >= 0; arguments &= arguments - 1) {
        int i = __builtin_ctz(arguments);
        struct mv_call_arg storage;
        const struct mv_call_arg *arg = mv_call_arg_of(row, walk->args, i, &storage);

        if (!arg)
            return MV_SEGMENTS_UNDESCRIBED;
        walk->arg = (uint8_t)i;
        if (walk->direction == DIRECTION_IN)
            walk_in(walk, row, arg, walk->args[i]);
        else
            walk_out(walk, row, arg, walk->args[i]);
    }
    return walk->count;
}

void mv_call_capture(const struct mv_call_row *row, const uint64_t args[6], struct mv_call_entry *entry) {
    *entry = (struct mv_call_entry){0};
    for (int i = 0; i < row->argc; i++) {
        if (row->args[i].kind == MV_ARG_OUTLEN && args[i] != 0) {
            entry->length = load32(args[row->args[i].length_arg]);
        } else if (row->args[i].kind == MV_ARG_MSGOUT) {
            mv_walk_message_capture(args[i], entry);
        }
    }
}

static inline int single_segment(const struct mv_call_row *row, const uint64_t args[6], long result,
                                 struct mv_segment *segment) {
    uint8_t index = MV_STRAIGHT_ARG(row->straight);
    uint32_t length = mv_single_length(row, args, result);

    if (length == 0)
        return 0;
    *segment = (struct mv_segment){.addr = (void *)args[index], .len = length, .arg = index};
    return 1;
}

int mv_call_in_segments(const struct mv_call_row *row, const uint64_t args[6], struct mv_segment *segments,
                        int max) {
    uint32_t arguments = MV_CALL_IN_ARGS(row->flags);

    if (arguments == 0)
        return 0;
    if (max > 0 && (row->straight & MV_STRAIGHT_IN) && mv_is_single(row, args))
        return single_segment(row, args, 0, segments);

    struct walk walk = {.args = args, .segments = segments, .max = max, .direction = DIRECTION_IN};

    return walk_call(&walk, row, arguments);
}

int mv_call_out_segments(const struct mv_call_row *row, const uint64_t args[6], long result,
                         const struct mv_call_entry *entry, struct mv_segment *segments, int max) {
    uint32_t arguments = MV_CALL_OUT_ARGS(row->flags);

    if (arguments == 0)
        return 0;
    if (max > 0 && (row->straight & MV_STRAIGHT_OUT) && mv_is_single(row, args))
        return single_segment(row, args, result, segments);

    struct walk walk = {.args = args,
                        .result = result,
                        .entry = entry,
                        .segments = segments,
                        .max = max,
                        .direction = DIRECTION_OUT};

    return walk_call(&walk, row, arguments);
}

int mv_call_out_targets(const struct mv_call_row *row, const uint64_t args[6], long result,
                        struct mv_segment *segments, int max) {
    struct walk walk = {
        .args = args, .result = result, .segments = segments, .max = max, .direction = DIRECTION_TARGET};

    return walk_call(&walk, row, MV_CALL_OUT_ARGS(row->flags));
}
