/* Inside the settlement (settle.c, outcomes.c, names.c, states.c): what one call's outcome is decided from.
 */
#ifndef MV_SETTLE_H
#define MV_SETTLE_H

#include "../thread.h"

/* Before the call, in the leader: what the calls of names and of states are compared with later. */
void mv_names_note(uint32_t call, const uint64_t args[6], uint64_t noted[4]);
void mv_states_note(uint32_t call, const uint64_t args[6], uint64_t noted[4]);

/* In the promoted process, as its thread reaches the call: 1: it was made, *result is its outcome. 0: make
 * it. */
int mv_names_settled(uint32_t call, const uint64_t args[6], const uint64_t noted[4], long *result);
int mv_states_settled(struct mv_thread *self, struct mv_frame *frame, const uint64_t noted[4], long *result);

/* Bytes that were moved: as it is promoted, and as it reaches the call. */
int mv_bytes_consumed_by(uint32_t call);
struct mv_settled mv_bytes_settled(const struct mv_log_header *header);
int mv_bytes_outcome(struct mv_thread *self, const struct mv_settled *settled, struct mv_frame *frame,
                     long *result);
void mv_bytes_leave(struct mv_thread *area, struct mv_settled *settled, const struct mv_intent *intent);
long mv_register_again(const struct mv_frame *frame);
void mv_settle_say(uint32_t call, const char *what);
long mv_in_doubt(const struct mv_settled *settled, const char *why);

/* What a call received, from the dead leader's memory; in a mapping of its own. */
struct mv_received {
    uint64_t size; /* of `data` */
    uint64_t controllen;
    uint32_t namelen, flags;
    uint8_t name[128];
    uint8_t control[1024];
    uint8_t data[];
};
struct mv_received *mv_gather(const struct mv_message_header *message, const uint64_t *flat, uint64_t size);
int mv_scatter(struct mv_received *received, const struct mv_thread *self, const struct mv_frame *frame);
int mv_scatter_message(struct mv_received *received, struct mv_message_header *program);
void *mv_room(uint64_t size); /* a mapping, or NULL */

/* What a descriptor or a name means: never 0, and not the same again for another file under the same inode
 * number. 0: nothing. */
uint64_t mv_identity(int64_t directory, uint64_t path, uint32_t flags, uint32_t *mode);
uint64_t mv_identity_of(int64_t fd);

#endif
