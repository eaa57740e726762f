/* Calls whose outcome the kernel itself leaves in memory; see witness.c. */
#ifndef MV_WITNESS_H
#define MV_WITNESS_H

#include <mvedsua/shared.h>

struct mv_thread;
struct mv_frame;

/* Leader: where this call's outcome will stand; the last thing before it is made. */
void mv_witness_announce(const struct mv_thread *self, struct mv_witness *witness, enum mv_witness_kind kind);

/* Leader: makes the call. 0: it is not one of those, nothing was done. */
int mv_witness_call(struct mv_thread *self, struct mv_frame *frame);

/* Promoted: how many bytes the intended call moved; -1: it was not made (or nothing); -2: there is no
 * witness. *message describes where they are in the dead leader's memory. */
int64_t mv_witness_tells(const struct mv_log_header *header, struct mv_message_header *message);

/* Promoted: are the counts of the intended call's connection others' doing as well? */
int mv_witness_is_shared(const struct mv_log_header *header);

#endif
