/* Writing displaced instructions and trampolines. */
#ifndef MVEDSUA_REWRITE_EMIT_H
#define MVEDSUA_REWRITE_EMIT_H

#include "decode.h"

#include <stddef.h>
#include <stdint.h>

/* An instruction boundary of the original window and the place in the trampoline that stands for it. */
struct mv_step {
    uint8_t original;   /* bytes from the start of the window */
    uint8_t trampoline; /* bytes from the start of the trampoline */
};

enum { MV_STEPS = 12, MV_TRAMPOLINE_MAX = 192 };

/* Written where it will run: relative operands are computed from `at`. */
struct mv_emit {
    uintptr_t start, at, limit;
    struct mv_step steps[MV_STEPS];
    uint8_t step_count;
};

/*
 * Writes the trampoline for the window [start, end) of whole instructions. Each `syscall` in it becomes a
 * jump through `slot`. Returns 0, or -1 when an instruction can't be moved there; out->at is then
 * meaningless.
 */
int mv_emit_window(struct mv_emit *out, uintptr_t start, uintptr_t end, uintptr_t slot);

/* The same for the entry of a function: displaced instructions and a jump to `end`; no `syscall` may be in
 * it. */
int mv_emit_prologue(struct mv_emit *out, uintptr_t start, uintptr_t end);

/* endbr64; jmp *slot(%rip) */
int mv_emit_jump_through(struct mv_emit *out, uintptr_t slot);

/* The bytes that replace a window: `jmp rel32` (5 bytes) to `to`, int3 up to the end. 0 or -1 (out of reach).
 */
int mv_encode_patch(uint8_t *bytes, uintptr_t at, size_t size, uintptr_t to);

#endif
