/* Threads as the scheduler knows them: name, processors, policy and niceness, I/O priority, timer slack.
 *
 * A thread that is made again in a copy begins with those of the thread that makes it, and is given its own.
 *
 * A follower gives way: its threads are SCHED_BATCH where the program's are SCHED_OTHER. Such a thread, when
 * it wakes up, does not take the processor from the one that runs there (sched(7)); its share stays the same.
 * A follower under load wakes up some thousand times a second, after naps (log/wait.c), and would stop leader
 * or clients each time. Whoever begins to lead is SCHED_OTHER again before it makes a call. */
#include "../log/barriers.h"
#include "../order/order.h"
#include "../signals/signals.h"
#include "../sys.h"
#include "roles.h"

#include <linux/ioprio.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/sched.h>

static int differs(const void *a, const void *b, size_t size) {
    return __builtin_memcmp(a, b, size) != 0;
}

static void look(struct mv_scheduling *is) {
    *is = (struct mv_scheduling){.known = 1};
    mv_sys2(__NR_prctl, PR_GET_NAME, (long)is->name);
    long size = mv_sys3(__NR_sched_getaffinity, 0, sizeof is->processors, (long)is->processors);
    if (!mv_is_error(size))
        is->processors_size = (uint32_t)size;
    mv_sys4(__NR_sched_getattr, 0, (long)is->attributes, sizeof is->attributes, 0);
    is->niceness = 20 - (int32_t)mv_sys2(__NR_getpriority, PRIO_PROCESS, 0); /* the call tells 40 … 1 */
    is->io_priority = (int32_t)mv_sys2(__NR_ioprio_get, IOPRIO_WHO_PROCESS, 0);
    is->timer_slack = (uint64_t)mv_sys1(__NR_prctl, PR_GET_TIMERSLACK);
}

/* The running thread is about to park. (A seccomp filter of the program's may end it for such a question.) */
void mv_scheduling_note(struct mv_thread *self) {
    self->scheduling.known = 0;
    if (!mv_signals_plain)
        look(&self->scheduling);
}

/* The running thread has been made again. What it has already is left alone: processors that nobody has
 * chosen follow the machine's, and what needs no change needs no right. */
void mv_scheduling_again(struct mv_thread *self) {
    const struct mv_scheduling *own = &self->scheduling;
    struct mv_scheduling is;
    int bad = 0;
    self->gives_way = 0;
    if (!own->known)
        return;
    look(&is);
    mv_sys2(__NR_prctl, PR_SET_NAME, (long)own->name);
    if (own->processors_size && differs(own->processors, is.processors, sizeof is.processors))
        bad |= mv_is_error(mv_sys3(__NR_sched_setaffinity, 0, own->processors_size, (long)own->processors));
    if (differs(own->attributes, is.attributes, sizeof is.attributes))
        bad |= mv_is_error(mv_sys3(__NR_sched_setattr, 0, (long)own->attributes, 0));
    /* (Of SCHED_IDLE the attributes do not tell it.) */
    if (own->niceness != 20 - (int32_t)mv_sys2(__NR_getpriority, PRIO_PROCESS, 0))
        bad |= mv_is_error(mv_sys3(__NR_setpriority, PRIO_PROCESS, 0, own->niceness));
    if (own->io_priority != is.io_priority)
        bad |= mv_is_error(mv_sys3(__NR_ioprio_set, IOPRIO_WHO_PROCESS, 0, own->io_priority));
    if (own->timer_slack != is.timer_slack)
        mv_sys2(__NR_prctl, PR_SET_TIMERSLACK, (long)own->timer_slack);
    if (bad)
        mv_say_string(MV_WARNING,
                      "a thread of the follower could not be given its leader's processors or "
                      "priority, and would keep those of the main thread after a promotion");
}

static int set_policy(const struct mv_thread *thread, int policy) {
    const int32_t priority = 0;
    return !mv_is_error(mv_sys3(__NR_sched_setscheduler, thread->tid, policy, (long)&priority));
}

static int follows(void) {
    return __atomic_load_n(&mv.role, __ATOMIC_SEQ_CST) == MV_ROLE_FOLLOWER;
}

/* The thread is a follower's from here on. Race: its log is read to the end, so another thread may begin to
 * lead meanwhile. That one changes the role first (mv_act), then looks who gives way; here it is the other
 * way round, and one of the two sees what the other has done. */
void mv_scheduling_give_way(struct mv_thread *thread) {
    if (!follows() || thread->gives_way || mv_signals_plain ||
        mv_sys1(__NR_sched_getscheduler, thread->tid) != SCHED_NORMAL)
        return;
    __atomic_store_n(&thread->gives_way, (uint32_t)set_policy(thread, SCHED_BATCH), __ATOMIC_SEQ_CST);
    if (!follows())
        mv_scheduling_take_way(thread);
}

void mv_scheduling_take_way(struct mv_thread *thread) {
    if (__atomic_exchange_n(&thread->gives_way, 0, __ATOMIC_SEQ_CST))
        set_policy(thread, SCHED_NORMAL);
}

/* A change that was replayed is made here, too, for the same thread. */
void mv_scheduling_follow(struct mv_thread *self, struct mv_frame *frame) {
    uint64_t told = frame->rax;
    long result;
    struct mv_thread *of = mv_thread_meant(self->call, frame);
    if (mv_is_error((long)told) || !of)
        return;
    /* One that is being made again has its leader's number yet, and would put back what is changed here. */
    for (uint32_t spins = 0; mv_load_acquire32(&of->unborn); spins++)
        mv_order_pause(spins);
    uint32_t gave_way = of->gives_way;
    mv_scheduling_take_way(of);
    if (mv_make_as_meant(self, frame, &result) && mv_is_error(result))
        mv_say_string(MV_WARNING,
                      "the follower may not change its processors, priority or limits as its "
                      "leader did, and would serve without that after a promotion");
    if (gave_way)
        mv_scheduling_give_way(of);
}
