#include "calls/segments.h"

#include "calls/guard.h"

#define EINTR         4
#define EFAULT        14
#define EPOLL_CTL_DEL 2
// The kernel transfers no more than this in one call (include/linux/fs.h).
#define MAX_RW_COUNT     0x7ffff000UL
#define IOV_MAX          1024
#define PATH_LIMIT       4096
#define ARG_STRING_LIMIT 131072 // MAX_ARG_STRLEN
#define SOCKADDR_LIMIT   128    // sizeof(struct sockaddr_storage)

// Offsets in struct msghdr and mmsghdr.
#define MSG_NAME       0
#define MSG_NAMELEN    8
#define MSG_IOV        16
#define MSG_IOVLEN     24
#define MSG_CONTROL    32
#define MSG_CONTROLLEN 40
#define MSG_FLAGS      48
#define MMSG_LEN       56
#define MMSG_SIZE      64

enum direction { DIRECTION_IN, DIRECTION_OUT, DIRECTION_TARGET };

struct walk {
    const uint64_t *args;
    long result;
    const struct mv_call_entry *entry;
    struct mv_segment *segments;
    int max;
    int count; // or an error, which then stays
    enum direction direction;
    uint8_t arg;
    uint8_t lax;
    uint16_t index;
};

static void emit(struct walk *walk, uint64_t addr, uint64_t length, enum mv_how how) {
    if (addr == 0 || length == 0 || walk->count < 0)
        return;
    if (walk->count == walk->max) {
        walk->count = MV_SEGMENTS_TOO_MANY;
        return;
    }
    walk->segments[walk->count++] = (struct mv_segment){
        .addr = (void *)addr,
        .len = (uint32_t)(length < MAX_RW_COUNT ? length : MAX_RW_COUNT),
        .arg = walk->arg,
        .how = (uint8_t)(how | walk->lax),
        .index = walk->index,
    };
}

static uint64_t load64(uint64_t addr) {
    uint64_t value;

    mv_guard_load64((const void *)addr, &value);
    return value;
}

static uint32_t load32(uint64_t addr) {
    uint32_t value;

    mv_guard_load32((const void *)addr, &value);
    return value;
}

