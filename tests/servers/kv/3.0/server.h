/* The server: what it listens on, who serves, what is stored.
 */
#ifndef KV_SERVER_H
#define KV_SERVER_H

#include <stdint.h>

#include "../base/jobs.h"
#include "options.h"
#include "store.h"
#include "worker.h"

struct server {
    struct store *store;
    struct loop *loop; /* of the main thread */
    struct worker *workers;
    unsigned worker_count;
    int listener;
    int spare;            /* a descriptor kept back, for when there are no more */
    uint64_t refused;     /* connections that came when there were none */
    uint64_t reported;    /* accepted as of the last report; the main thread's */
    pthread_mutex_t lock; /* of what the threads are told: */
    uint64_t accepted;
};

struct server_totals {
    uint64_t accepted;
    size_t connections;
};

/* The one of this process. */
extern struct server server;

extern const char server_version[];

/* Listens, and starts the threads. 0; or -1, and the reason is in the log. */
int server_start(struct server *server, const struct options *options);

/* Serves until a signal ends it. */
void serve(struct server *server);

/* Closes all connections and gives everything back. */
void server_end(struct server *server);

/* Any thread may ask. */
struct server_totals server_count(void);

#endif
