#include "worker.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../base/memory.h"

static void begin(struct worker *worker, struct loop *loop) {
    *worker = (struct worker){.loop = loop, .wakeup = -1};
    worker->last_arrival = &worker->arrivals;
    pthread_mutex_init(&worker->lock, NULL);
}

void worker_start_here(struct worker *worker, struct loop *loop) {
    begin(worker, loop);
}

static void take_arrivals(struct worker *worker) {
    pthread_mutex_lock(&worker->lock);
    struct arrival *arrival = worker->arrivals;
    worker->arrivals = NULL;
    worker->last_arrival = &worker->arrivals;
    pthread_mutex_unlock(&worker->lock);
    while (arrival) {
        struct arrival *next = arrival->next;
        connection_new(worker, arrival->fd, &arrival->peer, arrival->number);
        free(arrival);
        arrival = next;
    }
}

static void wakeup_ready(struct loop *loop, int fd, unsigned events, void *data) {
    (void)loop;
    (void)events;
    uint64_t times;
    if (read(fd, &times, sizeof times) == sizeof times)
        take_arrivals(data);
}

static bool is_ending(struct worker *worker) {
    pthread_mutex_lock(&worker->lock);
    bool ending = worker->ending;
    pthread_mutex_unlock(&worker->lock);
    return ending;
}

/* The signals are the main thread's: it has blocked them before it started this one. */
static void *work(void *data) {
    struct worker *worker = data;
    while (!is_ending(worker))
        loop_turn(worker->loop, NULL);
    return NULL;
}

static void drop(struct worker *worker) {
    if (worker->wakeup >= 0)
        close(worker->wakeup);
    loop_end(worker->loop);
    free(worker->loop);
}

int worker_start_thread(struct worker *worker) {
    begin(worker, memory_new(sizeof *worker->loop));
    if (loop_start(worker->loop)) {
        int error = errno;
        free(worker->loop);
        return error;
    }
    worker->wakeup = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int error = 0;
    if (worker->wakeup < 0 || loop_add(worker->loop, worker->wakeup, LOOP_READ, wakeup_ready, worker))
        error = errno;
    else
        error = pthread_create(&worker->thread, NULL, work, worker);
    if (error)
        drop(worker);
    return error;
}

static void wake(struct worker *worker) {
    const uint64_t once = 1;
    /* It can only fail when 2^64 - 2 wake-ups wait: the worker is awake then. */
    ssize_t written = write(worker->wakeup, &once, sizeof once);
    (void)written;
}

void worker_end(struct worker *worker) {
    bool threaded = worker->wakeup >= 0;
    if (threaded) {
        pthread_mutex_lock(&worker->lock);
        worker->ending = true;
        pthread_mutex_unlock(&worker->lock);
        wake(worker);
        pthread_join(worker->thread, NULL);
        take_arrivals(worker);
    }
    while (worker->connections)
        connection_end(worker->connections);
    if (threaded)
        drop(worker);
    pthread_mutex_destroy(&worker->lock);
}

void worker_give(struct worker *worker, int fd, const union address *peer) {
    static uint64_t number;
    number++;
    if (worker->wakeup < 0) {
        connection_new(worker, fd, peer, number);
        return;
    }
    struct arrival *arrival = memory_new(sizeof *arrival);
    *arrival = (struct arrival){.fd = fd, .number = number, .peer = *peer};
    pthread_mutex_lock(&worker->lock);
    *worker->last_arrival = arrival;
    worker->last_arrival = &arrival->next;
    pthread_mutex_unlock(&worker->lock);
    wake(worker);
}

size_t worker_count(struct worker *worker) {
    pthread_mutex_lock(&worker->lock);
    size_t count = worker->count;
    pthread_mutex_unlock(&worker->lock);
    return count;
}

static void count_more(struct worker *worker, size_t difference) {
    pthread_mutex_lock(&worker->lock);
    worker->count += difference;
    pthread_mutex_unlock(&worker->lock);
}

void worker_knows(struct worker *worker, struct connection *connection) {
    connection->next = worker->connections;
    if (connection->next)
        connection->next->previous = connection;
    worker->connections = connection;
    count_more(worker, 1);
}

void worker_forgets(struct worker *worker, struct connection *connection) {
    if (connection->next)
        connection->next->previous = connection->previous;
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        worker->connections = connection->next;
    count_more(worker, (size_t)-1);
}
