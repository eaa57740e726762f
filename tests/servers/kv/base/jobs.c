#include "jobs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "log.h"
#include "memory.h"

enum { LATE = 1000 };

/* Any thread may change a period. */
static int64_t period_of(const long *period) {
    return __atomic_load_n(period, __ATOMIC_RELAXED);
}

/* The timer goes off as the earliest job is due. */
static void set_timer(struct jobs *jobs, int64_t now) {
    int64_t due = INT64_MAX;
    for (struct job *job = jobs->first; job; job = job->next)
        if (job->due < due)
            due = job->due;
    int64_t wait = due > now ? due - now : 1;
    struct itimerspec time = {.it_value = {.tv_sec = wait / 1000, .tv_nsec = wait % 1000 * 1000000}};
    if (timerfd_settime(jobs->timer, 0, &time, NULL))
        log_line(LOG_ERROR, "timerfd_settime: %s", strerror(errno));
}

static void timer_ready(struct loop *loop, int fd, unsigned events, void *data) {
    (void)events;
    struct jobs *jobs = data;
    uint64_t times;
    if (read(fd, &times, sizeof times) != sizeof times)
        return;
    for (struct job *job = jobs->first; job; job = job->next) {
        if (job->due > loop->now)
            continue;
        if (loop->now - job->due > LATE)
            log_line(LOG_NOTICE, "job %s is late by %lld ms", job->name, (long long)(loop->now - job->due));
        job->run(job->data, loop->now);
        job->due = loop->now + period_of(job->period);
    }
    set_timer(jobs, loop->now);
}

int jobs_start(struct jobs *jobs, struct loop *loop) {
    *jobs = (struct jobs){.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)};
    return jobs->timer < 0 ? -1 : loop_add(loop, jobs->timer, LOOP_READ, timer_ready, jobs);
}

void jobs_add(struct jobs *jobs, const char *name, const long *period, job_run *run, void *data) {
    int64_t now = clock_now();
    struct job *job = memory_new(sizeof *job);
    *job = (struct job){jobs->first, name, period, now + period_of(period), run, data};
    jobs->first = job;
    set_timer(jobs, now);
}

void jobs_end(struct jobs *jobs) {
    close(jobs->timer);
    for (struct job *next, *job = jobs->first; job; job = next) {
        next = job->next;
        free(job);
    }
}
