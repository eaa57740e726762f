// Which bytes a system call takes from the program's memory and which it gives back, computed from its row.
//
// LEADER, around a call:
//   1. row->flags & MV_CALL_CAPTURE: mv_call_capture before the call (the kernel overwrites lengths that
//   bound outputs).
//   2. row->flags & MV_CALL_INOUT: mv_call_in_segments and the copy of their bytes before the call (it
//   overwrites them).
//      Otherwise after it: the pointers of a call that succeeded were good, and the bytes are still there.
//   3. After the call: mv_call_out_segments.
// FOLLOWER: mv_call_in_segments with its own arguments, compared with the leader's; then mv_call_out_targets,
// where the leader's out-bytes go (payload.h does both).
//
// A write that wrote less than asked for has its whole buffer as in-segments: the follower compares the
// request. Lengths are the ones the program declared. Every access to the program's memory goes through
// guard.h, so a bad pointer never faults in the shim; a segment may still lie in bad memory: copy it with
// mv_guard_copy. No state, no allocation, async-signal-safe.
#ifndef MVEDSUA_CALLS_SEGMENTS_H
#define MVEDSUA_CALLS_SEGMENTS_H

#include "calls/table.h"

// What a segment is within its argument. In the low seven bits of `how`.
enum mv_how {
    MV_HOW_BYTES,      // the argument's own memory
    MV_HOW_STRING,     // one string of an argument vector
    MV_HOW_DATA,       // what an iovec points at
    MV_HOW_NAME,       // msg_name
    MV_HOW_CONTROL,    // msg_control
    MV_HOW_NAMELEN,    // the field msg_namelen, 4 bytes
    MV_HOW_CONTROLLEN, // the field msg_controllen, 8 bytes
    MV_HOW_FLAGS,      // the field msg_flags, 4 bytes
    MV_HOW_MSGLEN,     // the field msg_len of an mmsghdr, 4 bytes
};
#define MV_HOW_MASK 0x7f
#define MV_HOW_LAX  0x80 // the kernel ignores it when these bytes can't be written; so must the follower

struct mv_segment {
    void *addr;
    uint32_t len; // > 0
    uint8_t arg;  // index of the argument
    uint8_t how;
    uint16_t index; // which mmsghdr; else 0
};

// Lengths from before a call that the kernel overwrites. Valid only after mv_call_capture.
struct mv_call_entry {
    uint32_t length;     // *addrlen, *optlen, or msg_namelen
    uint32_t controllen; // msg_controllen
};

#define MV_SEGMENTS_TOO_MANY    (-7)  // -E2BIG: more than `max` segments
#define MV_SEGMENTS_UNDESCRIBED (-95) // -EOPNOTSUPP: a command that no table knows

// Reads what MV_CALL_CAPTURE rows need. To be called before the call; harmless for other rows.
void mv_call_capture(const struct mv_call_row *row, const uint64_t args[6], struct mv_call_entry *entry);

// The bytes that go out. Returns their number of segments (0 or more) or one of the errors above.
int mv_call_in_segments(const struct mv_call_row *row, const uint64_t args[6], struct mv_segment *segments,
                        int max);

// The bytes that came back, after the call, in the process that ran it. `entry` may be null for rows without
// MV_CALL_CAPTURE. The whole of what a failed call wrote is covered too (MV_WHEN_*).
int mv_call_out_segments(const struct mv_call_row *row, const uint64_t args[6], long result,
                         const struct mv_call_entry *entry, struct mv_segment *segments, int max);

// The room for the bytes that come back, in a process that did not run the call: the same segments in the
// same order, each at least as long as the one that mv_call_out_segments yields in the process that did.
int mv_call_out_targets(const struct mv_call_row *row, const uint64_t args[6], long result,
                        struct mv_segment *segments, int max);

#endif
