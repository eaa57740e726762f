/* Taking in turn, and settling what was taken without one. */
#include "interpose.h"

#include "../fault/fault.h"
#include "../update/update.h"

extern int *__errno_location(void) __attribute__((weak)); /* only semaphores report through errno */

/* glibc's pthread_mutex_t: a robust mutex whose owner ended is inconsistent while this stands for its owner.
 */
struct mutex {
    int32_t lock, count, owner;
};
#define INCONSISTENT 0x7fffffff

static int nothing(void *at) {
    (void)at;
    return 0;
}
const struct mv_object mv_no_object = {nothing, nothing};

/* In the constructor, so that no lock is ever taken before the real functions are known. */
void mv_order_find(void) {
    mv_pthread_find();
    mv_c11_find();
    mv_once_find();
    mv_stdio_find();
    mv_fork_find();
    mv_figures_find();
    mv_begin_find();
}

int mv_replays_from(const struct mv_object *mutex, void *at, void *caller) {
    struct mv_thread *self = mv_self;
    if (self && self->arriving && mv_arrives_at(self, mutex ? NULL : at)) {
        mv_hook_begin(self);
        /* Who waits for a condition has given its mutex: others need that on their own ways. */
        int given = mutex && mutex->give(at) == 0;
        mv_arrive(self);
        if (given)
            mutex->take(at);
        mv_hook_end_settled(self);
    }
    return mv_ordered(self, caller);
}

/* Who is told that the owner of a robust mutex ended has it, and is to make it consistent. */
static void take(const struct mv_object *object, void *at, long result) {
    if (object->take(at) == 0 && result == MV_EOWNERDEAD)
        ((struct mutex *)at)->owner = INCONSISTENT;
}

/* A turn in which the leader did not get the object (busy, timed out) is only passed. Who waits for the
 * object in his turn while the leader dies, this process takes over and is copied, gets it in no turn. */
int mv_acquire_in_turn(struct mv_thread *self, const struct mv_object *object, enum mv_order_kind kind,
                       void *at, int *told, void *caller) {
    long result = mv_order_turn(self, kind, (uint64_t)at);
    if (result == MV_ORDER_PROMOTED)
        return 0;
    mv_fault(MV_FAULT_TURN_GIVEN);
    int takes = result == 0 || result == MV_EOWNERDEAD || kind == MV_ORDER_WAIT;
    if (takes)
        take(object, at, result);
    if (!mv_order_taken(self) && takes) {
        *told = mv_order_settled(object, kind, at, (int)result, caller);
        return 1;
    }
    if (kind == MV_ORDER_SEMAPHORE && result < 0) {
        *__errno_location() = (int)-result;
        result = -1;
    }
    *told = (int)result;
    return 1;
}

/* Gives back what a follower's thread has got without a turn; 0: nothing. A robust mutex is not to become
 * unusable by it. */
static int give_back(const struct mv_object *object, enum mv_order_kind kind, void *at, int result) {
    if (result == MV_EOWNERDEAD)
        ((struct mutex *)at)->owner = (int32_t)mv_self->logical_tid;
    else if (result != 0 && kind != MV_ORDER_WAIT)
        return 0;
    return object->give(at) == 0;
}

int mv_semaphore_ends(const struct mv_object *object, void *at, int result) {
    struct mv_thread *self = mv_self;
    if (!self)
        return result;
    self->semaphore = 0;
    if (self->restarts) {
        give_back(object, MV_ORDER_SEMAPHORE, at, result);
        mv_begin_anew(self);
    }
    return result;
}

int mv_order_settled(const struct mv_object *object, enum mv_order_kind kind, void *at, int result,
                     void *caller) {
    struct mv_thread *self = mv_self;
    if (!mv_ordered(self, caller)) {
        if (self && self->in_event == MV_IN_HOOK)
            self->in_event = MV_IN_PROGRAM;
        return result;
    }
    mv_hook_begin(self); /* from here on the role stays: nobody parks in a hook */
    if (mv.role != MV_ROLE_FOLLOWER) {
        long told = kind == MV_ORDER_SEMAPHORE && result < 0 ? -*__errno_location() : result;
        if (self->log)
            mv_order_publish(self, kind, (uint64_t)at, told);
        mv_hook_end(self);
        return result;
    }
    mv_hook_end(self);
    int given = give_back(object, kind, at, result), told;
    if (mv_acquire_in_turn(self, kind != MV_ORDER_WAIT || given ? object : &mv_no_object, kind, at, &told,
                           caller))
        return told;
    if (given)
        take(object, at, result);
    return mv_order_settle(object, kind, at, result, caller); /* promoted: perhaps somebody follows already */
}
