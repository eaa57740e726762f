/* One call of the follower beside its leader's event. */
#ifndef MV_COMPARE_H
#define MV_COMPARE_H

#include "roles.h"

struct mv_comparison {
    struct mv_segment segments[MV_SEGMENTS_MAX]; /* what the follower's call sends */
    int count;
    uint32_t position; /* of the difference, as in struct mv_divergence */
    long result;       /* what the follower is told when the two are equal */
};

/* Only the segments. */
void mv_compare_begin(struct mv_comparison *with, const struct mv_call_row *row, const uint64_t args[6]);

/* MV_DIFFERS_NOT: equal, also if they differ in what masks.tbl names. */
enum mv_difference mv_compare(struct mv_comparison *with, const struct mv_call_row *row,
                              const uint64_t args[6], const struct mv_event *event);

#endif
