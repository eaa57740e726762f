/* Interval timers and alarm belong to a process. The leader's run in the leader; a follower notes what was
 * set, and sets what is left of it at a promotion. */
#include "../calls/guard.h"
#include "../sys.h"
#include "roles.h"

#define TIMERS 3

struct interval {
    int64_t interval[2], value[2]; /* seconds, microseconds: struct itimerval */
};

static struct { int64_t interval_us, due_us; /* due in CLOCK_MONOTONIC; 0: not armed */ } timers[TIMERS];

static int64_t now_us(void) {
    return (int64_t)(mv_now() / 1000);
}

/* The follower's call of setitimer or alarm succeeded in the leader. */
void mv_timers_noted(uint32_t call, const uint64_t args[6]) {
    struct interval new = {{0, 0}, {0, 0}};
    uint64_t which = 0;
    if (call == __NR_alarm) {
        new.value[0] = (int64_t)(uint32_t)args[0];
    } else {
        which = args[0];
        if (which >= TIMERS || (args[1] && mv_guard_copy(&new, (const void *)args[1], sizeof new)))
            return;
    }
    int64_t value = new.value[0] * 1000000 + new.value[1];
    timers[which].interval_us = new.interval[0] * 1000000 + new.interval[1];
    timers[which].due_us = value ? now_us() + value : 0;
}

/* A timer's signal was replayed: one that fires once has done so. */
void mv_timers_fired(int number, int code) {
    static const int numbers[TIMERS] = {14 /* SIGALRM */, 26 /* SIGVTALRM */, 27 /* SIGPROF */};
    for (int which = 0; which < TIMERS; which++)
        if (number == numbers[which] && code == 0x80 /* SI_KERNEL */ && !timers[which].interval_us)
            timers[which].due_us = 0;
}

/* In the leader, before it is copied: what is armed already. */
void mv_timers_start(void) {
    for (uint64_t which = 0; which < TIMERS; which++) {
        struct interval armed = {{0, 0}, {0, 0}};
        uint64_t args[6] = {which, (uint64_t)&armed, 0, 0, 0, 0};
        if (mv_sys2(__NR_getitimer, (long)which, (long)&armed))
            continue;
        /* While its signal is pending the kernel has one that repeats stand still, with nothing left. */
        if ((armed.interval[0] || armed.interval[1]) && !armed.value[0] && !armed.value[1])
            armed.value[1] = 1;
        mv_timers_noted(__NR_setitimer, args);
    }
}

/* In a leader that is about to follow, once it has noted what is armed: its own would signal nobody. */
void mv_timers_stop(void) {
    const struct interval never = {{0, 0}, {0, 0}};
    for (int which = 0; which < TIMERS; which++)
        if (timers[which].due_us)
            mv_sys3(__NR_setitimer, which, (long)&never, 0);
}

/* One that fell due while the leader was dying fires at once. The two that count processor time begin anew.
 */
void mv_timers_promote(void) {
    int64_t now = now_us();
    for (int which = 0; which < TIMERS; which++) {
        int64_t interval = timers[which].interval_us, left = timers[which].due_us - now;
        if (!timers[which].due_us)
            continue;
        if (left <= 0 && !interval)
            left = 1;
        else if (left <= 0)
            left = interval - (-left) % interval;
        struct interval again = {{interval / 1000000, interval % 1000000}, {left / 1000000, left % 1000000}};
        mv_sys3(__NR_setitimer, which, (long)&again, 0);
        timers[which].due_us = 0;
    }
}
