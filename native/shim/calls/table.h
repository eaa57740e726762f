// The system-call table: what every call does with its arguments, as data.
//
// The rows come from table/calls.tbl (its header defines every word) through table/generate.awk, which writes
// calls_table.h; table.c compiles that once. Everything here is read-only and safe from any thread.
#ifndef MVEDSUA_CALLS_TABLE_H
#define MVEDSUA_CALLS_TABLE_H

#include <stdint.h>

enum mv_call_class {
    MV_CLASS_NONE, // a number without a row
    MV_CLASS_LOCAL,
    MV_CLASS_REPLAYED,
    MV_CLASS_BOTH,
    MV_CLASS_REFUSED,
};

enum mv_call_flag {
    MV_CALL_SPECIAL = 1 << 0,
    MV_CALL_HANDLER = 1 << 1,
    MV_CALL_NOFOLLOW = 1 << 2,
    MV_CALL_BLOCKING = 1 << 3,
    MV_CALL_RESTART = 1 << 4,
    MV_CALL_CONSUME = 1 << 5,
    MV_CALL_EMIT = 1 << 6,
    MV_CALL_OPENSFD = 1 << 7,
    MV_CALL_CLOSESFD = 1 << 8,
    MV_CALL_TIME = 1 << 9,
    // The rest follows from the argument kinds.
    MV_CALL_IN = 1 << 10,    // has memory that goes out with the call
    MV_CALL_OUT = 1 << 11,   // has memory that comes back
    MV_CALL_INOUT = 1 << 12, // overwrites memory that goes out: take in-segments before the call
    MV_CALL_CAPTURE =
        1 << 13, // overwrites a length that bounds an out-segment: mv_call_capture before the call
    MV_CALL_COMMAND = 1 << 14, // an argument is described by a command table
    // Bits 16 to 21 and 24 to 29: which arguments are memory that goes out, and that comes back.
};

#define MV_CALL_IN_ARGS(flags)    ((flags) >> 16 & 0x3f)
#define MV_CALL_OUT_ARGS(flags)   ((flags) >> 24 & 0x3f)
#define MV_CALL_INOUT_ARGS(flags) ((flags) >> 16 & (flags) >> 24 & 0x3f)

enum mv_call_result {
    MV_RESULT_ZERO,
    MV_RESULT_INT,
    MV_RESULT_UINT,
    MV_RESULT_LONG,
    MV_RESULT_HEX,
    MV_RESULT_BYTES,
    MV_RESULT_COUNT,
    MV_RESULT_FD,
    MV_RESULT_PID,
    MV_RESULT_TID,
    MV_RESULT_PTR,
    MV_RESULT_NORETURN,
};

enum mv_arg_kind {
    MV_ARG_NONE,
    MV_ARG_INT, // 32-bit scalars from here
    MV_ARG_UINT,
    MV_ARG_MODE,
    MV_ARG_FD,
    MV_ARG_DIRFD,
    MV_ARG_PID,
    MV_ARG_TID,
    MV_ARG_UID,
    MV_ARG_GID,
    MV_ARG_SIGNAL,
    MV_ARG_CLOCK,
    MV_ARG_ENUM,
    MV_ARG_FLAGS,
    MV_ARG_LONG, // 64-bit scalars from here
    MV_ARG_ULONG,
    MV_ARG_OFF,
    MV_ARG_HEX,
    MV_ARG_PTR,  // never compared
    MV_ARG_PATH, // memory from here
    MV_ARG_STR,
    MV_ARG_STRV,
    MV_ARG_IN,
    MV_ARG_OUT,    // fixed size, or `result` units of at most the length argument
    MV_ARG_OUTALL, // as many units as the length argument says
    MV_ARG_OUTLEN, // as many as the pointer in the length argument says
    MV_ARG_INOUT,
    MV_ARG_IOVIN,
    MV_ARG_IOVOUT,
    MV_ARG_MSGIN,
    MV_ARG_MSGOUT,
    MV_ARG_MMSGIN,
    MV_ARG_MMSGOUT,
    MV_ARG_FDSET,
    MV_ARG_SIGSETARG,
    MV_ARG_EPOLLEVENT,
    MV_ARG_IOCTLARG,
    MV_ARG_FCNTLARG,
    MV_ARG_PRCTLARG,
};

#define MV_ARG_FIRST_64BIT  MV_ARG_LONG
#define MV_ARG_FIRST_MEMORY MV_ARG_PATH

// The outcomes on which out and inout memory is written.
enum mv_arg_when {
    MV_WHEN_SUCCESS,  // result >= 0
    MV_WHEN_POSITIVE, // result > 0
    MV_WHEN_EINTR,    // result == -EINTR
    MV_WHEN_TRIED,    // result >= 0 or -EINTR
    MV_WHEN_ALWAYS,   // anything but -EFAULT
    MV_WHEN_LAX,      // as MV_WHEN_TRIED, and the kernel ignores memory that can't be written
};

