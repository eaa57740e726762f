/* Where in a range of code the `syscall`s are, where instructions start, and where branches lead. */
#ifndef MVEDSUA_REWRITE_SCAN_H
#define MVEDSUA_REWRITE_SCAN_H

#include "elf.h"

#include <stddef.h>
#include <stdint.h>

enum mv_site_kind {
    MV_SITE_DATA,     /* no instruction starts at these two bytes */
    MV_SITE_CODE,     /* a `syscall` to rewrite */
    MV_SITE_RESTORER, /* the signal restorer, left alone on purpose */
    MV_SITE_UNSURE,   /* may be executed, but not certain enough to change it */
};

struct mv_site {
    uintptr_t at;
    uintptr_t low, high; /* the function, or what is known of it, that a window may not leave */
    uintptr_t pad_high;  /* end of what may be padding behind the function */
    uint8_t kind;
};

struct mv_scan {
    uintptr_t start, end;
    struct mv_object object; /* object.base 0: not part of an ELF image */
    struct mv_frames frames;
    uint64_t *boundary; /* a bit per byte: an instruction starts here; only near sites */
    uint64_t *target;   /* a bit per byte: control may come here from elsewhere; complete only near sites */
    uint64_t *near;     /* a bit per 64 bytes: a site is so near that targets matter. Keeps the maps cold. */
    struct mv_site *sites;
    uint32_t site_count;
    uintptr_t decoded;   /* everything that was needed below has been decoded */
    int decoded_stopped; /* the last instruction before `decoded` doesn't fall through */
    uintptr_t scratch;
    size_t scratch_size;
};

/* Whether a 0f 05 at `at` is one that an earlier scan has dealt with. */
typedef int mv_known_site(uintptr_t at, void *context);

/* Instead of the address of an ELF header: */
#define MV_BASE_UNKNOWN ((uintptr_t)0) /* look for one below the code */
#define MV_BASE_NONE    UINTPTR_MAX    /* the code belongs to no ELF image */

/*
 * Scans [start, end), readable memory of the image with its header at `base`. Sites that `known` accepts are
 * left out. Without any site nothing is allocated. Returns a status of rewrite.h. mv_scan_close frees it.
 */
int mv_scan_open(struct mv_scan *scan, uintptr_t start, uintptr_t end, uintptr_t base, mv_known_site *known,
                 void *context);
void mv_scan_close(struct mv_scan *scan);

/* As mv_scan_open, but prepares the maps for code without sites too (vDSO entries): decodes everything. */
int mv_scan_open_whole(struct mv_scan *scan, uintptr_t start, uintptr_t end, const struct mv_object *object);

static inline int mv_scan_has(const struct mv_scan *scan, const uint64_t *map, uintptr_t at) {
    size_t bit = at - scan->start;
    return at >= scan->start && at < scan->end && (map[bit / 64] >> (bit % 64) & 1) != 0;
}

static inline void mv_scan_mark(struct mv_scan *scan, uint64_t *map, uintptr_t at) {
    size_t bit = at - scan->start;
    if (at >= scan->start && at < scan->end)
        map[bit / 64] |= (uint64_t)1 << (bit % 64);
}

#endif
