/* A leader's signal that finds the program computing waits for a call, so that the follower can have it at
 * the same place; after 10 ms of the thread's processor time it is delivered anyway, and the follower is
 * ended by name. Time in which it gets no processor is none in which it could come to a call: on a busy
 * machine that may be long. */
#include "../sys.h"
#include "roles.h"

#define LIMIT_NS 10000000
#define CLOCK    3 /* CLOCK_THREAD_CPUTIME_ID, of this thread */

static uint64_t computed(void) {
    int64_t time[2] = {0, 0};
    mv_sys2(__NR_clock_gettime, CLOCK, (long)time);
    return (uint64_t)time[0] * 1000000000u + (uint64_t)time[1];
}

/* A timer for this thread; its SIGSYS finds out whether a call was reached meanwhile. It goes off until then:
 * one that another pending kick suppressed would be the last. */
void mv_leader_deferral_timer(struct mv_thread *self) {
    struct {
        uint64_t value;
        int32_t signal, notify, tid;
        int32_t rest[11];
    } event = {
        .value = MV_KICK_LATE, .signal = 31, .notify = 4 /* SIGEV_THREAD_ID */, .tid = (int32_t)self->tid};
    int32_t timer = 0;
    if (self->late_timer)
        return;
    self->late_from = computed();
    if (mv_sys3(__NR_timer_create, CLOCK, (long)&event, (long)&timer))
        return;
    int64_t after[4] = {0, LIMIT_NS, 0, LIMIT_NS};
    mv_sys4(__NR_timer_settime, timer, 0, (long)after, 0);
    self->late_timer = (uint32_t)timer + 1;
}

/* The signal is being delivered: no timer is needed any more. */
void mv_leader_deferral_met(struct mv_thread *self) {
    if (self->late_timer)
        mv_sys1(__NR_timer_delete, self->late_timer - 1);
    self->late_timer = 0;
}

/* The thread was made to stand still, or made a copy, for a follower that comes beside others: that was no
 * computation of the program's. */
void mv_leader_deferral_again(struct mv_thread *self) {
    if (self->late_timer)
        self->late_from = computed();
}

/* The timer has gone off in the program. */
void mv_leader_deferral_expired(struct mv_thread *self) {
    if (self->late_timer && computed() - self->late_from < LIMIT_NS)
        return; /* of what it did for a follower; the timer goes off again */
    mv_leader_deferral_met(self);
    self->signal_late = 0;
    if (!self->deferred)
        return;
    mv_end_followers(MV_REASON_ASYNC_SIGNAL, (int)self->deferred,
                     "a signal had to be delivered in the middle of a computation of more than 10 ms");
    int number = (int)self->deferred;
    self->deferred = 0;
    mv_attention_clear(self, MV_ATTEND_SIGNAL);
    mv_sys4(__NR_rt_tgsigqueueinfo, mv.pid, self->tid, number, (long)self->deferred_info);
    if (self->sigsys_waits)
        mv_sys4(__NR_rt_tgsigqueueinfo, mv.pid, self->tid, 31, (long)self->sigsys_info);
    self->sigsys_waits = 0;
    self->mask_replaced = 0; /* the handler of the kick unblocks it as it returns */
}
