/* What is done again and again: by a timer of the kernel, in the thread of the loop that it is in.
 */
#ifndef KV_JOBS_H
#define KV_JOBS_H

#include "loop.h"

typedef void job_run(void *data, int64_t now);

struct job {
    struct job *next;
    const char *name;
    const long *period; /* milliseconds; read at each run, so that any thread may change it */
    int64_t due;
    job_run *run;
    void *data;
};

struct jobs {
    int timer;
    struct job *first;
};

/* Begins with no job. 0, or -1 and errno. */
int jobs_start(struct jobs *jobs, struct loop *loop);

/* Runs a job whenever its period has passed. The name must stay. */
void jobs_add(struct jobs *jobs, const char *name, const long *period, job_run *run, void *data);

void jobs_end(struct jobs *jobs);

#endif
