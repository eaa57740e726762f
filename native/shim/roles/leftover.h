/* What a dead leader did beyond the last point that it had in common with a follower of another version
 * (leftover.c). */
#ifndef MV_LEFTOVER_H
#define MV_LEFTOVER_H

#include "../thread.h"
#include "settle.h"

/* An event of the dead leader's that stands for nothing that the follower has done yet. */
void mv_leftover_add(struct mv_thread *self, const struct mv_event *event);

/* The same of bytes that went out by a call without a record. `sent`: its own, or NULL: they can't be known.
 */
void mv_leftover_sent(struct mv_thread *of, int32_t fd, struct mv_received *sent);

/* The follower leads now. Up to its update point, its main thread's calls are looked at; another thread's up
 * to its next wait. */
void mv_leftover_begin(uint32_t point);
void mv_leftover_forget(void);

/* 1: *result is the outcome of the thread's call: the leader made it. */
int mv_leftover_outcome(struct mv_thread *self, struct mv_frame *frame, long *result);

/* 1: the promoted thread's call need not be its leader's last one; a later one may be. */
int mv_leftover_may_come(const struct mv_thread *self);
/* Is this the call up to which the thread's calls are looked at? */
int mv_leftover_ends(const struct mv_thread *self, const uint64_t args[6]);

#endif
