/* Calls that natively return only when all of their bytes have moved, cut short. */
#ifndef MV_REST_H
#define MV_REST_H

#include "../thread.h"

#define MV_NO_REST (-1) /* (0 is read) */

/* Does a call with these flags (MSG_*) wait for its bytes' room, or for more bytes? */
int mv_rest_is_waited_for(int fd, uint64_t flags);

/* The call with which the rest of a stream's bytes is moved; MV_NO_REST: there is none. */
int mv_rest_moves_by(int fd, int inwards);

/* While the rest of a call is made: on the program's stack, below its red zone, so that it is the program's
 * own in every role, in a copy of the process and under a signal's handler. */
struct mv_rest {
    uint64_t cont, site;            /* of the program's call */
    uint64_t own_cont;              /* of the calls that the rest is made with: it leads to mv_rest_done */
    uint64_t rsi, rdx, r10, r8, r9; /* of the program's call */
    uint64_t moved;                 /* of its bytes */
    uint64_t made;                  /* how many there are with the call that is being made */
    uint64_t call;                  /* with which the rest is made, */
    uint64_t vector, count;         /* also that of the buffers behind the first */
    uint64_t reserved;
};

/* The kick's handler writes it below the program's stack, on which the kernel has put the signal's frame:
 * below the red zone of a call on the fast path, which takes 152 bytes there (entry.S). */
_Static_assert(sizeof(struct mv_rest) <= 152, "a signal frame is not to be overwritten");

/* Is this the site (mv_frame.site) of a call for a rest? */
int mv_rest_is_at(uint64_t site);

/* The frame's call has moved so many bytes. Has it a rest? Then the frame becomes that of the call for it,
 * with its number in rax; what leads from there to the program gives it the result of both. 0: it has none.
 */
int mv_rest_begin(struct mv_frame *frame, uint32_t call, long moved);

/* The same behind a slow call, if a kick may have cut it short; the rest is made at its exit. Returns the
 * flag with which its record tells that; 0: there is no rest. Not only in a leader: also where nothing is
 * recorded. */
uint16_t mv_rest_after_call(struct mv_thread *self, struct mv_frame *frame);

/* Behind a call whose record has such a flag. */
void mv_rest_in_follower(struct mv_thread *self, struct mv_frame *frame, uint16_t flags);

#endif
