/* Descriptors between threads: pointers through a pipe, an event loop that an eventfd wakes, numbers that one
 * thread closes and another gets. */
#include "hard.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

struct work {
    pthread_mutex_t lock;
    pthread_cond_t done;
    long value, doubled;
    int ready;
};
#define WORKS 1024
static struct work works[WORKS];
static long work_count;
static int work_pipe[2];

static struct work *fresh_work(long value) {
    struct work *work = &works[take_numbers(&work_count, 1) % WORKS];
    work->value = value;
    work->ready = 0;
    return work;
}

static long await(struct work *work) {
    pthread_mutex_lock(&work->lock);
    while (!work->ready)
        pthread_cond_wait(&work->done, &work->lock);
    long result = work->doubled;
    pthread_mutex_unlock(&work->lock);
    return result;
}

static void finish(struct work *work) {
    pthread_mutex_lock(&work->lock);
    work->doubled = 2 * work->value;
    work->ready = 1;
    pthread_cond_signal(&work->done);
    pthread_mutex_unlock(&work->lock);
}

/* Two workers read pointers from one pipe. */
static void *pipe_worker(void *unused) {
    struct work *work;
    (void)unused;
    for (;;) {
        CHECK(read(work_pipe[0], (void *)&work, sizeof(void *)) == sizeof(void *));
        finish(work);
    }
    return NULL;
}
static long through_pipe(struct connection *own, int member, long n) {
    long sum = 0;
    (void)own;
    for (long i = 0; i < n; i++) {
        struct work *work = fresh_work(i + member);
        CHECK(write(work_pipe[1], (const void *)&work, sizeof(void *)) == sizeof(void *));
        CHECK(await(work) == 2 * (i + member));
        sum++;
    }
    return sum;
}

/* The loop takes what stands in the queue when its eventfd tells. */
static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static struct work *queue[WORKS];
static unsigned head, tail;
static int bell, instance;
static void *loop(void *unused) {
    (void)unused;
    for (;;) {
        struct epoll_event event;
        unsigned long rung;
        if (epoll_wait(instance, &event, 1, -1) != 1)
            continue;
        CHECK(event.data.ptr == (void *)queue);
        CHECK(read(bell, &rung, sizeof rung) == sizeof rung);
        for (;;) {
            pthread_mutex_lock(&queue_lock);
            struct work *work = head == tail ? NULL : queue[head++ % WORKS];
            pthread_mutex_unlock(&queue_lock);
            if (!work)
                break;
            finish(work);
        }
    }
    return NULL;
}
static long through_bell(struct connection *own, int member, long n) {
    const unsigned long one = 1;
    long sum = 0;
    (void)own;
    for (long i = 0; i < n; i++) {
        struct work *work = fresh_work(i + member);
        pthread_mutex_lock(&queue_lock);
        queue[tail++ % WORKS] = work;
        pthread_mutex_unlock(&queue_lock);
        CHECK(write(bell, &one, sizeof one) == sizeof one);
        CHECK(await(work) == 2 * (i + member));
        sum++;
    }
    return sum;
}

/* Numbers are used again and again, by whoever comes. */
static long open_and_close(struct connection *own, int member, long n) {
    (void)own;
    (void)member;
    for (long i = 0; i < n; i++) {
        int ends[2], other;
        char byte = 'x';
        CHECK(pipe2(ends, O_CLOEXEC) == 0);
        CHECK((other = dup(ends[1])) >= 0);
        CHECK(write(other, &byte, 1) == 1);
        CHECK(read(ends[0], &byte, 1) == 1);
        CHECK(close(ends[1]) == 0 && close(other) == 0);
        CHECK(read(ends[0], &byte, 1) == 0);
        CHECK(close(ends[0]) == 0);
    }
    return n;
}

/* A timer of the thread's own: n milliseconds, one by one. */
static long tick(struct connection *own, long n) {
    static const struct itimerspec often = {{0, 1000000}, {0, 1000000}};
    unsigned long expired;
    long sum = 0;
    (void)own;
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    CHECK(timer >= 0 && timerfd_settime(timer, 0, &often, NULL) == 0);
    while (sum < n) {
        CHECK(read(timer, &expired, sizeof expired) == sizeof expired && expired > 0);
        sum += (long)expired;
    }
    CHECK(close(timer) == 0);
    return n;
}

void descriptors_start(void) {
    pthread_t thread;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = (void *)queue};
    for (int i = 0; i < WORKS; i++) {
        pthread_mutex_init(&works[i].lock, NULL);
        pthread_cond_init(&works[i].done, NULL);
    }
    CHECK(pipe(work_pipe) == 0);
    CHECK((bell = eventfd(0, 0)) >= 0);
    CHECK((instance = epoll_create1(0)) >= 0);
    CHECK(epoll_ctl(instance, EPOLL_CTL_ADD, bell, &event) == 0);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&thread, NULL, pipe_worker, NULL) == 0);
    CHECK(pthread_create(&thread, NULL, loop, NULL) == 0);
}

const struct command descriptor_commands[] = {{"pipe", NULL, through_pipe, NULL},
                                              {"bell", NULL, through_bell, NULL},
                                              {"reuse", NULL, open_and_close, NULL},
                                              {"timerfd", NULL, NULL, tick},
                                              {NULL, NULL, NULL, NULL}};
