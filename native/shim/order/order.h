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
#include "../sys.h"

/* Is `address` (of a caller) in an allocator's code? */
extern uint32_t mv_allocator_ranges __attribute__((visibility("hidden")));
int mv_in_allocator_range(uint64_t address);
static inline int mv_in_allocator(uint64_t address) {
    return __builtin_expect(mv_allocator_ranges != 0, 0) && mv_in_allocator_range(address);
}
void mv_allocators_find(void);
void mv_arenas_limit(void);
int mv_arenas_ask(const struct mv_frame *frame); /* of an openat: it has to fail, in leader and follower */

/* Set once the program has made a second thread: before, locks are no events. The thread that makes it is the
 * only one, so leader and follower agree on when. */
extern uint32_t mv_threads_exist __attribute__((visibility("hidden")));

/* Leader: after an acquisition, with the lock held, inside a hook. */
void mv_order_publish(struct mv_thread *self, enum mv_order_kind kind, uint64_t object, long result);

void mv_barrier_told(const struct mv_thread *self, uint64_t at, long told); /* barrier.c */

/* Follower: waits for this thread's turn; the leader's result, or MV_ORDER_PROMOTED when the leader is dead
 * and the operation is to be made for real. After the real lock is taken: mv_order_taken;
 * 0: the turn counts no more, this process was copied meanwhile as a leader. */
#define MV_ORDER_PROMOTED (-1000000L)
long mv_order_turn(struct mv_thread *self, enum mv_order_kind kind, uint64_t object);
int mv_order_taken(struct mv_thread *self);

/* Follower: did the leader die before it published the acquisition with this value of the clock? (lost.c) */
int mv_turn_is_lost(uint32_t clock, uint32_t value);
/* condition.c: a futex call within a wait for a condition (or, of a thread that is to begin anew, a
 * semaphore); how many threads stand apart from libc's waiters.
 */
int mv_condition_leaves(struct mv_thread *self, const struct mv_frame *frame);
void mv_condition_forget(struct mv_thread *self);
void mv_conditions_after_fork(void);
void mv_barriers_after_fork(void);
extern uint32_t mv_conditions_apart __attribute__((visibility("hidden")));

void mv_robust_end(const struct mv_thread *self); /* robust.c: as a thread ends */

void mv_order_find(void); /* the real pthread functions; in the constructor */

/* A new wall, for leader and follower alike, when a follower is made. `running`: the logs go on, for tracers.
 * `followed`: beside others, whose wall goes on. */
void mv_order_start(int running, int followed);

/* What a call does to the order of descriptors (mv_thread.order). */
enum {
    MV_ORDER_EMITS = 1,
    MV_ORDER_CONSUMES = 2,
    MV_ORDER_BOTH = 3,
    MV_ORDER_NOTED =
        4, /* emits, and what it did is noted by the follower, where a later call's note may replace it */
    MV_ORDER_UNTOLD =
        8, /* libc makes it with a lock of its own held, which nobody orders: its record has no words */
};
int mv_order_is_noted(const struct mv_event *event);

/* descriptors.c, leader, once threads exist: before a call is made; a number was returned by it. */
void mv_order_enter(struct mv_thread *self, const struct mv_frame *frame);
uint64_t mv_order_complete(struct mv_thread *self, uint32_t call, const uint64_t args[6], long result,
                           uint64_t *words);
void mv_order_connects(uint64_t fd); /* also before threads exist */
void mv_order_descriptors_start(int followed);
void mv_order_exists(int fd);

/* objects.c */
void mv_order_objects_find(void);
int mv_order_objects_differ(uint64_t object, uint64_t other);
#define MV_ORDER_NAMED (1ull << 63) /* an object that is no place in memory, but a name's hash */

/* progress.c */
void mv_order_progress_start(int running);
void mv_order_join(void);
void mv_order_thread_ended(uint32_t slot, uint64_t events);
void mv_order_emit(struct mv_thread *self, int noted);
uint64_t mv_order_news(struct mv_thread *self, uint64_t *words);
uint64_t mv_order_leave(struct mv_thread *self, uint32_t order, uint64_t *words);
void mv_order_arrive(struct mv_thread *self);
void mv_order_part(const struct mv_thread *self);
void mv_order_note(struct mv_thread *self, const struct mv_event *event);
void mv_order_await(const struct mv_event *event);

uint64_t mv_order_word_of(const struct mv_thread *area,
                          uint64_t sequence); /* this event of a leader's thread */

/* moment.c, leader. Where a thread is: */
enum mv_where {
    MV_IN_PROGRAM = 0,
    MV_IN_EVENT = 1,
    MV_IN_HOOK = 2, /* an event that is no call: calls within it belong to it */
    MV_IN_WAIT = 3, /* of its own, for another thread: no event */
};
void mv_moment_start(void);
int mv_moment_is_due(struct mv_thread *self, uint32_t clock, uint64_t second);
int mv_moment_goes_on(struct mv_thread *self);
void mv_moment_begin(struct mv_thread *self);
void mv_moment_end(struct mv_thread *self);
void mv_moment_enter(struct mv_thread *self, enum mv_where from);
int mv_moment_leave(struct mv_thread *self);
void mv_moment_makes_thread(struct mv_thread *self);
int mv_moment_is_anothers(const struct mv_thread *self);
uint64_t mv_moment_words(const struct mv_thread *self, uint64_t *words);

/* This thread has come to an event. */
static inline void mv_order_come(struct mv_thread *self, enum mv_where where) {
    if (__builtin_expect(self->moment != 0, 0))
        mv_moment_end(self);
    __atomic_store_n(&self->in_event, where, __ATOMIC_RELEASE);
}

/* A follower's thread that waits for another spins first, and then sleeps until it is woken: both are often
 * on one processor. A sleep ends by itself after 200 us: a promotion wakes nobody. After so many of them what
 * a dead leader has lost is looked for. (Not by sched_yield: where others want the processor, each gives it
 * away for a whole slice, and the follower never catches up.) */
#define MV_ORDER_SPINS  40u
#define MV_ORDER_SLEEPS 40u
#define MV_ORDER_LONG   (MV_ORDER_SPINS + MV_ORDER_SLEEPS)

void mv_order_sleep(uint32_t *word, uint32_t value, uint32_t bits);
void mv_order_wake(uint32_t *word, uint32_t bits);

/* A short wait for what wakes nobody. */
static inline void mv_order_pause(uint32_t spins) {
    if (spins < 200) {
        __builtin_ia32_pause();
    } else {
        const int64_t nap[2] = {0, spins < 300 ? 20000 : 200000};
        mv_sys2(__NR_nanosleep, (long)nap, 0);
    }
}

#endif
