/* resting PORT: a server whose threads rest in each way in which an update may find them. One line a request:
 *   WAY text    hands the text to the thread that rests so (condition, semaphore, read, poll, sleep, signal);
 *               the answer is what it made of it, with how many texts it has had
 *   lock, join  makes a thread wait so that it can't begin anew; spin: makes one compute; free: it goes on
 * With ASKS_FIRST it makes two calls more before it hands a text over.
 * The main thread waits in poll(2) for connections and lines, one client at a time. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../number.h"

enum { TEXT = 64 };

struct worker {
    const char *name;
    void (*rest)(struct worker *); /* returns when there is a text */
    void (*hand)(struct worker *);
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t news;
    sem_t texts;
    int pipe[2], event;
    char text[TEXT];
    int is_there;
    unsigned count;
    int answers[2];
};

struct state {
    struct worker workers[6];
    int listener, client, is_free;
    pthread_mutex_t blocked;
    pthread_t blocker;
};
struct state state;

static void rest_condition(struct worker *worker) {
    pthread_mutex_lock(&worker->lock);
    while (!worker->is_there)
        pthread_cond_wait(&worker->news, &worker->lock);
    worker->is_there = 0;
    pthread_mutex_unlock(&worker->lock);
}

static void hand_condition(struct worker *worker) {
    pthread_mutex_lock(&worker->lock);
    worker->is_there = 1;
    pthread_cond_signal(&worker->news);
    pthread_mutex_unlock(&worker->lock);
}

static void rest_semaphore(struct worker *worker) {
    while (sem_wait(&worker->texts))
        ;
}

static void hand_semaphore(struct worker *worker) {
    sem_post(&worker->texts);
}

static void rest_read(struct worker *worker) {
    char byte;
    if (read(worker->pipe[0], &byte, 1) != 1)
        abort();
}

static void hand_pipe(struct worker *worker) {
    if (write(worker->pipe[1], "x", 1) != 1)
        abort();
}

static void rest_poll(struct worker *worker) {
    struct pollfd ready = {.fd = worker->event, .events = POLLIN};
    uint64_t times;
    while (poll(&ready, 1, -1) != 1)
        ;
    if (read(worker->event, &times, sizeof times) != sizeof times)
        abort();
}

static void hand_event(struct worker *worker) {
    const uint64_t once = 1;
    if (write(worker->event, &once, sizeof once) != sizeof once)
        abort();
}

static void rest_sleep(struct worker *worker) {
    const struct timespec nap = {.tv_nsec = 10000000};
    for (;;) {
        clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
        pthread_mutex_lock(&worker->lock);
        int is_there = worker->is_there;
        worker->is_there = 0;
        pthread_mutex_unlock(&worker->lock);
        if (is_there)
            return;
    }
}

static void hand_flag(struct worker *worker) {
    pthread_mutex_lock(&worker->lock);
    worker->is_there = 1;
    pthread_mutex_unlock(&worker->lock);
}

static void rest_signal(struct worker *worker) {
    sigset_t set;
    int number;
    (void)worker;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    if (sigwait(&set, &number))
        abort();
}

static void hand_signal(struct worker *worker) {
    pthread_kill(worker->thread, SIGUSR1);
}

static void *work(void *data) {
    struct worker *worker = data;
    char answer[2 * TEXT];
    pthread_setname_np(pthread_self(), worker->name);
    for (;;) {
        worker->rest(worker);
        int length =
            snprintf(answer, sizeof answer, "%s %s %u\n", worker->name, worker->text, ++worker->count);
        if (write(worker->answers[1], answer, (size_t)length) != length)
            abort();
    }
    return NULL;
}

static void begin(struct worker *worker, const char *name, void (*rest)(struct worker *),
                  void (*hand)(struct worker *)) {
    worker->name = name;
    worker->rest = rest;
    worker->hand = hand;
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->news, NULL);
    sem_init(&worker->texts, 0, 0);
    worker->event = eventfd(0, 0);
    if (worker->event < 0 || pipe(worker->pipe) || pipe(worker->answers) ||
        pthread_create(&worker->thread, NULL, work, worker))
        abort();
}

static void *wait_for_lock(void *unused) {
    pthread_mutex_lock(&state.blocked);
    pthread_mutex_unlock(&state.blocked);
    return unused;
}

static void *wait_for_thread(void *other) {
    pthread_join(*(pthread_t *)other, NULL);
    return NULL;
}

