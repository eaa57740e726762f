/* The interposed pthread functions: solo, they are libc's; in the other roles their order is published and
 * replayed. They run on the program's stack and call nothing of libc but the function that they stand for.
 *
 * A thread may enter a wait in one role and leave it in another (a follower is made meanwhile): the role that
 * counts is the one at the return. A follower that comes back from a real acquisition gives it back and takes
 * its turn like anybody else.
 *
 * That is enough for locks and semaphores: what one waiter takes out of turn and gives back, the next gets. A
 * condition is told once: in the follower another waiter than the leader's might get the signal, and the one
 * whose record is there would sleep for good. So nobody in a follower waits for a condition, also who began
 * to in another role: there the sleep fails as if a time limit had passed, by which libc takes the thread out
 * of the waiters, and the turn decides about the result. (A libc whose wait without a limit is FUTEX_WAIT, as
 * before 2.33, takes no such answer: its threads stay.) */
#include "../roles/roles.h"
#include "order.h"

extern void *dlsym(void *handle, const char *name) __attribute__((weak));
extern int *__errno_location(void) __attribute__((weak)); /* only semaphores report through errno */
#define FUTEX_WAIT_BITSET 9u
#define CONDITION_SIZE    48u /* sizeof(pthread_cond_t) */
#define RTLD_NEXT         ((void *)-1l)
#define EXPORT            __attribute__((visibility("default")))

/* One kind of object: how it is taken when the turn has come, and given back. */
struct object {
    int (*take)(void *);
    int (*give)(void *);
};

static struct {
    struct object mutex, reading, writing, spin, semaphore, barrier;
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
} real;

/* A barrier is passed by all together: nothing is taken in turn. */
static int nothing(void *at) {
    (void)at;
    return 0;
}

#define FIND(field, name) (real.field = (__typeof__(real.field))(dlsym ? dlsym(RTLD_NEXT, name) : (void *)0))

/* In the constructor, so that no lock is ever taken before the real functions are known. */
void mv_order_find(void) {
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
    real.writing.give = real.reading.give;
    real.barrier.take = real.barrier.give = nothing;
}

static int ordered(struct mv_thread *self, void *caller) {
    return self && mv_threads_exist && !self->raw_depth && !mv_in_allocator((uint64_t)caller) &&
           (mv.role == MV_ROLE_LEADER ? self->log != NULL && mv_leader_publishing() : self->replaying);
}

/* The real acquisition of a follower whose turn has come, or (leader dead) without one. A turn in which the
 * leader did not get the object (busy, timed out) is only passed. */
static int acquire_in_turn(struct mv_thread *self, const struct object *object, enum mv_order_kind kind,
                           void *at, int *told) {
    long result = mv_order_turn(self, kind, (uint64_t)at);
    if (result == MV_ORDER_PROMOTED)
        return 0; /* the leader is dead: to be made for real */
    if (result == 0 || kind == MV_ORDER_WAIT)
        object->take(at);
    mv_order_taken(self);
    if (kind == MV_ORDER_SEMAPHORE && result < 0) {
        *__errno_location() = (int)-result;
        result = -1;
    }
    *told = (int)result;
    return 1;
}

/* After a real operation that may have begun in another role. */
static int settle(const struct object *object, enum mv_order_kind kind, void *at, int result, void *caller) {
    struct mv_thread *self = mv_self;
    if (__builtin_expect(mv.role == MV_ROLE_SOLO, 1) || !ordered(self, caller))
        return result;
    mv_hook_begin(self); /* from here on the role stays: nobody parks in a hook */
    if (mv.role != MV_ROLE_FOLLOWER) {
        long told = kind == MV_ORDER_SEMAPHORE && result < 0 ? -*__errno_location() : result;
        if (self->log)
            mv_order_publish(self, kind, (uint64_t)at, told);
        mv_hook_end(self);
        return result;
    }
    mv_hook_end(self);
    int held = result == 0 || kind == MV_ORDER_WAIT, told;
    if (held)
        object->give(at);
    if (acquire_in_turn(self, object, kind, at, &told))
        return told;
    if (held)
        object->take(at);
    return result;
}

int mv_order_leaves_condition(struct mv_thread *self, const struct mv_frame *frame) {
    int leaves = self->condition && ((uint32_t)frame->rsi & 0x7f) == FUTEX_WAIT_BITSET &&
                 frame->rdi - self->condition < CONDITION_SIZE && !mv_in_allocator(self->condition_caller);
    self->condition_left |= (uint32_t)leaves;
    return leaves;
}

static void begins_to_wait(const void *condition, void *caller) {
    struct mv_thread *self = mv_self;
    if (!self)
        return;
    self->condition_left = 0;
    self->condition_caller = (uint64_t)caller;
    self->condition = (uint64_t)condition;
}

/* A wait that the shim ended is a spurious wake-up, if the process was promoted before its turn came. */
static int has_waited(int result) {
    struct mv_thread *self = mv_self;
    if (!self)
        return result;
    self->condition = 0;
    return self->condition_left ? 0 : result;
}

