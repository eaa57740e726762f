#include "connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/memory.h"
#include "command.h"
#include "settings.h"
#include "worker.h"

enum {
    READ_SIZE = 16384,
    OUTPUT_MOST = 1 << 20, /* a client that does not read its answers is not listened to */
};

static void log_peer(const struct connection *connection, const char *what) {
    char host[INET6_ADDRSTRLEN] = "?";
    const union address *peer = &connection->peer;
    bool v6 = peer->any.sa_family == AF_INET6;
    if (!inet_ntop(peer->any.sa_family, v6 ? (const void *)&peer->v6.sin6_addr : &peer->v4.sin_addr, host,
                   sizeof host))
        return;
    log_line(LOG_DETAIL, "connection %llu of %s, port %u: %s", (unsigned long long)connection->number, host,
             ntohs(v6 ? peer->v6.sin6_port : peer->v4.sin_port), what);
}

static void free_connection(struct connection *connection) {
    log_peer(connection, "ends");
    loop_remove(connection->worker->loop, connection->fd);
    close(connection->fd);
    worker_forgets(connection->worker, connection);
    free(connection->input.bytes);
    output_clear(&connection->output);
    free(connection);
}

static void make_room(struct input *input) {
    if (input->capacity - input->size >= READ_SIZE)
        return;
    size_t capacity = input->capacity ? input->capacity : READ_SIZE;
    while (capacity - input->size < READ_SIZE)
        capacity *= 2;
    input->bytes = memory_resized(input->bytes, capacity);
    input->capacity = capacity;
}

/* The next complete line, or what there is of it: complete tells. */
static struct text next_line(struct input *input, size_t begin, bool *complete) {
    size_t from = input->scanned > begin ? input->scanned : begin;
    const char *newline = from < input->size ? memchr(input->bytes + from, '\n', input->size - from) : NULL;
    size_t end = newline ? (size_t)(newline - input->bytes) : input->size;
    input->scanned = newline ? end + 1 : end;
    *complete = newline;
    return (struct text){input->bytes + begin, end - begin};
}

static void answer_line(struct connection *connection, struct text line, bool complete) {
    if (connection->state == CONNECTION_SKIPPING) {
        if (complete)
            connection->state = CONNECTION_OPEN;
    } else if (line.size > (size_t)setting(&settings.max_line)) {
        output_format(&connection->output, "ERROR line too long\n");
        if (!complete)
            connection->state = CONNECTION_SKIPPING;
    } else if (complete) {
        if (line.size > 0 && line.bytes[line.size - 1] == '\r')
            line.size--;
        if (!command_run(connection, line))
            connection->state = CONNECTION_ENDING;
    }
}

/* Answers the complete lines, while the answers have room. true: something is left for when they have again.
 */
static bool answer_lines(struct connection *connection) {
    struct input *input = &connection->input;
    size_t begin = 0;
    bool complete = true, full = false;
    while (complete && begin < input->size && connection->state != CONNECTION_ENDING) {
        full = connection->output.size >= OUTPUT_MOST;
        if (full)
            break;
        struct text line = next_line(input, begin, &complete);
        answer_line(connection, line, complete);
        if (complete || connection->state == CONNECTION_SKIPPING)
            begin = input->scanned;
    }
    input->size -= begin;
    input->scanned -= begin;
    if (input->size > 0)
        memmove(input->bytes, input->bytes + begin, input->size);
    return full;
}

/* An idle connection needs no buffer. */
static void trim(struct input *input) {
    if (input->size > 0)
        return;
    free(input->bytes);
    *input = (struct input){0};
}

/* Who has requests left is not read from: the end of what it sends would hide them. */
static void await(struct connection *connection, bool left) {
    bool open = connection->state != CONNECTION_ENDING;
    unsigned events = (open && !left ? LOOP_READ : 0) | (connection->output.size > 0 ? LOOP_WRITE : 0);
    if (events != connection->events)
        loop_change(connection->worker->loop, connection->fd, events);
    connection->events = events;
}

/* Answers and sends until the client has to do something. */
static void advance(struct connection *connection) {
    bool left;
    do {
        left = answer_lines(connection);
        enum output_result result = output_send(&connection->output, connection->fd);
        if (result == OUTPUT_BROKEN || (result == OUTPUT_SENT && connection->state == CONNECTION_ENDING)) {
            free_connection(connection);
            return;
        }
        if (result == OUTPUT_BLOCKED)
            break;
    } while (left);
    trim(&connection->input);
    await(connection, left);
}

static void receive(struct connection *connection) {
    struct input *input = &connection->input;
    make_room(input);
    ssize_t got = read(connection->fd, input->bytes + input->size, input->capacity - input->size);
    if (got > 0)
        input->size += (size_t)got;
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        connection->state = CONNECTION_ENDING;
}

static void connection_ready(struct loop *loop, int fd, unsigned events, void *data) {
    (void)loop;
    (void)fd;
    struct connection *connection = data;
    if (events & connection->events & LOOP_READ)
        receive(connection);
    advance(connection);
}

void connection_new(struct worker *worker, int fd, const union address *peer, uint64_t number) {
    struct connection *connection = memory_zeroed(1, sizeof *connection);
    connection->worker = worker;
    connection->fd = fd;
    connection->number = number;
    connection->peer = *peer;
    connection->events = LOOP_READ;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (loop_add(worker->loop, fd, LOOP_READ, connection_ready, connection)) {
        log_line(LOG_ERROR, "epoll_ctl: %s", strerror(errno));
        close(fd);
        free(connection);
        return;
    }
    worker_knows(worker, connection);
    log_peer(connection, "begins");
}

void connection_end(struct connection *connection) {
    (void)output_send(&connection->output, connection->fd);
    free_connection(connection);
}