static void *compute(void *unused) {
    while (!__atomic_load_n(&state.is_free, __ATOMIC_ACQUIRE))
        __builtin_ia32_pause();
    return unused;
}

static void say(const char *text) {
    if (write(state.client, text, strlen(text)) < 0)
        abort();
}

static void obey(char *line) {
    static pthread_t joined;
    char *text = strchr(line, ' '), answer[2 * TEXT];
    if (!strcmp(line, "lock") || !strcmp(line, "join")) {
        pthread_mutex_lock(&state.blocked);
        int joins = line[0] == 'j';
        if (joins && pthread_create(&joined, NULL, wait_for_lock, NULL))
            abort();
        if (pthread_create(&state.blocker, NULL, joins ? wait_for_thread : wait_for_lock, &joined))
            abort();
        say("blocked\n");
        return;
    }
    if (!strcmp(line, "spin")) {
        pthread_mutex_lock(&state.blocked); /* as for the others, which free ends */
        if (pthread_create(&state.blocker, NULL, compute, NULL))
            abort();
        say("blocked\n");
        return;
    }
    if (!strcmp(line, "free")) {
        __atomic_store_n(&state.is_free, 1, __ATOMIC_RELEASE);
        pthread_mutex_unlock(&state.blocked);
        pthread_join(state.blocker, NULL);
        say("free\n");
        return;
    }
    for (unsigned i = 0; text && i < sizeof state.workers / sizeof *state.workers; i++) {
        struct worker *worker = &state.workers[i];
        if (strncmp(line, worker->name, (size_t)(text - line)) != 0)
            continue;
        (void)snprintf(worker->text, sizeof worker->text, "%s", text + 1);
#ifdef ASKS_FIRST
        (void)getppid();
        (void)getpgid(0);
#endif
        worker->hand(worker);
        ssize_t got = read(worker->answers[0], answer, sizeof answer - 1);
        answer[got > 0 ? got : 0] = 0;
        say(answer);
        return;
    }
    say("what?\n");
}

/* What the main thread does before it waits: it looks at what each thread has to do yet, under its lock. The
 * first time it comes late: begun anew, the threads stand in their waits by then. */
static void look_at_all(struct state *server, int is_first) {
    struct timespec begin, now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    do
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    while (is_first && (now.tv_sec - begin.tv_sec) * 1000000000 + now.tv_nsec - begin.tv_nsec < 50000000);
    for (unsigned i = 0; i < sizeof server->workers / sizeof *server->workers; i++) {
        pthread_mutex_lock(&server->workers[i].lock);
        pthread_mutex_unlock(&server->workers[i].lock);
    }
}

void serve(struct state *server) {
    static char line[TEXT];
    static unsigned length;
    for (int is_first = 1;; is_first = 0) {
        look_at_all(server, is_first);
        struct pollfd ready[2] = {{.fd = server->listener, .events = POLLIN},
                                  {.fd = server->client, .events = POLLIN}};
        if (poll(ready, 2, -1) <= 0)
            continue;
        if (ready[0].revents) {
            if (server->client >= 0)
                close(server->client);
            server->client = accept(server->listener, NULL, NULL);
            length = 0;
            continue;
        }
        ssize_t got = read(server->client, line + length, 1);
        if (got <= 0) {
            close(server->client);
            server->client = -1;
        } else if (line[length] == '\n') {
            line[length] = 0;
            length = 0;
            obey(line);
        } else if (length < sizeof line - 1) {
            length++;
        }
    }
}

int main(int argc, char **argv) {
    sigset_t set;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int yes = 1;
    (void)signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    pthread_mutex_init(&state.blocked, NULL);
    begin(&state.workers[0], "condition", rest_condition, hand_condition);
    begin(&state.workers[1], "semaphore", rest_semaphore, hand_semaphore);
    begin(&state.workers[2], "read", rest_read, hand_pipe);
    begin(&state.workers[3], "poll", rest_poll, hand_event);
    begin(&state.workers[4], "sleep", rest_sleep, hand_flag);
    begin(&state.workers[5], "signal", rest_signal, hand_signal);
    state.client = -1;
    state.listener = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_port = htons((uint16_t)number(argv[argc - 1]));
    setsockopt(state.listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(state.listener, (struct sockaddr *)&address, sizeof address) || listen(state.listener, 8))
        abort();
    serve(&state);
}
