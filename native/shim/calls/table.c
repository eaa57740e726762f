#include "calls/table.h"

#include "calls_table.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

// _IOC_DIR and _IOC_SIZE of an ioctl number (include/uapi/asm-generic/ioctl.h).
#define IOC_DIRECTION(request) ((request) >> 30)
#define IOC_SIZE(request)      (((request) >> 16) & 0x3fff)

const struct mv_call_row *mv_call_find(uint64_t number) {
    if (number >= MV_CALL_COUNT || mv_calls[number].name == 0)
        return 0;
    return &mv_calls[number];
}

int mv_call_is_special(uint64_t number) {
    return number >= LENGTH(mv_solo_special) || mv_solo_special[number];
}

enum mv_way mv_call_way(uint64_t number) {
    return number < LENGTH(mv_ways) ? (enum mv_way)mv_ways[number] : MV_WAY_NONE;
}

const struct mv_struct_row *mv_struct_at(uint8_t index) {
    return &mv_structs[index < MV_STRUCT_COUNT ? index : 0];
}

int mv_struct_is_address(uint8_t index) {
    return index == MV_STRUCT_ADDRESS;
}

const struct mv_command_row *mv_command_find(uint8_t kind, uint32_t value) {
    const struct mv_command_row *rows = kind == MV_ARG_IOCTLARG   ? mv_ioctls
                                        : kind == MV_ARG_FCNTLARG ? mv_fcntls
                                                                  : mv_prctls;
    uint32_t count = kind == MV_ARG_IOCTLARG   ? LENGTH(mv_ioctls)
                     : kind == MV_ARG_FCNTLARG ? LENGTH(mv_fcntls)
                                               : LENGTH(mv_prctls);

    for (uint32_t i = 0; i < count; i++)
        if (rows[i].value == value)
            return &rows[i];
    return 0;
}

const struct mv_call_arg *mv_call_arg_of(const struct mv_call_row *row, const uint64_t args[6], int index,
                                         struct mv_call_arg *storage) {
    const struct mv_call_arg *arg = &row->args[index];
    const struct mv_command_row *command;
    uint32_t value;

    if (arg->kind < MV_ARG_IOCTLARG)
        return arg;
    value = (uint32_t)args[arg->length_arg];
    command = mv_command_find(arg->kind, value);
    if (command)
        return &command->arg;
    if (arg->kind != MV_ARG_IOCTLARG || IOC_DIRECTION(value) == 0 || IOC_SIZE(value) == 0)
        return 0;
    // _IOC_WRITE (1): the program writes, the kernel reads; _IOC_READ (2): the other way round.
    *storage = (struct mv_call_arg){
        .kind = IOC_DIRECTION(value) == 1   ? MV_ARG_IN
                : IOC_DIRECTION(value) == 2 ? MV_ARG_OUT
                                            : MV_ARG_INOUT,
        .length_arg = MV_NO_ARG,
        .unit = (uint16_t)IOC_SIZE(value),
    };
    return storage;
}

// The index of the argument that a command decides about, or -1. It is the last one of ioctl and fcntl, and
// the second one of prctl.
static int command_index(const struct mv_call_row *row) {
    for (int i = row->flags & MV_CALL_COMMAND ? row->argc - 1 : -1; i >= 0; i--)
        if (row->args[i].kind >= MV_ARG_IOCTLARG)
            return i;
    return -1;
}

const struct mv_command_row *mv_call_command_of(const struct mv_call_row *row, const uint64_t args[6]) {
    int index = command_index(row);

    return index < 0 ? 0
                     : mv_command_find(row->args[index].kind, (uint32_t)args[row->args[index].length_arg]);
}

uint8_t mv_command_class_of(const struct mv_call_row *row, const uint64_t args[6]) {
    const struct mv_command_row *command = mv_call_command_of(row, args);
    int index = command_index(row);
    struct mv_call_arg storage;

    if (command)
        return command->cls;
    return index >= 0 && !mv_call_arg_of(row, args, index, &storage) ? MV_CLASS_NONE : row->cls;
}

// A mode counts only when the open creates something: O_CREAT or O_TMPFILE.
static int mode_counts(const struct mv_call_arg *arg, const uint64_t args[6]) {
    return arg->length_arg == MV_NO_ARG || (args[arg->length_arg] & (0100 | 020000000)) != 0;
}

int mv_call_compare_scalars(const struct mv_call_row *row, const uint64_t a[6], const uint64_t b[6]) {
    for (int i = 0; i < row->argc; i++) {
        struct mv_call_arg storage;
        const struct mv_call_arg *arg;

        if (a[i] == b[i])
            continue;
        arg = mv_call_arg_of(row, a, i, &storage);
        if (!arg || arg->kind == MV_ARG_NONE || arg->kind >= MV_ARG_PTR)
            continue;
        if (arg->kind < MV_ARG_FIRST_64BIT && (uint32_t)a[i] == (uint32_t)b[i])
            continue;
        if (arg->kind == MV_ARG_MODE && !mode_counts(arg, a))
            continue;
        return i;
    }
    return -1;
}
