/* The update: a copy of the leader that becomes another version (docs/architecture.md).
 *
 * The copy is made as any follower is (roles/attach.c), but at an update point, and before it replays it does
 * what the coordinator tells it to: memory for the new image, calls of the program's own functions, the jump
 * into the new code. What is loaded and converted, and how, is the coordinator's matter (src/Mvedsua.Update).
 */
#ifndef MV_UPDATE_H
#define MV_UPDATE_H

#include "../calls/table.h"
#include "../state.h"

/* point.c, leader or solo: the present request waits for an update point, MV_INTENT_NONE: any; it does no
 * longer; a call is about to be made. */
void mv_point_want(uint32_t call);
void mv_point_cancel(void);
void mv_point_at_call(struct mv_thread *self, const struct mv_frame *frame);

/* tasks.c, the copy */
_Noreturn void mv_update_begin(struct mv_thread *self);
enum mv_action mv_update_call(struct mv_thread *self, struct mv_frame *frame, const struct mv_call_row *row,
                              const uint64_t args[6]);
_Noreturn void mv_update_refuses(uint32_t call);

#endif