// How a call is settled that the leader was making as it died (table/settle.tbl).
enum mv_way {
    MV_WAY_NONE,
    MV_WAY_AGAIN, // no intent up to here
    MV_WAY_REPEATED,
    MV_WAY_BYTES,
    MV_WAY_ACCEPTED,
    MV_WAY_OPENED,
    MV_WAY_MADE,
    MV_WAY_FORKED,
    MV_WAY_WAITED,
    MV_WAY_CLOSED,
    MV_WAY_REGISTERED,
    MV_WAY_NAMED,
    MV_WAY_BOUND,
    MV_WAY_CONNECTED,
    MV_WAY_SHUT,
    MV_WAY_MOVED,
    MV_WAY_TOLD,
};

#define MV_NO_ARG 0xff

struct mv_call_arg {
    uint8_t kind; // enum mv_arg_kind
    uint8_t
        length_arg; // index of the argument that holds length, count, command or open flags; MV_NO_ARG: none
    uint8_t when;   // enum mv_arg_when
    uint8_t structure; // index into mv_structs; 0: plain bytes
    uint16_t unit;     // bytes of one unit; without length_arg: of the whole
    uint16_t limit;    // never more than this many bytes; 0: no limit
};
_Static_assert(sizeof(struct mv_call_arg) == 8, "compact row");

// Whether a leader has nothing to add to a call but its record, and an intent; and whether the record has one
// segment at most (single.h).
enum mv_straight {
    MV_STRAIGHT_NOT = 0,
    MV_STRAIGHT = 1 << 0,
    MV_STRAIGHT_INTENDED = 1 << 1,
    MV_STRAIGHT_SINGLE = 1 << 2, // if its other pointers are null: no payload, or one of the next two
    MV_STRAIGHT_IN = 1 << 3,     // one argument goes out
    MV_STRAIGHT_OUT = 1 << 4,    // one comes back
    // Bits 5 to 7: which.
};
#define MV_STRAIGHT_ARG(straight) ((uint8_t)((straight) >> 5))

struct mv_call_row {
    const char *name;
    uint32_t flags;   // enum mv_call_flag
    uint8_t cls;      // enum mv_call_class
    uint8_t result;   // enum mv_call_result
    uint8_t argc;     // 0 to 6
    uint8_t straight; // bits of enum mv_straight
    struct mv_call_arg args[6];
};
_Static_assert(sizeof(struct mv_call_row) == 64, "one cache line a row");

// One command of ioctl, fcntl or prctl.
struct mv_command_row {
    const char *name;
    uint32_t value;
    uint32_t flags;
    uint8_t cls;
    uint8_t result;
    uint16_t reserved;
    struct mv_call_arg arg;
};

struct mv_struct_row {
    const char *name;
    uint16_t size;
    uint8_t opaque_count; // 0 to 2 parts that are carried but never compared
    uint8_t opaque_offset[2];
    uint8_t opaque_length[2];
};

// The row of a call, or a null pointer when the table has none (refuse it by name: "number N").
const struct mv_call_row *mv_call_find(uint64_t number);

// How this call is settled (MV_WAY_NONE when it has no effect outside the process).
enum mv_way mv_call_way(uint64_t number);

// 1 when the solo fast path may not run this number unseen: special, refused, or without a row.
int mv_call_is_special(uint64_t number);

// The row of a command (`kind`: MV_ARG_IOCTLARG, MV_ARG_FCNTLARG or MV_ARG_PRCTLARG), or a null pointer.
const struct mv_command_row *mv_command_find(uint8_t kind, uint32_t value);

// Is it an address of a socket, of which the kernel may not look at all bytes?
int mv_struct_is_address(uint8_t index);

// A structure by the index that a row holds (0 is "plain bytes", of size 1).
const struct mv_struct_row *mv_struct_at(uint8_t index);

// The row of the command that decides about this very call, or a null pointer: not a command call, or an
// unlisted command.
const struct mv_command_row *mv_call_command_of(const struct mv_call_row *row, const uint64_t args[6]);

// Class and flags of this very call: the row's, or, where a command decides, the command's class and both
// their flags. MV_CLASS_NONE: nothing is known about this command, refuse it by name when there is a
// follower. (mv_command_class_of: for a row with MV_CALL_COMMAND.)
uint8_t mv_command_class_of(const struct mv_call_row *row, const uint64_t args[6]);
static inline uint8_t mv_call_class_of(const struct mv_call_row *row, const uint64_t args[6]) {
    return row->flags & MV_CALL_COMMAND ? mv_command_class_of(row, args) : row->cls;
}
static inline uint32_t mv_call_flags_of(const struct mv_call_row *row, const uint64_t args[6]) {
    const struct mv_command_row *command =
        row->flags & MV_CALL_COMMAND ? mv_call_command_of(row, args) : (const struct mv_command_row *)0;

    return row->flags | (command ? command->flags : 0);
}

// What an argument is for this very call: the row's own description, or, where a command decides, the
// command's. An ioctl that is in no table is described from the direction and size in its number; `storage`
// holds that description. A null pointer: nothing is known about this command.
const struct mv_call_arg *mv_call_arg_of(const struct mv_call_row *row, const uint64_t args[6], int index,
                                         struct mv_call_arg *storage);

// The index of the first scalar argument in which two runs of a call differ, or -1.
// Pointers are not compared; 32-bit kinds by their low half, as the kernel reads them.
int mv_call_compare_scalars(const struct mv_call_row *row, const uint64_t a[6], const uint64_t b[6]);

#endif
