/* Fills the maps of a scan: where instructions start near its sites, and where control may come from
 * elsewhere. */
#ifndef MVEDSUA_REWRITE_FLOW_H
#define MVEDSUA_REWRITE_FLOW_H

#include "scan.h"

enum {
    /* A short branch reaches 127 bytes past its own end; a window and the instructions looked at around it
     * need some more. Everything this near to a site is decoded from the start of its function. */
    MV_NEIGHBOURHOOD = 192,
    MV_NEAR_LINE = 64,    /* bytes of code a bit of scan->near stands for */
    MV_GAP_MAX = 1 << 20, /* what lies between two functions and is larger is taken for data */
};

/* Targets in [from, to] matter from now on. */
void mv_flow_near(struct mv_scan *scan, uintptr_t from, uintptr_t to);

/* The lowest address from which decoding may start, for a function that begins before the range. */
uintptr_t mv_flow_lowest(const struct mv_scan *scan);

/* Decodes the functions that have a part in [at, limit). To be called in the order of addresses. */
void mv_flow_decode(struct mv_scan *scan, uintptr_t low, uintptr_t at, uintptr_t limit);

/* Finds code in the gaps that hold a site. Returns whether far branches and function starts are marked now.
 */
int mv_flow_gaps(struct mv_scan *scan, uintptr_t low);

/* Marks near targets of call, jmp and jcc with 4-byte displacements anywhere in the range. */
void mv_flow_far_branches(struct mv_scan *scan);

/* Marks near addresses that a lea anywhere in the range takes. */
void mv_flow_labels(struct mv_scan *scan);

/* Marks near starts of functions, from the unwind table and the dynamic symbols. */
void mv_flow_function_starts(struct mv_scan *scan);

/* Judges a site in memory that belongs to no ELF image, and marks what its window needs. */
void mv_flow_loose(struct mv_scan *scan, struct mv_site *site);

#endif
