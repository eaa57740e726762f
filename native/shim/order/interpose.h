/* What the interposed functions have in common (pthread.c, c11.c, once.c, stdio.c).
 *
 * Solo, they are libc's; in the other roles their order is published and replayed. They run on the program's
 * stack and call nothing of libc but the functions that they stand for, and their like.
 *
 * A thread may enter a wait in one role and leave it in another (a follower is made meanwhile): the role that
 * counts is the one at the return. A follower that comes back from a real acquisition gives it back and takes
 * its turn like anybody else. */
#ifndef MV_INTERPOSE_H
#define MV_INTERPOSE_H

#include "../roles/roles.h"
#include "order.h"

extern void *dlsym(void *handle, const char *name) __attribute__((weak));
#define RTLD_NEXT      ((void *)-1l)
#define EXPORT         __attribute__((visibility("default")))
#define MV_REAL(name)  (dlsym ? dlsym(RTLD_NEXT, name) : (void *)0)
#define MV_ETIMEDOUT   110
#define MV_EOWNERDEAD  130
#define MV_C11_TIMEOUT 4 /* thrd_timedout: ETIMEDOUT of mtx_* and cnd_* */

/* One kind of object: how it is taken when the turn has come, and given back. */
struct mv_object {
    int (*take)(void *);
    int (*give)(void *);
};
extern const struct mv_object mv_no_object __attribute__((visibility("hidden"))); /* nothing is taken */

void mv_pthread_find(void);
void mv_c11_find(void);
void mv_once_find(void);
void mv_stdio_find(void);
void mv_fork_find(void);
void mv_figures_find(void);

/* Does this thread's order count now? `caller`: where the interposed function returns to. */
static inline int mv_ordered(struct mv_thread *self, void *caller) {
    return self && mv_threads_exist && !self->raw_depth && !mv_in_allocator((uint64_t)caller) &&
           (mv.role == MV_ROLE_LEADER ? self->log != NULL && mv_leader_publishing() : self->replaying);
}

static inline int mv_replays(void *caller) {
    return __builtin_expect(mv.role == MV_ROLE_FOLLOWER, 0) && mv_ordered(mv_self, caller);
}

/* The same, of a wait for a semaphore, or for a condition with this mutex: in a version that threads have
 * just begun in, one may come by it to where its leader's thread stands (update/arrival.c). */
int mv_replays_from(const struct mv_object *mutex, void *at, void *caller);
static inline int mv_replays_wait(const struct mv_object *mutex, void *at, void *caller) {
    return __builtin_expect(mv.role == MV_ROLE_FOLLOWER, 0) && mv_replays_from(mutex, at, caller);
}

/* A leader's thread has come to an event (moment.c). */
static inline void mv_comes(void *caller) {
    if (__builtin_expect(mv.role == MV_ROLE_LEADER, 0) && mv_ordered(mv_self, caller))
        mv_order_come(mv_self, MV_IN_HOOK);
}

/* The real acquisition of a follower whose turn has come: 1, and what the program is told. 0: the leader is
 * dead, it is to be made without a turn. */
int mv_acquire_in_turn(struct mv_thread *self, const struct mv_object *object, enum mv_order_kind kind,
                       void *at, int *told, void *caller);

/* After a real operation that may have begun in another role: what the program is told. */
int mv_order_settled(const struct mv_object *object, enum mv_order_kind kind, void *at, int result,
                     void *caller);
static inline int mv_order_settle(const struct mv_object *object, enum mv_order_kind kind, void *at,
                                  int result, void *caller) {
    return __builtin_expect(mv.role == MV_ROLE_SOLO, 1) ? result
                                                        : mv_order_settled(object, kind, at, result, caller);
}

/* barrier.c: what the program is told when libc's own wait is over. */
extern uint32_t mv_barriers_uneven __attribute__((visibility("hidden")));
int mv_barrier_passed(void *at, int result, void *caller);

/* Around a wait for a condition and a signal (condition.c). */
void mv_condition_begins(const void *condition, void *caller);
int mv_condition_in_turn(const struct mv_object *mutex, void *at, int *told, void *caller);
int mv_condition_settled(const struct mv_object *mutex, void *at, int result, int *told, void *caller);
int mv_condition_ends(int result);
static inline void mv_semaphore_begins(const void *at) {
    if (mv_self)
        mv_self->semaphore = (uint64_t)at;
}
int mv_semaphore_ends(const struct mv_object *object, void *at, int result);
void mv_condition_signalled(const void *condition);

/* The body of a function that takes an object: in the follower in turn, else for real and then published.
 * (Who waits for his turn as his process begins to lead comes to no event by that: the former leader's
 * thread, which follows, has been in libc's wait since before, and would not be seen to come to one.) */
#define MV_TAKES(object, kind, call)                                                                         \
    void *caller = __builtin_return_address(0);                                                              \
    int told;                                                                                                \
    if (!mv_replays(caller))                                                                                 \
        mv_comes(caller);                                                                                    \
    else if (mv_acquire_in_turn(mv_self, &(object), kind, at, &told, caller))                                \
        return told;                                                                                         \
    return mv_order_settle(&(object), kind, at, call, caller)

/* The same, of a function that waits for a semaphore: a thread that does can be begun anew (update/rest.c).
 */
#define MV_TAKES_SEMAPHORE(object, call)                                                                     \
    void *caller = __builtin_return_address(0);                                                              \
    int told;                                                                                                \
    if (!mv_replays_wait(NULL, at, caller))                                                                  \
        mv_comes(caller);                                                                                    \
    else if (mv_acquire_in_turn(mv_self, &(object), MV_ORDER_SEMAPHORE, at, &told, caller))                  \
        return told;                                                                                         \
    mv_semaphore_begins(at);                                                                                 \
    return mv_order_settle(&(object), MV_ORDER_SEMAPHORE, at, mv_semaphore_ends(&(object), at, call), caller)

/* The body of a wait for a condition: in the follower in turn, else for real and then published; in one that
 * is promoted meanwhile in the one way, then in the other. */
#define MV_WAITS(mutex, call)                                                                                \
    void *caller = __builtin_return_address(0);                                                              \
    int told;                                                                                                \
    mv_condition_begins(condition, caller);                                                                  \
    do {                                                                                                     \
        if (!mv_replays_wait(&(mutex), at, caller))                                                          \
            mv_comes(caller);                                                                                \
        else if (mv_condition_in_turn(&(mutex), at, &told, caller))                                          \
            break;                                                                                           \
    } while (!mv_condition_settled(&(mutex), at, call, &told, caller));                                      \
    return mv_condition_ends(told)

#define MV_SIGNALS(call)                                                                                     \
    mv_condition_signalled(condition);                                                                       \
    int result = call;                                                                                       \
    mv_condition_signalled(condition);                                                                       \
    return result

#endif
