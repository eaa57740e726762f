/* Which instructions make room for the jump. */
#ifndef MVEDSUA_REWRITE_WINDOW_H
#define MVEDSUA_REWRITE_WINDOW_H

#include "emit.h"
#include "scan.h"

struct mv_window {
    uintptr_t start, end;
    uintptr_t pad; /* != 0: the window is the bare `syscall`, with a short jump to 5 bytes of padding there */
};

enum { MV_JUMP = 5 };

/*
 * Chooses the cheapest window for `site` that doesn't begin below `low`, and writes its trampoline at
 * out->start (out->at is its end). Returns 0, or -1: no window, nothing written that counts.
 */
int mv_window_choose(struct mv_scan *scan, const struct mv_site *site, uintptr_t low, uintptr_t slot,
                     struct mv_emit *out, struct mv_window *window);

/* The smallest run of whole instructions from `entry` that holds the jump, none of them a branch target; 0:
 * none. */
uintptr_t mv_window_prologue(const struct mv_scan *scan, uintptr_t entry);

#endif
