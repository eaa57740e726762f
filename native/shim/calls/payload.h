// Segments to payload and back: publishing, comparing and replaying a call's memory.
//
// All functions reach the program's memory through guard.h; none allocates. A payload that comes from the
// event log is not trusted: sizes are checked, and a malformed one is an error, never a stray access.
#ifndef MVEDSUA_CALLS_PAYLOAD_H
#define MVEDSUA_CALLS_PAYLOAD_H

#include <mvedsua/payload.h>

#include "calls/segments.h"

#define MV_PAYLOAD_MALFORMED (-22) // -EINVAL: a header that does not fit its payload
#define MV_PAYLOAD_NO_ROOM   (-28) // -ENOSPC: a segment for which the program has no memory, or too little
#define MV_PAYLOAD_FAULT     (-14) // -EFAULT: the program's memory can't be written

// Bytes that mv_payload_write will write.
uint64_t mv_payload_size(const struct mv_segment *segments, int count);

// Writes `count` segments at `to` (8-byte aligned, mv_payload_size bytes). Bytes that can't be read become
// zeros. Returns the number of bytes written.
uint64_t mv_payload_write(void *to, const struct mv_segment *segments, int count);

// Whether the byte at `offset` of (an array of) this structure is carried but never compared.
int mv_struct_is_opaque(const struct mv_struct_row *structure, uint32_t offset);

enum mv_payload_mismatch {
    MV_PAYLOAD_EQUAL,
    MV_PAYLOAD_BYTES,   // the byte at `offset` differs
    MV_PAYLOAD_LENGTH,  // one is longer; equal up to `offset`
    MV_PAYLOAD_MISSING, // the leader has a segment here that the follower lacks
    MV_PAYLOAD_SURPLUS, // the follower has one that the leader lacks
    MV_PAYLOAD_BROKEN,  // the payload is malformed
};

struct mv_payload_difference {
    uint8_t mismatch; // enum mv_payload_mismatch
    uint8_t arg;      // the argument in question
    uint8_t how;
    uint8_t reserved;
    uint32_t segment; // which of the follower's, from 0
    uint32_t offset;  // within the argument's memory
};

// Compares a follower's in-segments with the leader's in-payload; opaque parts of structures are skipped, and
// pieces of one argument (an iovec's) are one memory.
// Returns 1 when they are equal, else 0 with `difference` filled in.
int mv_payload_compare(const struct mv_call_row *row, const uint64_t args[6], const void *payload,
                       uint64_t size, const struct mv_segment *segments, int count,
                       struct mv_payload_difference *difference);

// Copies an out-payload to a follower's mv_call_out_targets. Returns 0 or an error above; after an error part
// of the memory may have been written.
int mv_payload_fill(const void *payload, uint64_t size, const struct mv_segment *targets, int count);

#endif
