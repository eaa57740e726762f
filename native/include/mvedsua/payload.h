// How the memory of a system call's arguments stands in a record of the event log.
//
// A payload (in or out) is a sequence of segments in the order of the segment walker
// (native/shim/calls/segments.h): by argument, then by position within it. Each is this header, then `length`
// bytes, then zeros up to a multiple of 8. The payload's own size stands in the record. Written by the leader
// before the record is published, never changed after.
#ifndef MVEDSUA_PAYLOAD_H
#define MVEDSUA_PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

struct mv_payload_segment {
    uint32_t length;   // bytes that follow, without the padding
    uint8_t arg;       // index of the argument, 0 to 5
    uint8_t how;       // enum mv_how of segments.h: what the bytes are within the argument
    uint16_t reserved; // which message of sendmmsg/recvmmsg; else 0
};
_Static_assert(sizeof(struct mv_payload_segment) == 8, "segment header");
_Static_assert(offsetof(struct mv_payload_segment, length) == 0, "segment header");
_Static_assert(offsetof(struct mv_payload_segment, arg) == 4, "segment header");
_Static_assert(offsetof(struct mv_payload_segment, how) == 5, "segment header");
_Static_assert(offsetof(struct mv_payload_segment, reserved) == 6, "segment header");

// Bytes of one segment with header and padding.
#define MV_PAYLOAD_SPAN(length) (sizeof(struct mv_payload_segment) + (((uint64_t)(length) + 7) & ~7ULL))

#endif
