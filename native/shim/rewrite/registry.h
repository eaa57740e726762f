/*
 * What has been rewritten: a list of immutable segments, newest first. Written under the rewriter's lock,
 * published by one release store, read without a lock (also in signal handlers).
 */
#ifndef MVEDSUA_REWRITE_REGISTRY_H
#define MVEDSUA_REWRITE_REGISTRY_H

#include "emit.h"
#include "rewrite.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct mv_patch {
    uintptr_t window;
    uintptr_t trampoline;
    uintptr_t jump_to; /* where the window jumps instead of to the trampoline; 0: there */
    uint8_t window_size, trampoline_size, step_count;
    _Atomic uint8_t dead; /* its code has been unmapped */
    struct mv_step steps[MV_STEPS];
};

/* Padding that holds the long jump for a site with room for a short one only. */
struct mv_pad {
    uintptr_t at, site;
};

/* One scan of one mapping. `patches` are sorted by window and by trampoline, `left` is sorted. */
struct mv_segment {
    struct mv_segment *next;
    uintptr_t start, end;
    uintptr_t pool, pool_end;
    struct mv_patch *patches;
    struct mv_pad *pads;
    uintptr_t *left; /* places with the bytes 0f 05 that stay as they are */
    uint32_t patch_count, pad_count, left_count;
    _Atomic uint32_t dead;
    struct mv_rewrite_counts counts;
    char name[64];
};

/* Memory for a segment with room for so many of each; NULL when there is none. */
struct mv_segment *mv_segment_alloc(uint32_t patches, uint32_t left);
void mv_segment_publish(struct mv_segment *segment);
struct mv_segment *mv_segment_first(void);

/* Whether `at` is in a rewritten window or among the places left. */
int mv_registry_knows(uintptr_t at);

void mv_counts_add(struct mv_rewrite_counts *to, const struct mv_rewrite_counts *counts);

#endif
