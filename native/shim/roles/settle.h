/* Inside the settlement (settle.c, names.c, states.c): what one call's outcome is decided from. */
#ifndef MV_SETTLE_H
#define MV_SETTLE_H

#include <stdint.h>

struct mv_thread;
struct mv_frame;

/* Before the call, in the leader: what the calls of names and of states are compared with later. */
void mv_names_note(uint32_t call, const uint64_t args[6], uint64_t noted[4]);
void mv_states_note(uint32_t call, const uint64_t args[6], uint64_t noted[4]);

/* In the promoted process, as its thread reaches the call: 1: it was made, *result is its outcome. 0: make
 * it. */
int mv_names_settled(uint32_t call, const uint64_t args[6], const uint64_t noted[4], long *result);
int mv_states_settled(struct mv_thread *self, struct mv_frame *frame, const uint64_t noted[4], long *result);

/* What a descriptor or a name means: never 0, and not the same again for another file under the same inode
 * number. 0: nothing. */
uint64_t mv_identity(int64_t directory, uint64_t path, uint32_t flags, uint32_t *mode);
uint64_t mv_identity_of(int64_t fd);

#endif
