/* Order between threads: per object, through the interposed pthread functions (a "wall of clocks").
 *
 * Each acquisition of a lock in the leader takes the next value of the lock's clock, under the lock, and
 * publishes it in the thread's own log. A follower's thread waits until that clock of its own wall stands at
 * this value; then it takes the real lock, which its predecessor has given or is about to give back. Releases
 * are no events. Locks share clocks by hash; that only orders more than is needed.
 *
 * Allocators are left out: what their threads do depends on time and memory, differs between versions, and
 * shows in no output. Their locks, clocks and waits are each process's own. */
#ifndef MV_ORDER_H
#define MV_ORDER_H

#include "../state.h"

/* Is `address` (of a caller) in an allocator's code? */
int mv_in_allocator(uint64_t address);
void mv_allocators_find(void);

/* Set once the program has made a second thread: before, locks are no events. The thread that makes it is the
 * only one, so leader and follower agree on when. */
extern uint32_t mv_threads_exist __attribute__((visibility("hidden")));

/* Leader: after an acquisition, with the lock held, inside a hook. */
void mv_order_publish(struct mv_thread *self, enum mv_order_kind kind, uint64_t object, long result);

/* Follower: waits for this thread's turn; the leader's result, or MV_ORDER_PROMOTED when the leader is dead
 * and the operation is to be made for real. After the real lock is taken: mv_order_taken. */
#define MV_ORDER_PROMOTED (-1000000L)
long mv_order_turn(struct mv_thread *self, enum mv_order_kind kind, uint64_t object);
void mv_order_taken(struct mv_thread *self);

/* Follower: did the leader die before it published the acquisition with this value of the clock? (lost.c) */
int mv_turn_is_lost(uint32_t clock, uint32_t value);
/* Follower: is this futex call the sleep of a condition wait that began in another role? It fails then, as if
 * its time were over. */
int mv_order_leaves_condition(struct mv_thread *self, const struct mv_frame *frame);

void mv_order_find(void); /* the real pthread functions; in the constructor */

/* A new wall, for leader and follower alike, when a follower is made. */
void mv_order_start(void);

#endif
