// Prints the compiled table, one line per row, for the test that C and C# read the same.
#include <stdio.h>

#include "calls/table.h"

#include "calls_table.h"

static void print_arg(const struct mv_call_arg *arg) {
    printf(" %u,%d,%u,%s,%u,%u", arg->kind, arg->length_arg == MV_NO_ARG ? -1 : arg->length_arg, arg->when,
           mv_struct_at(arg->structure)->name, arg->unit, arg->limit);
}

static void print_commands(const char *table, const struct mv_command_row *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        printf("%s %u %s %u %u %u", table, rows[i].value, rows[i].name, rows[i].flags, rows[i].cls,
               rows[i].result);
        print_arg(&rows[i].arg);
        printf("\n");
    }
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int main(void) {
    for (int i = 0; i < MV_STRUCT_COUNT; i++) {
        printf("struct %s %u", mv_structs[i].name, mv_structs[i].size);
        for (int j = 0; j < mv_structs[i].opaque_count; j++)
            printf(" %u+%u", mv_structs[i].opaque_offset[j], mv_structs[i].opaque_length[j]);
        printf("\n");
    }
    for (int number = 0; number < 512; number++) {
        const struct mv_call_row *row = mv_call_find((uint64_t)number);

        printf("call %d special=%d", number, mv_call_is_special((uint64_t)number));
        if (row) {
            printf(" %s %u %u %u in=%x out=%x", row->name, row->flags & 0xffff, row->cls, row->result,
                   MV_CALL_IN_ARGS(row->flags), MV_CALL_OUT_ARGS(row->flags));
            for (int i = 0; i < row->argc; i++)
                print_arg(&row->args[i]);
        }
        printf("\n");
    }
    print_commands("fcntls", mv_fcntls, COUNT(mv_fcntls));
    print_commands("ioctls", mv_ioctls, COUNT(mv_ioctls));
    print_commands("prctls", mv_prctls, COUNT(mv_prctls));
    return 0;
}
