#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "memory.h"

enum { BATCH = 256, FIRST_CAPACITY = 64 };

int64_t clock_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int loop_start(struct loop *loop) {
    *loop = (struct loop){.epoll = epoll_create1(EPOLL_CLOEXEC), .now = clock_now()};
    return loop->epoll < 0 ? -1 : 0;
}

void loop_end(struct loop *loop) {
    close(loop->epoll);
    free(loop->watches);
}

static uint32_t epoll_events(unsigned events) {
    return (events & LOOP_READ ? EPOLLIN | EPOLLRDHUP : 0) | (events & LOOP_WRITE ? EPOLLOUT : 0);
}

static int control(struct loop *loop, int operation, int fd, unsigned events) {
    struct epoll_event event = {.events = epoll_events(events), .data.fd = fd};
    return epoll_ctl(loop->epoll, operation, fd, &event);
}

static void reserve(struct loop *loop, size_t wanted) {
    size_t capacity = loop->capacity ? loop->capacity : FIRST_CAPACITY;
    while (capacity < wanted)
        capacity *= 2;
    if (capacity == loop->capacity)
        return;
    loop->watches = memory_resized(loop->watches, capacity * sizeof *loop->watches);
    memset(loop->watches + loop->capacity, 0, (capacity - loop->capacity) * sizeof *loop->watches);
    loop->capacity = capacity;
}

int loop_add(struct loop *loop, int fd, unsigned events, loop_handler *ready, void *data) {
    reserve(loop, (size_t)fd + 1);
    if (control(loop, EPOLL_CTL_ADD, fd, events))
        return -1;
    loop->watches[fd] = (struct watch){ready, data};
    return 0;
}

void loop_change(struct loop *loop, int fd, unsigned events) {
    if (control(loop, EPOLL_CTL_MOD, fd, events))
        log_line(LOG_ERROR, "epoll_ctl for descriptor %d: %s", fd, strerror(errno));
}

void loop_remove(struct loop *loop, int fd) {
    control(loop, EPOLL_CTL_DEL, fd, 0);
    loop->watches[fd] = (struct watch){0};
}

void loop_turn(struct loop *loop, const sigset_t *mask) {
    struct epoll_event ready[BATCH];
    int count = epoll_pwait(loop->epoll, ready, BATCH, -1, mask);
    if (count < 0 && errno != EINTR) {
        log_line(LOG_ERROR, "epoll_pwait: %s", strerror(errno));
        abort();
    }
    loop->now = clock_now();
    for (int i = 0; i < count; i++) {
        int fd = ready[i].data.fd;
        /* An earlier handler of this batch may have closed it, and accept given its number to another: that
         * one's handler finds nothing to read, which it must bear anyway. */
        struct watch watch = loop->watches[fd];
        unsigned events = (ready[i].events & ~(uint32_t)EPOLLOUT ? LOOP_READ : 0) |
                          (ready[i].events & (EPOLLOUT | EPOLLERR | EPOLLHUP) ? LOOP_WRITE : 0);
        if (watch.ready)
            watch.ready(loop, fd, events, watch.data);
    }
}
