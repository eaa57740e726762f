/* pthread_once and call_once: the leader tells which thread is the one that runs the routine, before it does;
 * whoever finds it done, or waits for that, tells it afterwards. In the follower the one's turn ends inside
 * the routine, when libc has noted that it is running: so the next ones can't be the first.
 *
 * A follower that is made while two threads are between the call and that note may have another first one: it
 * is ended by name. */
#include "interpose.h"

struct mv_once {
    void (*routine)(void);
    void *control, *caller;
    int in_turn; /* follower: this is the one, and its turn is not over */
    int ran;
};

static struct {
    int (*once)(void *, void (*)(void));
    void (*call_once)(void *, void (*)(void));
} real;

#define FIND(field, name) (real.field = (__typeof__(real.field))MV_REAL(name))

void mv_once_find(void) {
    FIND(once, "pthread_once");
    FIND(call_once, "call_once");
}

/* A follower's thread that came here without a turn: is it the one in the leader as well? */
static void take_late_turn(struct mv_thread *self, const struct mv_once *call) {
    mv_hook_begin(self);
    const struct mv_event *event = mv_follower_next(self);
    mv_hook_end_settled(self);
    if (!event) {
        mv_order_settle(&mv_no_object, MV_ORDER_ONCE, call->control, 1, call->caller);
        return;
    }
    if (event->call != MV_CALL_ORDER || event->args[0] != MV_ORDER_ONCE || event->result != 1)
        mv_follower_end(MV_REASON_UNSUPPORTED, 0, "two threads called pthread_once as the follower was made");
    if (mv_order_turn(self, MV_ORDER_ONCE, (uint64_t)call->control) != MV_ORDER_PROMOTED)
        mv_order_taken(self);
}

/* libc calls this in the one thread. */
static void run(void) {
    struct mv_thread *self = mv_self;
    struct mv_once *call = self->once;
    call->ran = 1;
    if (!(call->in_turn && mv_order_taken(self)) && mv_ordered(self, call->caller)) {
        mv_hook_begin(self);
        int follows = mv.role == MV_ROLE_FOLLOWER;
        if (!follows && self->log)
            mv_order_publish(self, MV_ORDER_ONCE, (uint64_t)call->control, 1);
        mv_hook_end(self);
        if (follows)
            take_late_turn(self, call);
    }
    call->routine();
}

static int make(void *control, void (*routine)(void), int c11) {
    if (!c11)
        return real.once(control, routine);
    real.call_once(control, routine);
    return 0;
}

static int once(void *control, void (*routine)(void), int c11, void *caller) {
    struct mv_thread *self = mv_self;
    struct mv_once call = {.routine = routine, .control = control, .caller = caller}, *outer;
    int result, passed = 0;
    if (mv.role == MV_ROLE_SOLO || !mv_ordered(self, caller))
        return mv_order_settle(&mv_no_object, MV_ORDER_ONCE, control, make(control, routine, c11), caller);
    if (mv.role == MV_ROLE_FOLLOWER) {
        long turn = mv_order_turn(self, MV_ORDER_ONCE, (uint64_t)control);
        call.in_turn = turn == 1;
        passed = turn == 0;
        if (passed)
            mv_order_taken(self);
    }
    mv_comes(caller);
    outer = self->once;
    self->once = &call;
    result = make(control, run, c11);
    self->once = outer;
    if (call.ran || passed)
        return result;
    if (call.in_turn && mv_order_taken(self)) /* somebody else was first, in another role */
        return result;
    return mv_order_settle(&mv_no_object, MV_ORDER_ONCE, control, result, caller);
}

EXPORT int pthread_once(void *control, void (*routine)(void)) {
    return once(control, routine, 0, __builtin_return_address(0));
}

EXPORT void call_once(void *control, void (*routine)(void)) {
    once(control, routine, 1, __builtin_return_address(0));
}
