/* Is the follower's call its leader's event? Scalars by their kinds, memory by its bytes, pointers not at
 * all. */
#include "compare.h"
#include "../calls/payload.h"
#include "../update/update.h"

#include <asm/unistd.h>

void mv_compare_begin(struct mv_comparison *with, const struct mv_call_row *row, const uint64_t args[6]) {
    with->count = 0;
    if (row->flags & (MV_CALL_IN | MV_CALL_COMMAND))
        with->count = mv_call_in_segments(row, args, with->segments, MV_SEGMENTS_MAX);
    if (with->count < 0)
        with->count = 0;
}

enum mv_difference mv_compare(struct mv_comparison *with, const struct mv_call_row *row,
                              const uint64_t args[6], const struct mv_event *event) {
    uint32_t call = (uint32_t)(row - mv_call_find(0));
    enum mv_difference kind = MV_DIFFERS_NOT;
    mv_compare_begin(with, row, args);
    with->position = 0;
    with->result = (long)event->result;
    if (event->call != call)
        return event->call == __NR_exit_group || event->call == __NR_exit ? MV_DIFFERS_END : MV_DIFFERS_CALL;
    int scalar = mv_call_compare_scalars(row, args, event->args);
    int limit = mv_self->arrived ? mv_limit_argument(call) : -1;
    if (scalar >= 0 && scalar == limit) /* computed from the time, which goes on */
        scalar = -1;
    struct mv_payload_difference difference;
    if (!(event->flags & MV_EVENT_RESTART) && (event->in_size || with->count) &&
        !mv_payload_compare(row, args, event + 1, event->in_size, with->segments, with->count, &difference) &&
        (difference.mismatch == MV_PAYLOAD_BROKEN || difference.arg != limit)) {
        if (difference.mismatch == MV_PAYLOAD_BROKEN)
            mv_follower_end(MV_REASON_CORRUPT, 0, "a payload in the event log is malformed");
        kind = difference.mismatch == MV_PAYLOAD_BYTES ? MV_DIFFERS_BYTES : MV_DIFFERS_LENGTH;
        with->position = difference.offset;
    } else if (scalar >= 0) {
        with->position = (uint32_t)scalar;
        return MV_DIFFERS_ARGUMENT;
    }
    long own = kind == MV_DIFFERS_NOT ? -1 : mv_mask_equal(event, with->segments, with->count);
    if (own < 0)
        return kind;
    with->result = own;
    return MV_DIFFERS_NOT;
}
