/* What rewrite.c and vdso.c share. */
#ifndef MVEDSUA_REWRITE_INTERNAL_H
#define MVEDSUA_REWRITE_INTERNAL_H

#include "registry.h"
#include "scan.h"

/* A range of code to be rewritten in one go. */
struct mv_range {
    uintptr_t start, end;
    uintptr_t base; /* of its ELF header, or MV_BASE_UNKNOWN, MV_BASE_NONE */
    int prot;
    unsigned flags;
    uintptr_t entry;
    const char *name; /* name_length bytes */
    size_t name_length;
};

/* Maps the pool of a segment for code in [low, high): a page of slots, then `trampolines` bytes. 0 or a
 * status. */
int mv_segment_map(struct mv_segment *segment, size_t trampolines, uintptr_t low, uintptr_t high);

/* Makes slots read-only and trampolines executable, and gives back what lies behind `used`. 0 or a status. */
int mv_segment_seal(struct mv_segment *segment, uintptr_t used);
void mv_segment_unmap(struct mv_segment *segment);

/* Writes the jumps of all patches and pads over the code. 0, or a status and nothing written. */
int mv_segment_apply(const struct mv_segment *segment, int prot);

/* Marks the windows that are rewritten already: nothing in them can be displaced again. */
void mv_scan_mark_rewritten(struct mv_scan *scan);

void mv_segment_name(struct mv_segment *segment, const char *name, size_t length);

void mv_rewrite_lock(void);
void mv_rewrite_unlock(void);

#endif
