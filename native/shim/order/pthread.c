/* The interposed pthread functions: solo, they are libc's; in the other roles their order is published and
 * replayed. They run on the program's stack and call nothing of libc but the function that they stand for.
 *
 * A thread may enter a wait in one role and leave it in another (a follower is made meanwhile): the role that
 * counts is the one at the return. A follower that comes back from a real wait gives the mutex back and takes
 * its turn like anybody else. */
#include "order.h"
#include "../roles/roles.h"

#include <errno.h>

extern void *dlsym(void *handle, const char *name) __attribute__((weak));
#define RTLD_NEXT ((void *)-1l)
#define EXPORT __attribute__((visibility("default")))

static struct {
    int (*mutex_lock)(void *);
    int (*mutex_trylock)(void *);
    int (*mutex_timedlock)(void *, const void *);
    int (*mutex_clocklock)(void *, int, const void *);
    int (*mutex_unlock)(void *);
    int (*cond_wait)(void *, void *);
    int (*cond_timedwait)(void *, void *, const void *);
    int (*cond_clockwait)(void *, void *, int, const void *);
} real;

static void *next(const char *name) { return dlsym ? dlsym(RTLD_NEXT, name) : NULL; }

/* In the constructor, so that no lock is ever taken before the real functions are known. */
__attribute__((noinline)) static void find(void)
{
    real.mutex_lock = (int (*)(void *))next("pthread_mutex_lock");
    real.mutex_trylock = (int (*)(void *))next("pthread_mutex_trylock");
    real.mutex_timedlock = (int (*)(void *, const void *))next("pthread_mutex_timedlock");
    real.mutex_clocklock = (int (*)(void *, int, const void *))next("pthread_mutex_clocklock");
    real.mutex_unlock = (int (*)(void *))next("pthread_mutex_unlock");
    real.cond_wait = (int (*)(void *, void *))next("pthread_cond_wait");
    real.cond_timedwait = (int (*)(void *, void *, const void *))next("pthread_cond_timedwait");
    real.cond_clockwait = (int (*)(void *, void *, int, const void *))next("pthread_cond_clockwait");
}

void mv_order_find(void) { find(); }

static int ordered(struct mv_thread *self, void *caller)
{
    return self && mv_threads_exist && !mv_in_allocator((uint64_t)caller) &&
           (mv.role == MV_ROLE_LEADER ? self->log != NULL && mv_leader_publishing() : self->replaying);
}

/* The real acquisition of a follower whose turn has come, or (leader dead) without one. */
static int acquire_in_turn(struct mv_thread *self, enum mv_order_kind kind, void *mutex)
{
    long result = mv_order_turn(self, kind, (uint64_t)mutex);
    if (result == MV_ORDER_PROMOTED)
        return kind == MV_ORDER_TRYLOCK ? real.mutex_trylock(mutex) : (real.mutex_lock(mutex), 0);
    if (kind != MV_ORDER_TRYLOCK || result == 0)
        if (kind != MV_ORDER_LOCK || result == 0)
            real.mutex_lock(mutex);
    mv_order_taken(self);
    return (int)result;
}

/* After a real operation that may have begun in another role. */
static int settle(enum mv_order_kind kind, void *mutex, int result, void *caller)
{
    struct mv_thread *self = mv_self;
    int held = kind == MV_ORDER_WAIT || result == 0;
    if (__builtin_expect(mv.role == MV_ROLE_SOLO, 1) || !ordered(self, caller))
        return result;
    if (mv.role == MV_ROLE_LEADER) {
        mv_order_publish(self, kind, (uint64_t)mutex, result);
        return result;
    }
    if (held)
        real.mutex_unlock(mutex);
    return acquire_in_turn(self, kind, mutex);
}

EXPORT int pthread_mutex_lock(void *mutex)
{
    void *caller = __builtin_return_address(0);
    if (__builtin_expect(mv.role == MV_ROLE_FOLLOWER, 0) && ordered(mv_self, caller))
        return acquire_in_turn(mv_self, MV_ORDER_LOCK, mutex);
    return settle(MV_ORDER_LOCK, mutex, real.mutex_lock(mutex), caller);
}

EXPORT int pthread_mutex_trylock(void *mutex)
{
    void *caller = __builtin_return_address(0);
    if (__builtin_expect(mv.role == MV_ROLE_FOLLOWER, 0) && ordered(mv_self, caller))
        return acquire_in_turn(mv_self, MV_ORDER_TRYLOCK, mutex);
    return settle(MV_ORDER_TRYLOCK, mutex, real.mutex_trylock(mutex), caller);
}

EXPORT int pthread_mutex_timedlock(void *mutex, const void *until)
{
    void *caller = __builtin_return_address(0);
    if (__builtin_expect(mv.role == MV_ROLE_FOLLOWER, 0) && ordered(mv_self, caller))
        return acquire_in_turn(mv_self, MV_ORDER_LOCK, mutex);
    return settle(MV_ORDER_LOCK, mutex, real.mutex_timedlock(mutex, until), caller);
}

EXPORT int pthread_mutex_clocklock(void *mutex, int clock, const void *until)
{
    void *caller = __builtin_return_address(0);
    if (__builtin_expect(mv.role == MV_ROLE_FOLLOWER, 0) && ordered(mv_self, caller))
        return acquire_in_turn(mv_self, MV_ORDER_LOCK, mutex);
    return settle(MV_ORDER_LOCK, mutex, real.mutex_clocklock(mutex, clock, until), caller);
}

/* A follower does not wait for the condition: the leader's thread came back at this point of the mutex's
 * order, so what it waited for holds. (After a promotion: a spurious wake-up, which POSIX allows.) */
static int wait_in_turn(void *mutex)
{
    real.mutex_unlock(mutex);
    return acquire_in_turn(mv_self, MV_ORDER_WAIT, mutex);
}

EXPORT int pthread_cond_wait(void *condition, void *mutex)
{
    void *caller = __builtin_return_address(0);
    if (__builtin_expect(mv.role == MV_ROLE_FOLLOWER, 0) && ordered(mv_self, caller))
        return wait_in_turn(mutex);
    return settle(MV_ORDER_WAIT, mutex, real.cond_wait(condition, mutex), caller);
}

EXPORT int pthread_cond_timedwait(void *condition, void *mutex, const void *until)
{
    void *caller = __builtin_return_address(0);
    if (__builtin_expect(mv.role == MV_ROLE_FOLLOWER, 0) && ordered(mv_self, caller))
        return wait_in_turn(mutex);
    return settle(MV_ORDER_WAIT, mutex, real.cond_timedwait(condition, mutex, until), caller);
}

EXPORT int pthread_cond_clockwait(void *condition, void *mutex, int clock, const void *until)
{
    void *caller = __builtin_return_address(0);
    if (__builtin_expect(mv.role == MV_ROLE_FOLLOWER, 0) && ordered(mv_self, caller))
        return wait_in_turn(mutex);
    return settle(MV_ORDER_WAIT, mutex, real.cond_clockwait(condition, mutex, clock, until), caller);
}
