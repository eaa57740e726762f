/* Straight calls with one piece of memory at most in the leader: what a server does most (single.h), past the
 * table-driven walk of arguments. The records are the very ones of the general way, so the follower knows no
 * difference. */
#include "../calls/single.h"
#include "../calls/guard.h"
#include "../calls/table.h"
#include "../sys.h"
#include "record.h"
#include "roles.h"

#include <mvedsua/payload.h>

#define SINGLE_MAX (1u << 20) /* larger ones take the general way */

static void fill(void *payload, uint8_t argument, const void *bytes, uint32_t length) {
    struct mv_payload_segment *segment = payload;
    uint8_t *to = (uint8_t *)(segment + 1);
    *segment = (struct mv_payload_segment){.length = length, .arg = argument};
    *(uint64_t *)(to + ((length - 1) & ~7u)) = 0; /* the padding; the copy overwrites the rest */
    uint64_t bad = mv_guard_copy(to, bytes, length);
    for (uint64_t i = length - bad; i < length; i++)
        to[i] = 0; /* memory that the kernel could not read either */
}

/* After the call. 0: not here, nothing was done. */
int mv_leader_publish_single(struct mv_thread *self, const struct mv_call_row *row, const uint64_t args[6],
                             long result, uint64_t site) {
    uint8_t straight = row->straight, argument = MV_STRAIGHT_ARG(straight);
    uint32_t length = straight & (MV_STRAIGHT_IN | MV_STRAIGHT_OUT) ? mv_single_length(row, args, result) : 0;
    if (length > SINGLE_MAX || !mv_is_single(row, args))
        return 0;
    uint32_t size = length ? (uint32_t)MV_PAYLOAD_SPAN(length) : 0;
    int out = straight & MV_STRAIGHT_OUT;
    struct mv_event *event = mv_leader_room(self, out ? 0 : size, out ? size : 0);
    if (!event)
        return 1;
    if (length)
        fill(event + 1, argument, (const void *)args[argument], length);
    mv_leader_complete(self, event, self->call, args, result, site, 0);
    return 1;
}
