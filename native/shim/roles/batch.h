/* Batches of messages; see batch.c. */
#ifndef MV_BATCH_H
#define MV_BATCH_H

#include "../thread.h"

struct mv_batch;

/* Leader: makes the call. 0: it was not made. */
int mv_batch_call(struct mv_thread *self, struct mv_frame *frame);

/* Promoted: the messages that the dead leader's call sent or received; *count is their number, -2 when that
 * can't be told. NULL: none, or no memory. */
struct mv_batch *mv_batch_gather(const struct mv_log_header *header, int64_t *count);
/* They are this thread's. 1: all of them have a place. Frees it. */
int mv_batch_give(struct mv_batch *batch, const struct mv_frame *frame, int received);

#endif