static uint64_t lesser(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

// An argument read as a count, the way the kernel reads its type: a negative int is none.
static uint64_t count_at(const struct mv_call_row *row, const struct walk *walk, uint8_t index) {
    uint64_t value = walk->args[index];

    if (row->args[index].kind == MV_ARG_INT)
        return (int32_t)value < 0 ? 0 : (uint32_t)value;
    return row->args[index].kind < MV_ARG_FIRST_64BIT ? (uint32_t)value : value;
}

static uint64_t units_to_bytes(const struct mv_call_arg *arg, uint64_t units) {
    uint64_t bytes = lesser(units, MAX_RW_COUNT) * arg->unit;

    return arg->limit ? lesser(bytes, arg->limit) : bytes;
}

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

// `budget` bytes spread over an iovec array; UINT64_MAX: all of it.
static void walk_iovec(struct walk *walk, uint64_t iov, uint64_t count, uint64_t budget) {
    budget = lesser(budget, MAX_RW_COUNT);
    for (uint64_t i = 0; i < count && i < IOV_MAX && budget > 0 && walk->count >= 0; i++) {
        uint64_t length = lesser(load64(iov + 16 * i + 8), budget);

        emit(walk, load64(iov + 16 * i), length, MV_HOW_DATA);
        budget -= length;
    }
}

static void walk_strings(struct walk *walk, uint64_t vector) {
    for (uint64_t text; vector != 0 && (text = load64(vector)) != 0 && walk->count >= 0; vector += 8)
        emit(walk, text, mv_guard_string((const char *)text, ARG_STRING_LIMIT), MV_HOW_STRING);
}

static void walk_message_in(struct walk *walk, uint64_t message) {
    if (message == 0)
        return;
    emit(walk, load64(message + MSG_NAME), lesser(load32(message + MSG_NAMELEN), SOCKADDR_LIMIT),
         MV_HOW_NAME);
    walk_iovec(walk, load64(message + MSG_IOV), load64(message + MSG_IOVLEN), UINT64_MAX);
    emit(walk, load64(message + MSG_CONTROL), load64(message + MSG_CONTROLLEN), MV_HOW_CONTROL);
}

// The lengths that recvmsg is given and overwrites.
static void walk_message_lengths(struct walk *walk, uint64_t message) {
    if (message == 0)
        return;
    emit(walk, message + MSG_NAMELEN, 4, MV_HOW_NAMELEN);
    emit(walk, message + MSG_CONTROLLEN, 8, MV_HOW_CONTROLLEN);
}

// What recvmsg wrote. The kernel reports a name longer than its room in full, so room, not report, bounds the
// name.
static void walk_message_out(struct walk *walk, uint64_t message, uint64_t data) {
    uint64_t namelen, controllen;

    if (message == 0)
        return;
    namelen = load32(message + MSG_NAMELEN);
    controllen = load64(message + MSG_CONTROLLEN);
    if (walk->direction == DIRECTION_OUT && walk->entry) {
        namelen = lesser(namelen, walk->entry->length);
        controllen = lesser(controllen, walk->entry->controllen);
    }
    emit(walk, message + MSG_NAMELEN, 4, MV_HOW_NAMELEN);
    emit(walk, message + MSG_CONTROLLEN, 8, MV_HOW_CONTROLLEN);
    emit(walk, message + MSG_FLAGS, 4, MV_HOW_FLAGS);
    emit(walk, load64(message + MSG_NAME), lesser(namelen, SOCKADDR_LIMIT), MV_HOW_NAME);
    emit(walk, load64(message + MSG_CONTROL), controllen, MV_HOW_CONTROL);
    walk_iovec(walk, load64(message + MSG_IOV), load64(message + MSG_IOVLEN), data);
}

static void walk_messages_out(struct walk *walk, uint64_t vector, uint64_t count, int received) {
    // One entry can't hold the lengths of many messages; SOCKADDR_LIMIT bounds their names then.
    walk->entry = 0;
    for (uint64_t i = 0; i < count && walk->count >= 0; i++) {
        uint64_t message = vector + MMSG_SIZE * i;

        walk->index = (uint16_t)i;
        emit(walk, message + MMSG_LEN, 4, MV_HOW_MSGLEN);
        if (received)
            walk_message_out(walk, message,
                             walk->direction == DIRECTION_TARGET ? UINT64_MAX : load32(message + MMSG_LEN));
    }
    walk->index = 0;
}

static void walk_in(struct walk *walk, const struct mv_call_row *row, const struct mv_call_arg *arg,
                    uint64_t value) {
    uint64_t count = arg->length_arg == MV_NO_ARG ? 0 : count_at(row, walk, arg->length_arg);

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
        emit(walk, value, arg->length_arg == MV_NO_ARG ? arg->unit : units_to_bytes(arg, count),
             MV_HOW_BYTES);
        break;
    case MV_ARG_FDSET:
        emit(walk, value, (lesser(count, MAX_RW_COUNT) + 63) / 64 * 8, MV_HOW_BYTES);
        break;
    case MV_ARG_IOVIN:
        walk_iovec(walk, value, count, UINT64_MAX);
        break;
    case MV_ARG_MSGIN:
        walk_message_in(walk, value);
        break;
    case MV_ARG_MMSGIN:
        for (uint64_t i = 0; value && i < count && i < IOV_MAX && walk->count >= 0; i++) {
            walk->index = (uint16_t)i;
            walk_message_in(walk, value + MMSG_SIZE * i);
        }
        walk->index = 0;
        break;
    case MV_ARG_MSGOUT:
        walk_message_lengths(walk, value);
        break;
    case MV_ARG_MMSGOUT:
        for (uint64_t i = 0; value && i < count && i < IOV_MAX && walk->count >= 0; i++) {
            walk->index = (uint16_t)i;
            walk_message_lengths(walk, value + MMSG_SIZE * i);
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
    return lesser(walk->result < 0 ? 0 : (uint64_t)walk->result, count_at(row, walk, arg->length_arg));
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
        emit(walk, value, units_to_bytes(arg, count_at(row, walk, arg->length_arg)), MV_HOW_BYTES);
        break;
    case MV_ARG_OUTLEN:
        length = load32(walk->args[arg->length_arg]);
        if (walk->direction == DIRECTION_OUT && walk->entry)
            length = lesser(length, walk->entry->length);
        emit(walk, value, length, MV_HOW_BYTES);
        break;
    case MV_ARG_INOUT:
        length = arg->length_arg == MV_NO_ARG ? arg->unit
                                              : units_to_bytes(arg, count_at(row, walk, arg->length_arg));
        emit(walk, value, length, MV_HOW_BYTES);
        break;
    case MV_ARG_FDSET:
        // An interrupted select leaves the sets as they were.
        if (walk->result >= 0)
            emit(walk, value, (lesser(count_at(row, walk, arg->length_arg), MAX_RW_COUNT) + 63) / 64 * 8,
                 MV_HOW_BYTES);
        break;
    case MV_ARG_IOVOUT:
        walk_iovec(walk, value, count_at(row, walk, arg->length_arg), (uint64_t)walk->result);
        break;
    case MV_ARG_MSGOUT:
        walk_message_out(walk, value, (uint64_t)walk->result);
        break;
    case MV_ARG_MMSGIN:
    case MV_ARG_MMSGOUT:
        walk_messages_out(walk, value, units_returned(row, walk, arg), arg->kind == MV_ARG_MMSGOUT);
        break;
    default:
        break;
    }
    walk->lax = 0;
}

static int walk_call(struct walk *walk, const struct mv_call_row *row) {
    for (int i = 0; i < row->argc && walk->count >= 0; i++) {
        struct mv_call_arg storage;
        const struct mv_call_arg *arg;

        if (row->args[i].kind < MV_ARG_FIRST_MEMORY)
            continue;
        arg = mv_call_arg_of(row, walk->args, i, &storage);
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
            uint64_t controllen = load64(args[i] + MSG_CONTROLLEN);

            entry->length = load32(args[i] + MSG_NAMELEN);
            entry->controllen = (uint32_t)lesser(controllen, MAX_RW_COUNT);
        }
    }
}

int mv_call_in_segments(const struct mv_call_row *row, const uint64_t args[6], struct mv_segment *segments,
                        int max) {
    struct walk walk = {.args = args, .segments = segments, .max = max, .direction = DIRECTION_IN};

    return row->flags & MV_CALL_IN ? walk_call(&walk, row) : 0;
}

int mv_call_out_segments(const struct mv_call_row *row, const uint64_t args[6], long result,
                         const struct mv_call_entry *entry, struct mv_segment *segments, int max) {
    struct walk walk = {.args = args,
                        .result = result,
                        .entry = entry,
                        .segments = segments,
                        .max = max,
                        .direction = DIRECTION_OUT};

    return row->flags & MV_CALL_OUT ? walk_call(&walk, row) : 0;
}

int mv_call_out_targets(const struct mv_call_row *row, const uint64_t args[6], long result,
                        struct mv_segment *segments, int max) {
    struct walk walk = {
        .args = args, .result = result, .segments = segments, .max = max, .direction = DIRECTION_TARGET};

    return row->flags & MV_CALL_OUT ? walk_call(&walk, row) : 0;
}
