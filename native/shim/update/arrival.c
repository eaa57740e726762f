/* Arrival: threads of an updated copy have begun anew, and are each on the way to the wait in which their
 * leader's thread stands. None of them replays before all have come: what one finds in memory on its way must
 * not be what another has made of a later event.
 *
 * On the way a thread has no record to be compared with. It may use memory, locks and what is its own (its
 * name, its mask); a clock tells it what it told last, so that what is due by time was done, or is not due
 * yet. Any other call ends the copy by name: it would do twice what the old version has done.
 *
 * The gate: threads wait at 0; those that begin anew go at 1, the others (of libraries, which go on where
 * they stand) with all the rest at 2. */
#include "../fault/fault.h"
#include "../log/barriers.h"
#include "../roles/roles.h"
#include "../signals/signals.h"
#include "../sys.h"
#include "update.h"

#include <mvedsua/shared.h>

enum gate { GATE_CLOSED = 0, GATE_FOR_RESTARTS = 1, GATE_OPEN = 2 };

static uint32_t gate;     /* futex: enum gate */
static uint32_t underway; /* threads that have not come */
static void (*all_have_come)(void);
static uint64_t copied_at[2][2]; /* CLOCK_REALTIME and CLOCK_MONOTONIC */

static void await(uint32_t wanted) {
    uint32_t now;
    while ((now = mv_load_acquire32(&gate)) < wanted) {
        const int64_t limit[2] = {0, 200000000};
        if (mv_follower_ended())
            mv_follower_end(MV_REASON_REQUESTED, 0, "ended");
        mv_sys4(__NR_futex, (long)&gate, 128 /* WAIT, private */, now, (long)limit);
    }
}

static void open_for(enum gate wanted) {
    mv_store_release32(&gate, wanted);
    mv_sys3(__NR_futex, (long)&gate, 129 /* WAKE, private */, 0x7fffffff);
}

/* In the copy, before any other thread is there. (It may be one of a process that has itself been updated.)
 */
void mv_arrival_expect(void) {
    gate = GATE_CLOSED;
    for (int clock = 0; clock < 2; clock++) /* as the copy begins: the leader is told later ones */
        mv_sys2(__NR_clock_gettime, clock, (long)copied_at[clock]);
    mv.updating = 1;
}

/* A re-created thread of the copy. One that waits for a condition or a semaphore leaves that by libc's own
 * function first (order/pthread.c), which takes it out of the waiters. */
void mv_arrival_await(struct mv_thread *self) {
    await(GATE_FOR_RESTARTS);
    if (!self->restarts)
        await(GATE_OPEN);
    else if (self->stand.call != __NR_futex)
        mv_begin_anew(self);
    else if (self->semaphore)
        self->condition = self->semaphore; /* so that its sleep is looked at */
}

void mv_arrival_begin(struct mv_thread *self, void (*whole)(void)) {
    uint32_t count = 1;
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        count += area->restarts;
    all_have_come = whole;
    underway = count;
    self->arriving = 1;
    mv.arriving = 1;
    mv.updating = 0;
    open_for(GATE_FOR_RESTARTS);
}

int mv_arrives(const struct mv_thread *self, const uint64_t args[6]) {
    if (self->tid == mv.pid)
        return self->call == mv.point_call && mv_waits_for_world(self->call, args);
    return self->call == self->stand.call && self->call != __NR_futex;
}

int mv_arrives_at(const struct mv_thread *self, const void *semaphore) {
    return self->tid != mv.pid && self->stand.call == __NR_futex &&
           (!semaphore ||
            (uint64_t)semaphore == self->stand.args[0] /* glibc waits at a sem_t's first word */);
}

/* It stands where its leader's thread stands, and reads its log from there on. */
void mv_arrive(struct mv_thread *self) {
    mv_fault(MV_FAULT_THREAD_ARRIVED);
    self->replaying = 1; /* before the last one may have come */
    if (__atomic_sub_fetch(&underway, 1, __ATOMIC_ACQ_REL) == 0) {
        mv.arriving = 0;
        all_have_come();
        open_for(GATE_OPEN);
    }
    await(GATE_OPEN);
    mv_scheduling_give_way(self);
    self->arriving = 0;
    self->arrived = 1;
}

static _Noreturn void refuse(const struct mv_thread *self, const char *name) {
    struct mv_text text = {.used = 0};
    int main = self->tid == mv.pid;
    mv_text_add(&text, main ? "the new version's main thread" : "thread ");
    if (!main)
        mv_text_number(&text, self->logical_tid);
    mv_text_add(&text, ", begun anew, made the system call ");
    mv_text_add(&text, name);
    mv_text_add(&text,
                main ? " on its way to the update point: the description's 'resume' is to name its event loop"
                     : " on its way to its wait: let the description say 'thread F restarts at' its loop");
    mv_follower_end(MV_REASON_UPDATE_FAILED, (int)self->call, text.bytes);
}

/* What a thread may set of its own, which is so already. */
static int is_own(uint32_t call, const uint64_t args[6]) {
    switch (call) {
    case __NR_rt_sigprocmask:
    case __NR_gettid:
    case __NR_getpid:
    case __NR_getppid:
        return 1;
    case __NR_prctl:
        return (uint32_t)args[0] == 15 /* PR_SET_NAME */ || (uint32_t)args[0] == 16 /* PR_GET_NAME */;
    case __NR_sched_setaffinity:
    case __NR_sched_getaffinity:
        return args[0] == 0;
    default:
        return 0;
    }
}

enum mv_action mv_arriving_call(struct mv_thread *self, struct mv_frame *frame, const struct mv_call_row *row,
                                const uint64_t args[6]) {
    if (self->call == __NR_clock_gettime || self->call == __NR_gettimeofday || self->call == __NR_time) {
        frame->rax = (uint64_t)mv_arriving_clock(self, self->call, args[0], args[1], args[2]);
        return MV_ACTION_RETURN;
    }
    if (row && (is_own(self->call, args) || (mv_call_class_of(row, args) == MV_CLASS_LOCAL &&
                                             !(mv_call_flags_of(row, args) & MV_CALL_NOFOLLOW))))
        return mv_execute(self, frame);
    refuse(self, row ? row->name : "that is in no call table");
}

static const uint64_t *seen(const struct mv_thread *self, int clock) {
    return self->seen[clock][0] ? self->seen[clock] : copied_at[clock];
}

/* Other clocks than these two are read as they are. */
long mv_arriving_clock(struct mv_thread *self, uint32_t call, uint64_t a, uint64_t b, uint64_t c) {
    int64_t *to = (int64_t *)(call == __NR_clock_gettime ? b : a);
    int coarse = a == 5 || a == 6; /* CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE */
    uint64_t clock = call != __NR_clock_gettime ? 0 : coarse ? a - 5 : a;
    if (call == __NR_getrandom)
        refuse(self, "getrandom");
    if ((call != __NR_clock_gettime && call != __NR_gettimeofday && call != __NR_time) || clock > 1)
        return mv_sys3((long)call, call == __NR_getcpu ? (long)a : mv_clock_real((int32_t)a), (long)b,
                       (long)c);
    const uint64_t *time = seen(self, (int)clock);
    if (to && call != __NR_time) {
        uint64_t fraction = call == __NR_gettimeofday ? time[1] / 1000 : time[1];
        if (mv_guard_copy(to, time, 8) || mv_guard_copy(to + 1, &fraction, 8))
            return -14; /* EFAULT */
    } else if (to && mv_guard_copy(to, time, 8)) {
        return -14;
    }
    return call == __NR_time ? (long)time[0] : 0;
}
