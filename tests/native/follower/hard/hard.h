/* A server that does with threads whatever is hard to repeat. A connection sends lines "COMMAND N"; each is
 * answered with "COMMAND TOTAL", where TOTAL is the connection's own sum for that command, which its client
 * knows in advance: whoever took which lock first shows in no answer. It shows in what is written with
 * witness(), which a follower has to repeat.
 *
 * Every connection has a thread of its own and a crew: CREW threads that wait for a job, do it together, and
 * wait for the next. */
#ifndef HARD_H
#define HARD_H

#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CREW     3
#define COMMANDS 64

struct connection;
/* What a member of the crew does of a job; the sum of what all return is added to the connection's total. */
typedef long (*job)(struct connection *own, int member, long n);

struct connection {
    int fd;
    pthread_mutex_t lock; /* of what stands below */
    pthread_cond_t begin, end;
    job job;
    long n, sum, number; /* of the job; its number counts them */
    int busy, leaving;
    pthread_t crew[CREW];
    long totals[COMMANDS];
    struct shared *shared; /* what the members of the crew share (each file's own) */
};

/* One command: what the whole crew does (0: nothing), and what the connection's own thread does besides,
 * before the crew begins, and when it is done. */
struct command {
    const char *name;
    long (*before)(struct connection *own, long n);
    job job;
    long (*after)(struct connection *own, long n);
};
extern const struct command lock_commands[], wait_commands[], c11_commands[], thread_commands[],
    stdio_commands[], descriptor_commands[], signal_commands[];

long together(struct connection *own, job job, long n);
void crew_start(struct connection *own);
void crew_end(struct connection *own);

void threads_start(void); /* what each file needs once, before the first connection */
void stdio_start(void);
void descriptors_start(void);
void signals_start(void);

/* The end, when something is not as POSIX says. */
_Noreturn void wrong(const char *what, int line);
#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            wrong(#condition, __LINE__);                                                                     \
    } while (0)

/* What depends on the order of threads, shown to nobody but a follower: a call that fails, whose bytes it
 * compares. */
static inline void witness(long value) {
    (void)!write(-1, &value, sizeof value);
}

/* The next `count` numbers: under a lock, which a follower repeats, where an atomic addition would be
 * nobody's. */
long take_numbers(long *from, long count);

/* Times for waits with a limit. */
struct timespec until(int clock, long milliseconds);

#endif
