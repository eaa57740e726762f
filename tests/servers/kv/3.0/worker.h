/* A thread that serves connections, with a loop of its own. Without threads there is one worker, whose loop
 * is the server's.
 */
#ifndef KV_WORKER_H
#define KV_WORKER_H

#include <pthread.h>
#include <stdbool.h>

#include "../base/loop.h"
#include "connection.h"

/* A connection that was accepted for a worker. */
struct arrival {
    struct arrival *next;
    int fd;
    uint64_t number;
    union address peer;
};

struct worker {
    struct loop *loop;
    struct connection *connections;
    int wakeup; /* an eventfd that the thread waits for; -1: it has no thread of its own */
    pthread_t thread;
    pthread_mutex_t lock;                     /* of what other threads change or read: */
    struct arrival *arrivals, **last_arrival; /* in their order */
    size_t count;                             /* of connections */
    bool ending;
};

/* Lets it serve in this loop, in the calling thread. */
void worker_start_here(struct worker *worker, struct loop *loop);

/* Starts a thread. 0, or an error number. */
int worker_start_thread(struct worker *worker);

/* Ends its connections, and its thread. */
void worker_end(struct worker *worker);

/* Gives it a connection, which has its number from here. Only the main thread does that. */
void worker_give(struct worker *worker, int fd, const union address *peer);

/* Connections that it serves; any thread may ask. */
size_t worker_count(struct worker *worker);

/* For connection.c, in the worker's thread. */
void worker_knows(struct worker *worker, struct connection *connection);
void worker_forgets(struct worker *worker, struct connection *connection);

#endif
