// The one segment of a straight call (MV_STRAIGHT_SINGLE): the commonest calls (read, write, epoll_wait,
// epoll_ctl; recvfrom and sendto without an address) without the general walk over a row's arguments
// (segments.h), with the same outcome.
#ifndef MVEDSUA_CALLS_SINGLE_H
#define MVEDSUA_CALLS_SINGLE_H

#include "calls/table.h"

// The kernel transfers no more than this in one call (include/linux/fs.h).
#define MAX_RW_COUNT  0x7ffff000UL
#define EPOLL_CTL_DEL 2

static inline uint64_t lesser(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

// An argument read as a count, the way the kernel reads its type: a negative int is none.
static inline uint64_t count_at(const struct mv_call_row *row, const uint64_t args[6], uint8_t index) {
    uint64_t value = args[index];

    if (row->args[index].kind == MV_ARG_INT)
        return (int32_t)value < 0 ? 0 : (uint32_t)value;
    return row->args[index].kind < MV_ARG_FIRST_64BIT ? (uint32_t)value : value;
}

static inline uint64_t units_to_bytes(const struct mv_call_arg *arg, uint64_t units) {
    uint64_t bytes = lesser(units, MAX_RW_COUNT) * arg->unit;

    return arg->limit ? lesser(bytes, arg->limit) : bytes;
}

// Has this very call no other segment? (A null pointer is none.)
static inline int mv_is_single(const struct mv_call_row *row, const uint64_t args[6]) {
    uint32_t memory = MV_CALL_IN_ARGS(row->flags) | MV_CALL_OUT_ARGS(row->flags);

    if (row->straight & (MV_STRAIGHT_IN | MV_STRAIGHT_OUT))
        memory &= ~(1u << MV_STRAIGHT_ARG(row->straight));
    for (; memory != 0; memory &= memory - 1)
        if (args[__builtin_ctz(memory)] != 0)
            return 0;
    return (row->straight & MV_STRAIGHT_SINGLE) != 0;
}

// Its length in bytes, 0: there is none. `row` has MV_STRAIGHT_IN (then `result` does not count) or
// MV_STRAIGHT_OUT.
static inline uint32_t mv_single_length(const struct mv_call_row *row, const uint64_t args[6], long result) {
    uint8_t index = MV_STRAIGHT_ARG(row->straight);
    const struct mv_call_arg *arg = &row->args[index];
    int out = row->straight & MV_STRAIGHT_OUT;

    if (args[index] == 0 || (out && result < 0))
        return 0;
    if (arg->kind == MV_ARG_EPOLLEVENT)
        return (int32_t)args[arg->length_arg] == EPOLL_CTL_DEL ? 0 : arg->unit;
    if (arg->length_arg == MV_NO_ARG)
        return arg->unit;

    uint64_t units = count_at(row, args, arg->length_arg);

    return (uint32_t)lesser(units_to_bytes(arg, out ? lesser((uint64_t)result, units) : units), MAX_RW_COUNT);
}

#endif
