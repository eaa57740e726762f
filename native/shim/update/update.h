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

/* point.c, leader or solo: the present request waits for an update point (control.request_call); it does no
 * longer; a call is about to be made; it is to be tried again, because of this. */
void mv_point_want(uint32_t call);
void mv_point_cancel(void);
/* point.c, a copy: none of it is its own; was it made at a system call? */
void mv_point_forget(void);
int mv_point_is_call(void);
void mv_point_at_call(struct mv_thread *self, const struct mv_frame *frame);
void mv_point_again(const struct mv_text *why);

/* waits.c: does this call wait for the world? Which of its arguments is the time limit (-1: none)? */
int mv_waits_for_world(uint32_t call, const uint64_t args[6]);
int mv_limit_argument(uint32_t call);

/* rest.c: is that call of the thread's a wait, for the world, a condition, a semaphore or a child? */
int mv_rests_at(const struct mv_thread *area, uint32_t call, const uint64_t args[6]);

/* rest.c, leader or solo, while all others are parked: do they all stand in a wait, and where they can begin
 * anew, if they are to? */
int mv_threads_rest(const struct mv_thread *self, int begin_anew, struct mv_text *why);
int mv_keeps_frames(const struct mv_thread *area); /* does its control block lead into frames? */

/* begin.c: the real functions; begins this thread's start routine anew, on its stack, as if for the first
 * time */
void mv_begin_find(void);
_Noreturn void mv_begin_anew(struct mv_thread *self);

/* tasks.c, the copy */
_Noreturn void mv_update_begin(struct mv_thread *self);
enum mv_action mv_update_call(struct mv_thread *self, struct mv_frame *frame, const struct mv_call_row *row,
                              const uint64_t args[6]);
_Noreturn void mv_update_refuses(uint32_t call);

/* arrival.c, the copy: it is on its way to another version; its other threads wait here until the new version
 * runs; it begins to run, by the main thread, whose task is answered when all threads have come; a thread
 * that is on its way: is this the call to which it was to come? The condition or semaphore? It has come;
 * another call, another reading of a clock
 */
void mv_arrival_expect(void);
void mv_arrival_await(struct mv_thread *self);
void mv_arrival_begin(struct mv_thread *self, void (*whole)(void));
int mv_arrives(const struct mv_thread *self, const uint64_t args[6]);
int mv_arrives_at(const struct mv_thread *self, const void *semaphore); /* NULL: at a condition */
void mv_arrive(struct mv_thread *self);
enum mv_action mv_arriving_call(struct mv_thread *self, struct mv_frame *frame, const struct mv_call_row *row,
                                const uint64_t args[6]);
long mv_arriving_clock(struct mv_thread *self, uint32_t call, uint64_t a, uint64_t b, uint64_t c);

#endif
