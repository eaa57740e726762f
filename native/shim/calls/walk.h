// Inside segments.c and messages.c: the state of one walk over a call's arguments.
#ifndef MVEDSUA_CALLS_WALK_H
#define MVEDSUA_CALLS_WALK_H

#include "calls/guard.h"
#include "calls/segments.h"
#include "calls/single.h"

#define IOV_MAX 1024

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

static inline void emit(struct walk *walk, uint64_t addr, uint64_t length, enum mv_how how) {
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

static inline uint64_t load64(uint64_t addr) {
    uint64_t value;

    mv_guard_load64((const void *)addr, &value);
    return value;
}

static inline uint32_t load32(uint64_t addr) {
    uint32_t value;

    mv_guard_load32((const void *)addr, &value);
    return value;
}

// Of a socket's address, the bytes that the kernel looks at. (Programs leave what their stack held behind a
// path and in sin_zero.)
uint64_t mv_walk_address(uint64_t address, uint64_t size);

// `budget` bytes spread over an iovec array; UINT64_MAX: all of it.
void mv_walk_iovec(struct walk *walk, uint64_t iov, uint64_t count, uint64_t budget);

// The bytes that sendmsg takes from one msghdr.
void mv_walk_message_in(struct walk *walk, uint64_t message);

// The lengths that recvmsg is given in one msghdr and overwrites.
void mv_walk_message_lengths(struct walk *walk, uint64_t message);

// What recvmsg wrote through one msghdr, `data` bytes of it over its iovecs.
void mv_walk_message_out(struct walk *walk, uint64_t message, uint64_t data);

// What sendmmsg (`received` 0) or recvmmsg wrote to the first `count` of an array of mmsghdr.
void mv_walk_messages_out(struct walk *walk, uint64_t vector, uint64_t count, int received);

// The lengths of a msghdr before recvmsg.
void mv_walk_message_capture(uint64_t message, struct mv_call_entry *entry);

// The message of that index in an array of mmsghdr.
uint64_t mv_walk_message_at(uint64_t vector, uint64_t index);

#endif
