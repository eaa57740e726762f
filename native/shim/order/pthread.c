/* The interposed functions of POSIX threads (interpose.h).
 *
 * Taking in turn is enough for locks and semaphores: what one waiter takes out of turn and gives back, the
 * next gets. A condition is told once (condition.c). */
#include "interpose.h"

static struct {
    struct mv_object mutex, reading, writing, spin, semaphore;
    int (*mutex_trylock)(void *);
    int (*mutex_timedlock)(void *, const void *);
    int (*mutex_clocklock)(void *, int, const void *);
    int (*tryrdlock)(void *);
    int (*trywrlock)(void *);
    int (*timedrdlock)(void *, const void *);
    int (*timedwrlock)(void *, const void *);
    int (*clockrdlock)(void *, int, const void *);
    int (*clockwrlock)(void *, int, const void *);
    int (*spin_trylock)(void *);
    int (*sem_trywait)(void *);
    int (*sem_timedwait)(void *, const void *);
    int (*sem_clockwait)(void *, int, const void *);
    int (*barrier_wait)(void *);
    int (*cond_wait)(void *, void *);
    int (*cond_timedwait)(void *, void *, const void *);
    int (*cond_clockwait)(void *, void *, int, const void *);
    int (*cond_signal)(void *);
    int (*cond_broadcast)(void *);
} real;

#define FIND(field, name) (real.field = (__typeof__(real.field))MV_REAL(name))

void mv_pthread_find(void) {
    FIND(mutex.take, "pthread_mutex_lock");
    FIND(mutex.give, "pthread_mutex_unlock");
    FIND(mutex_trylock, "pthread_mutex_trylock");
    FIND(mutex_timedlock, "pthread_mutex_timedlock");
    FIND(mutex_clocklock, "pthread_mutex_clocklock");
    FIND(reading.take, "pthread_rwlock_rdlock");
    FIND(writing.take, "pthread_rwlock_wrlock");
    FIND(reading.give, "pthread_rwlock_unlock");
    FIND(tryrdlock, "pthread_rwlock_tryrdlock");
    FIND(trywrlock, "pthread_rwlock_trywrlock");
    FIND(timedrdlock, "pthread_rwlock_timedrdlock");
    FIND(timedwrlock, "pthread_rwlock_timedwrlock");
    FIND(clockrdlock, "pthread_rwlock_clockrdlock");
    FIND(clockwrlock, "pthread_rwlock_clockwrlock");
    FIND(spin.take, "pthread_spin_lock");
    FIND(spin.give, "pthread_spin_unlock");
    FIND(spin_trylock, "pthread_spin_trylock");
    FIND(semaphore.take, "sem_wait");
    FIND(semaphore.give, "sem_post");
    FIND(sem_trywait, "sem_trywait");
    FIND(sem_timedwait, "sem_timedwait");
    FIND(sem_clockwait, "sem_clockwait");
    FIND(barrier_wait, "pthread_barrier_wait");
    FIND(cond_wait, "pthread_cond_wait");
    FIND(cond_timedwait, "pthread_cond_timedwait");
    FIND(cond_clockwait, "pthread_cond_clockwait");
    FIND(cond_signal, "pthread_cond_signal");
    FIND(cond_broadcast, "pthread_cond_broadcast");
    real.writing.give = real.reading.give;
}

