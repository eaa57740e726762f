/* One client: reads its requests, a line each, and sends the answers, in their order.
 */
#ifndef KV_CONNECTION_H
#define KV_CONNECTION_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

#include "output.h"

struct worker;

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

enum connection_state {
    CONNECTION_OPEN,
    CONNECTION_SKIPPING, /* the rest of a line that is too long */
    CONNECTION_ENDING,   /* takes no more requests, and is closed when its answers are sent */
};

struct input {
    char *bytes;
    size_t size, capacity;
    size_t scanned; /* so far there is no newline */
};

struct connection {
    struct connection *next, *previous; /* of the same worker */
    struct worker *worker;
    int fd;
    enum connection_state state;
    unsigned events; /* that its worker's loop waits for */
    uint64_t number;
    union address peer;
    struct input input;
    struct output output;
};

/* Takes the socket over; it belongs to this worker from now on. The number is the log's. */
void connection_new(struct worker *worker, int fd, const union address *peer, uint64_t number);

/* Sends what can still be sent at once, and closes it. */
void connection_end(struct connection *connection);

#endif
