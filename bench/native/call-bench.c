/* call-bench [-t] PORT: what one call costs, for the calls of Varan's table and some more that a busy server
 * makes.
 *
 * Serves lines (lines.h). "calls": the names of the calls, ';' between them. "INDEX COUNT": makes so many of
 * that call and answers "CPU WALL": nanoseconds a call, of the thread's own processor time and of the clock.
 * "at INDEX": where the function is that makes the call. -t: in a process of two threads (before there is a
 * second one, locks are no events).
 *
 * As in Varan's table: a close fails at once, and time() is the vDSO's. The descriptors are devices: the
 * kernel's own part is short. What a call leaves behind (a descriptor) is taken away outside the time. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../../tests/native/number.h"
#include "lines.h"

static char text[512];
static int zero, null, loop;

static void made(int well) {
    if (!well)
        exit(1);
}

static void call_close(void) {
    made(close(-1) < 0);
}
static void call_write_512(void) {
    made(write(null, text, 512) == 512);
}
static void call_read_512(void) {
    made(read(zero, text, 512) == 512);
}
/* Both: what a follower uses for one of them alone can't be told. */
static void call_open(void) {
    made(close(open("/dev/null", O_RDONLY)) == 0);
}
static void call_time(void) {
    made(time(NULL) > 0);
}
static void call_read(void) {
    made(read(zero, text, 64) == 64);
}
static void call_write(void) {
    made(write(null, text, 64) == 64);
}
static void call_clock(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
}
/* With an argument that it doesn't have: the shim looks for one that is a descriptor in every call, and would
 * take another way by what happens to be left in the register. */
static void call_getppid(void) {
    void (*with)(long) = (void (*)(long))(uintptr_t)getppid;
    with(-1);
}
static void call_epoll_wait(void) {
    struct epoll_event event;
    made(epoll_wait(loop, &event, 1, 0) == 1);
}
static void call_futex(void) {
    static uint32_t nobodys;
    made(syscall(SYS_futex, &nobodys, FUTEX_WAKE_PRIVATE, 1) == 0);
}

static void call_mutex(void) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    pthread_mutex_unlock(&lock);
}

static const struct {
    const char *name;
    void (*call)(void);
} calls[] = {
    {"close of -1", call_close},
    {"write of 512 bytes", call_write_512},
    {"read of 512 bytes", call_read_512},
    {"open and close of /dev/null", call_open},
    {"time", call_time},
    {"read of 64 bytes", call_read},
    {"write of 64 bytes", call_write},
    {"clock_gettime", call_clock},
    {"getppid", call_getppid},
    {"epoll_wait, one event ready", call_epoll_wait},
    {"futex, wake of nobody", call_futex},
    {"mutex, lock and unlock", call_mutex},
};
#define CALLS (sizeof calls / sizeof *calls)

struct used {
    double cpu, wall;
};

static double nanoseconds(clockid_t clock) {
    struct timespec t;
    syscall(SYS_clock_gettime, clock, &t); /* getrusage would know the time of the last tick only */
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct used now(void) {
    return (struct used){nanoseconds(CLOCK_THREAD_CPUTIME_ID), nanoseconds(CLOCK_MONOTONIC)};
}

static struct used make(unsigned index, long count) {
    struct used begin = now();
    for (long i = 0; i < count; i++)
        calls[index].call();
    struct used end = now();
    return (struct used){end.cpu - begin.cpu, end.wall - begin.wall};
}

static void tell_calls(char *reply, size_t room) {
    size_t used = 0;
    for (unsigned c = 0; c < CALLS; c++)
        used += (size_t)snprintf(reply + used, room - used, "%s%s", c ? ";" : "", calls[c].name);
}

static void answer(const char *line, char *reply, size_t room) {
    if (!strcmp(line, "calls")) {
        tell_calls(reply, room);
        return;
    }
    int asks = !strncmp(line, "at ", 3);
    char *rest;
    unsigned long index = strtoul(asks ? line + 3 : line, &rest, 10);
    long count = *rest == ' ' ? number(rest + 1) : 0;
    if (index >= CALLS || (!asks && count < 1)) {
        (void)snprintf(reply, room, "no such call");
        return;
    }
    if (asks) {
        (void)snprintf(reply, room, "%#lx", (unsigned long)calls[index].call);
        return;
    }
    struct used used = make((unsigned)index, count);
    (void)snprintf(reply, room, "%.2f %.2f", used.cpu / (double)count, used.wall / (double)count);
}

static void *sleep_on(void *unused) {
    for (;;)
        pause();
    return unused;
}

int main(int argc, char **argv) {
    pthread_t thread;
    int threads = argc == 3 && !strcmp(argv[1], "-t");
    if (argc != 2 + threads)
        return fputs("usage: call-bench [-t] PORT\n", stderr), 2;
    if (threads)
        made(pthread_create(&thread, NULL, sleep_on, NULL) == 0);
    zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    loop = epoll_create1(EPOLL_CLOEXEC);
    int ready = eventfd(1, EFD_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    made(epoll_ctl(loop, EPOLL_CTL_ADD, ready, &event) == 0);
    serve_lines(number(argv[argc - 1]), answer);
    return 0;
}
