/* Calls through the kernel's asynchronous interface; see ring.c. */
#ifndef MV_RING_H
#define MV_RING_H

#include <mvedsua/shared.h>

struct mv_thread;

/* Leader, its threads parked: room for the rings. Without it (no memory) no call goes that way. */
void mv_ring_start(void);
/* In a copy of the process, which has none of the original's rings. */
void mv_ring_forget(void);
int mv_ring_is(uint64_t address);

/* Leader: this thread's ring (made at its first use), and in it the place of the next outcome. 0: no ring. */
int mv_ring_next(const struct mv_thread *self, uint64_t *ring, uint64_t *place);
/* read, write, readv or writev with these arguments. *place: as above; kept right when the call has to be
 * made again. 0: not made, *result undefined. */
int mv_ring_call(struct mv_thread *self, uint32_t call, const uint64_t args[6], uint64_t *place,
                 long *result);

/* Promoted: the outcome of the dead leader's call, as it stands in its ring; -1: it was not made. */
int64_t mv_ring_tells(uint64_t ring, uint64_t place, uint64_t sequence);

#endif
