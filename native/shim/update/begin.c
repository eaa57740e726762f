/* Where threads begin: noted, so that an update can begin them anew in another version.
 *
 * A start routine is called by a function of ours, in the frame of libc's that called that: begun anew, a
 * thread has the same control block, thread-locals and stack, its pthread_t is the same, and it ends as it
 * would have ended. What lay on its stack is given up; nothing returns there (rest.c). */
#include "../order/interpose.h"
#include "update.h"

typedef int create_thread(void *thread, const void *attributes, void *(*start)(void *), void *argument);
typedef int create_c11(void *thread, int (*start)(void *), void *argument);
typedef void *start_routine(uint64_t argument);

static create_thread *real_create;
static create_c11 *real_c11;
static int (*set_cancel_state)(int state, int *old), (*set_cancel_type)(int type, int *old);

void mv_begin_find(void) {
    set_cancel_state = (int (*)(int, int *))MV_REAL("pthread_setcancelstate");
    set_cancel_type = (int (*)(int, int *))MV_REAL("pthread_setcanceltype");
    real_create = (create_thread *)MV_REAL("pthread_create");
    real_c11 = (create_c11 *)MV_REAL("thrd_create");
}

int mv_park_save(uint64_t context[8]) __attribute__((returns_twice));
_Noreturn void mv_park_resume(uint64_t context[8], long value);

/* The result is what libc takes it for: a pointer, or C11's int. */
static void *begin(void *unused) {
    struct mv_thread *self = mv_self;
    (void)unused;
    if (mv_park_save(self->origin)) {
        /* As of a new thread: libc's waits may be cancelled at any moment, and one was left in the middle. */
        set_cancel_type(0 /* DEFERRED */, NULL);
        set_cancel_state(0 /* ENABLE */, NULL);
    }
    /* libc's code up to here counts as a wait (process/clone.c); it has no event in each release of libc. */
    if (mv.role == MV_ROLE_LEADER && self->in_event == MV_IN_WAIT)
        mv_moment_enter(self, MV_IN_WAIT);
    return ((start_routine *)mv_self->start)(mv_self->start_argument);
}

void mv_begin_anew(struct mv_thread *self) {
    if (mv_keeps_frames(self))
        mv_follower_end(
            MV_REASON_UPDATE_FAILED, 0,
            "a thread waits within pthread_cleanup_push, or keeps the address of a local variable: "
            "it can't begin anew");
    self->hooked = self->in_event = self->moment = self->asks = self->turn_taking = self->delivering = 0;
    self->condition_left = self->semaphore = 0;
    mv_condition_forget(self);
    self->once = NULL;
    self->restarts = self->replaying = 0;
    self->arriving = 1;
    mv_attention_clear(self, ~0u);
    mv_park_resume(self->origin, 1);
}

/* Handed to the thread by whoever makes it (process/clone.c). */
static struct mv_thread *notes(void *start, void *argument) {
    struct mv_thread *self = mv.control ? mv_self : NULL;
    if (self) {
        self->starts = (uint64_t)start;
        self->starts_argument = (uint64_t)argument;
    }
    return self;
}

EXPORT int pthread_create(void *thread, const void *attributes, void *(*start)(void *), void *argument) {
    struct mv_thread *self = notes((void *)start, argument);
    int result = real_create(thread, attributes, self ? begin : start, argument);
    if (self)
        self->starts = 0;
    return result;
}

EXPORT int thrd_create(void *thread, int (*start)(void *), void *argument) {
    struct mv_thread *self = notes((void *)start, argument);
    int result = real_c11(thread, self ? (int (*)(void *))(void *)begin : start, argument);
    if (self)
        self->starts = 0;
    return result;
}