EXPORT int pthread_mutex_lock(void *at) {
    MV_TAKES(real.mutex, MV_ORDER_LOCK, real.mutex.take(at));
}
EXPORT int pthread_mutex_trylock(void *at) {
    MV_TAKES(real.mutex, MV_ORDER_TRYLOCK, real.mutex_trylock(at));
}
EXPORT int pthread_mutex_timedlock(void *at, const void *until) {
    MV_TAKES(real.mutex, MV_ORDER_LOCK, real.mutex_timedlock(at, until));
}
EXPORT int pthread_mutex_clocklock(void *at, int clock, const void *until) {
    MV_TAKES(real.mutex, MV_ORDER_LOCK, real.mutex_clocklock(at, clock, until));
}
EXPORT int pthread_rwlock_rdlock(void *at) {
    MV_TAKES(real.reading, MV_ORDER_READ, real.reading.take(at));
}
EXPORT int pthread_rwlock_tryrdlock(void *at) {
    MV_TAKES(real.reading, MV_ORDER_READ, real.tryrdlock(at));
}
EXPORT int pthread_rwlock_timedrdlock(void *at, const void *until) {
    MV_TAKES(real.reading, MV_ORDER_READ, real.timedrdlock(at, until));
}
EXPORT int pthread_rwlock_wrlock(void *at) {
    MV_TAKES(real.writing, MV_ORDER_WRITE, real.writing.take(at));
}
EXPORT int pthread_rwlock_trywrlock(void *at) {
    MV_TAKES(real.writing, MV_ORDER_WRITE, real.trywrlock(at));
}
EXPORT int pthread_rwlock_timedwrlock(void *at, const void *until) {
    MV_TAKES(real.writing, MV_ORDER_WRITE, real.timedwrlock(at, until));
}
EXPORT int pthread_spin_lock(void *at) {
    MV_TAKES(real.spin, MV_ORDER_LOCK, real.spin.take(at));
}
EXPORT int pthread_spin_trylock(void *at) {
    MV_TAKES(real.spin, MV_ORDER_TRYLOCK, real.spin_trylock(at));
}
EXPORT int sem_wait(void *at) {
    MV_TAKES_SEMAPHORE(real.semaphore, real.semaphore.take(at));
}
EXPORT int sem_trywait(void *at) {
    MV_TAKES(real.semaphore, MV_ORDER_SEMAPHORE, real.sem_trywait(at));
}
EXPORT int sem_timedwait(void *at, const void *until) {
    MV_TAKES_SEMAPHORE(real.semaphore, real.sem_timedwait(at, until));
}
EXPORT int sem_clockwait(void *at, int clock, const void *until) {
    MV_TAKES_SEMAPHORE(real.semaphore, real.sem_clockwait(at, clock, until));
}
EXPORT int pthread_rwlock_clockrdlock(void *at, int clock, const void *until) {
    MV_TAKES(real.reading, MV_ORDER_READ, real.clockrdlock(at, clock, until));
}
EXPORT int pthread_rwlock_clockwrlock(void *at, int clock, const void *until) {
    MV_TAKES(real.writing, MV_ORDER_WRITE, real.clockwrlock(at, clock, until));
}

/* Who waits for that may be who is waited for here. In a hook: while a promotion parks this thread, it must
 * not be on its way to tell of a log that it reads no longer. */
static void arrive(void *caller) {
    mv_hook_begin(mv_self);
    if (mv_replays(caller))
        mv_order_arrive(mv_self);
    mv_hook_end_settled(mv_self);
}

EXPORT int pthread_barrier_wait(void *at) {
    void *caller = __builtin_return_address(0);
    if (mv_replays(caller))
        arrive(caller);
    mv_comes(caller);
    int result = real.barrier_wait(at);
    return mv.role == MV_ROLE_SOLO && !mv_barriers_uneven ? result : mv_barrier_passed(at, result, caller);
}

EXPORT int pthread_cond_wait(void *condition, void *at) {
    MV_WAITS(real.mutex, real.cond_wait(condition, at));
}
EXPORT int pthread_cond_timedwait(void *condition, void *at, const void *until) {
    MV_WAITS(real.mutex, real.cond_timedwait(condition, at, until));
}
EXPORT int pthread_cond_clockwait(void *condition, void *at, int clock, const void *until) {
    MV_WAITS(real.mutex, real.cond_clockwait(condition, at, clock, until));
}
EXPORT int pthread_cond_signal(void *condition) {
    MV_SIGNALS(real.cond_signal(condition));
}
EXPORT int pthread_cond_broadcast(void *condition) {
    MV_SIGNALS(real.cond_broadcast(condition));
}
