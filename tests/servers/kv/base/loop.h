/* Which descriptors are ready: one loop to a thread, over epoll, level-triggered.
 */
#ifndef KV_LOOP_H
#define KV_LOOP_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

enum loop_events { LOOP_READ = 1, LOOP_WRITE = 2 };

/* Is called when its descriptor is ready: for some of these events, or with an error, which its next call on
 * the descriptor tells. */
typedef void loop_handler(struct loop *loop, int fd, unsigned events, void *data);

/* What is done for a descriptor; nobody waits for it: ready is NULL. */
struct watch {
    loop_handler *ready;
    void *data;
};

struct loop {
    int epoll;
    int64_t now; /* milliseconds of the monotonic clock, as the last wait ended */
    size_t capacity;
    struct watch *watches; /* by descriptor */
};

/* 0, or -1 and errno. */
int loop_start(struct loop *loop);

void loop_end(struct loop *loop);

/* Waits for a descriptor from now on. 0, or -1 and errno. */
int loop_add(struct loop *loop, int fd, unsigned events, loop_handler *ready, void *data);

/* Changes what it is waited for. */
void loop_change(struct loop *loop, int fd, unsigned events);

/* Before the descriptor is closed. Allowed within handlers, also for others than their own. */
void loop_remove(struct loop *loop, int fd);

/* Waits once, for as long as it takes, and calls the handlers of what is ready. Meanwhile only the signals of
 * the mask are blocked (NULL: as ever); one that is handled ends the wait. */
void loop_turn(struct loop *loop, const sigset_t *mask);

/* The monotonic clock, in milliseconds. */
int64_t clock_now(void);

#endif
