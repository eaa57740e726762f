#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/listener.h"
#include "../base/log.h"
#include "../base/memory.h"
#include "../base/signals.h"
#include "settings.h"

enum { SHARDS_TO_A_THREAD = 4, ACCEPTS = 64 };

struct server server = {.listener = -1, .spare = -1, .lock = PTHREAD_MUTEX_INITIALIZER};

const char server_version[] = "1.0";

static struct jobs jobs;

struct server_totals server_count(void) {
    struct server_totals totals = {0};
    pthread_mutex_lock(&server.lock);
    totals.accepted = server.accepted;
    pthread_mutex_unlock(&server.lock);
    for (unsigned i = 0; i < server.worker_count; i++)
        totals.connections += worker_count(&server.workers[i]);
    return totals;
}

/* The workers take turns. */
static struct worker *next_worker(void) {
    static unsigned turn;
    return &server.workers[turn++ % server.worker_count];
}

/* There is no descriptor left. The client is told by a close at once: it would wait for one for ever. */
static void refuse(int listener) {
    close(server.spare);
    int refused = accept(listener, NULL, NULL);
    if (refused >= 0)
        close(refused);
    server.spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    log_line(LOG_ERROR, "a connection is refused: too many are open");
}

static void listener_ready(struct loop *loop, int fd, unsigned events, void *data) {
    (void)loop;
    (void)events;
    (void)data;
    for (int i = 0; i < ACCEPTS; i++) {
        union address peer = {0};
        socklen_t size = sizeof peer;
        int connection = accept4(fd, &peer.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (connection < 0) {
            if (errno == EMFILE || errno == ENFILE)
                refuse(fd);
            return;
        }
        pthread_mutex_lock(&server.lock);
        server.accepted++;
        pthread_mutex_unlock(&server.lock);
        worker_give(next_worker(), connection, &peer);
    }
}

static void sweep(void *data, int64_t now) {
    store_sweep(data, now);
}

static void report(void *data, int64_t now) {
    (void)now;
    struct server_totals clients = server_count();
    if (clients.accepted == server.reported)
        return;
    struct store_totals totals = store_count(data);
    log_line(LOG_NOTICE, "%zu keys of %zu bytes, %zu connections, %llu accepted", totals.keys, totals.bytes,
             clients.connections, (unsigned long long)clients.accepted);
    server.reported = clients.accepted;
}

static int start_workers(struct server *server, unsigned threads) {
    server->workers = memory_zeroed(threads ? threads : 1, sizeof *server->workers);
    if (threads == 0) {
        worker_start_here(&server->workers[0], server->loop);
        server->worker_count = 1;
    }
    while (server->worker_count < threads) {
        int error = worker_start_thread(&server->workers[server->worker_count]);
        if (error) {
            log_line(LOG_ERROR, "a thread can't be started: %s", strerror(error));
            return -1;
        }
        server->worker_count++;
    }
    return 0;
}

int server_start(struct server *server, const struct options *options) {
    signals_start();
    server->listener = listener_open(options->bind, options->port, server_version);
    if (server->listener < 0)
        return -1;
    server->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    server->store = store_new(options->threads ? options->threads * SHARDS_TO_A_THREAD : 1);
    server->loop = memory_new(sizeof *server->loop);
    if (loop_start(server->loop) || jobs_start(&jobs, server->loop) ||
        loop_add(server->loop, server->listener, LOOP_READ, listener_ready, NULL)) {
        log_line(LOG_ERROR, "the event loop can't be started: %s", strerror(errno));
        return -1;
    }
    jobs_add(&jobs, "report", &settings.report_period, report, server->store);
    jobs_add(&jobs, "expiry", &settings.expiry_period, sweep, server->store);
    return start_workers(server, options->threads);
}

void serve(struct server *server) {
    while (!signals_end_asked()) {
        loop_turn(server->loop, signals_while_waiting());
        if (signals_reopen_asked())
            log_reopen();
    }
}

void server_end(struct server *server) {
    close(server->listener);
    for (unsigned i = 0; i < server->worker_count; i++)
        worker_end(&server->workers[i]);
    free(server->workers);
    jobs_end(&jobs);
    loop_end(server->loop);
    free(server->loop);
    store_free(server->store);
    close(server->spare);
}