static inline int replays(void *caller) {
    return __builtin_expect(mv.role == MV_ROLE_FOLLOWER, 0) && ordered(mv_self, caller);
}

/* A function that takes an object: in the follower in turn, else for real and then published. */
#define TAKES(object, kind, call)                                                                            \
    {                                                                                                        \
        void *caller = __builtin_return_address(0);                                                          \
        int told;                                                                                            \
        if (replays(caller) && acquire_in_turn(mv_self, &real.object, kind, at, &told))                      \
            return told;                                                                                     \
        return settle(&real.object, kind, at, real.call, caller);                                            \
    }

EXPORT int pthread_mutex_lock(void *at) TAKES(mutex, MV_ORDER_LOCK, mutex.take(at)) EXPORT
    int pthread_mutex_trylock(void *at) TAKES(mutex, MV_ORDER_TRYLOCK, mutex_trylock(at)) EXPORT
    int pthread_mutex_timedlock(void *at, const void *until)
        TAKES(mutex, MV_ORDER_LOCK, mutex_timedlock(at, until)) EXPORT
    int pthread_mutex_clocklock(void *at, int clock, const void *until)
        TAKES(mutex, MV_ORDER_LOCK, mutex_clocklock(at, clock, until)) EXPORT
    int pthread_rwlock_rdlock(void *at) TAKES(reading, MV_ORDER_READ, reading.take(at)) EXPORT
    int pthread_rwlock_tryrdlock(void *at) TAKES(reading, MV_ORDER_READ, tryrdlock(at)) EXPORT
    int pthread_rwlock_timedrdlock(void *at, const void *until)
        TAKES(reading, MV_ORDER_READ, timedrdlock(at, until)) EXPORT int pthread_rwlock_wrlock(void *at)
            TAKES(writing, MV_ORDER_WRITE, writing.take(at)) EXPORT int pthread_rwlock_trywrlock(void *at)
                TAKES(writing, MV_ORDER_WRITE, trywrlock(at)) EXPORT
    int pthread_rwlock_timedwrlock(void *at, const void *until)
        TAKES(writing, MV_ORDER_WRITE, timedwrlock(at, until)) EXPORT int pthread_spin_lock(void *at)
            TAKES(spin, MV_ORDER_LOCK, spin.take(at)) EXPORT int pthread_spin_trylock(void *at)
                TAKES(spin, MV_ORDER_TRYLOCK, spin_trylock(at)) EXPORT int sem_wait(void *at)
                    TAKES(semaphore, MV_ORDER_SEMAPHORE, semaphore.take(at)) EXPORT int sem_trywait(void *at)
                        TAKES(semaphore, MV_ORDER_SEMAPHORE, sem_trywait(at)) EXPORT
    int sem_timedwait(void *at, const void *until)
        TAKES(semaphore, MV_ORDER_SEMAPHORE, sem_timedwait(at, until)) EXPORT
    int sem_clockwait(void *at, int clock, const void *until)
        TAKES(semaphore, MV_ORDER_SEMAPHORE, sem_clockwait(at, clock, until)) EXPORT
    int pthread_rwlock_clockrdlock(void *at, int clock, const void *until)
        TAKES(reading, MV_ORDER_READ, clockrdlock(at, clock, until)) EXPORT
    int pthread_rwlock_clockwrlock(void *at, int clock, const void *until)
        TAKES(writing, MV_ORDER_WRITE, clockwrlock(at, clock, until))

    /* Every role waits for all the threads; who of them is the one, the leader says. */
    EXPORT int pthread_barrier_wait(void *at) {
    void *caller = __builtin_return_address(0);
    return settle(&real.barrier, MV_ORDER_BARRIER, at, real.barrier_wait(at), caller);
}

/* A follower does not wait for the condition: the leader's thread came back at this point of the mutex's
 * order, so what it waited for holds. (After a promotion: a spurious wake-up, which POSIX allows.) */
#define WAITS(call)                                                                                          \
    {                                                                                                        \
        void *caller = __builtin_return_address(0);                                                          \
        if (replays(caller)) {                                                                               \
            int told = 0;                                                                                    \
            real.mutex.give(at);                                                                             \
            if (!acquire_in_turn(mv_self, &real.mutex, MV_ORDER_WAIT, at, &told))                            \
                real.mutex.take(at);                                                                         \
            return told;                                                                                     \
        }                                                                                                    \
        begins_to_wait(condition, caller);                                                                   \
        return settle(&real.mutex, MV_ORDER_WAIT, at, has_waited(real.call), caller);                        \
    }

EXPORT int pthread_cond_wait(void *condition, void *at) WAITS(cond_wait(condition, at)) EXPORT
    int pthread_cond_timedwait(void *condition, void *at, const void *until)
        WAITS(cond_timedwait(condition, at, until)) EXPORT
    int pthread_cond_clockwait(void *condition, void *at, int clock, const void *until)
        WAITS(cond_clockwait(condition, at, clock, until))
