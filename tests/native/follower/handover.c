/* A server whose threads hand over plain memory through everything but locks. A line "LETTER NUMBER": the
 * main thread puts the number into `box` and lets the worker of that letter go on; that one puts its result
 * into `out` and lets the main thread go on, which answers with it. Nothing but the kernel orders the two.
 *
 * - p  pipes
 * - e  eventfd that is waited for by an edge-triggered epoll, and not read
 * - x  an instance of epoll into which the other thread puts a descriptor
 * - o  a registration that fires once and is enabled again
 * - u  a pair of Unix sockets
 * - t  a TCP connection of the process's own
 * - m  a timer that the other thread sets
 * - n  connections to its own Unix socket
 * - i  connections to its own TCP socket
 * - c  a number that one thread closes, and the other is given by dup
 * - w  a write that waits until there is room in a pipe
 * - k  signals to the process, for which sigwaitinfo waits
 * - l  flock
 * - s  a System V semaphore, its key the port
 * - f  a child that one thread makes and the other waits for */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/sem.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "server.h"

#define NUMBERS 256
static long box, out, table[NUMBERS];

static void must(int done) {
    if (!done)
        abort();
}

/* Both ends of what is written to [1] and read from [0]; most ways are answered by `back`. */
static int request[2], back[2], wanted[2];
static void put(int fd, size_t size) {
    static char bytes[4096];
    must(write(fd, bytes, size) == (ssize_t)size);
}
static void get(int fd, size_t size) {
    char bytes[4096];
    must(read(fd, bytes, size) == (ssize_t)size);
}

static void *pipes(void *unused) {
    for (;;) {
        get(request[0], 1);
        out = box * 3 + 1;
        put(back[1], 1);
    }
    return unused;
}

/* A debugger that attaches interrupts it. */
static void wait_on(int instance, struct epoll_event *got) {
    int count;
    do
        count = epoll_wait(instance, got, 1, -1);
    while (count < 0 && errno == EINTR);
    must(count == 1);
}

static int event, event_back;
static void *events(void *unused) {
    int instance = epoll_create1(0);
    struct epoll_event got = {.events = EPOLLIN | EPOLLET};
    long last = 0;
    must(!epoll_ctl(instance, EPOLL_CTL_ADD, event, &got));
    for (;;) {
        wait_on(instance, &got);
        if (box == last) /* an edge more, of a promoted process */
            continue;
        last = box;
        out = box * 3 + 1;
        must(!eventfd_write(event_back, 1));
    }
    return unused;
}

static int instance, ready;
static void *watcher(void *unused) {
    struct epoll_event got;
    for (;;) {
        wait_on(instance, &got);
        long *value = got.data.ptr;
        out = *value * 3 + 1;
        must(!epoll_ctl(instance, EPOLL_CTL_DEL, ready, NULL));
        put(back[1], 1);
    }
    return unused;
}

static void *once_more(void *unused) {
    struct epoll_event got;
    for (;;) {
        wait_on(instance, &got);
        out = *(long *)got.data.ptr * 3 + 1;
        put(back[1], 1);
    }
    return unused;
}

static int pair[2], own_tcp[2];
static void *talker(void *end) {
    for (;;) {
        get(*(int *)end, 1);
        out = box * 3 + 1;
        put(*(int *)end, 1);
    }
    return NULL;
}

static int unix_listener, tcp_listener;
static void *acceptor(void *listener) {
    for (;;) {
        int connection = accept(*(int *)listener, NULL, NULL);
        out = box * 3 + 1;
        put(back[1], 1);
        get(connection, 1);
        must(!close(connection));
    }
    return NULL;
}

static int passed;
static void *closer(void *unused) {
    for (;;) {
        get(wanted[0], 1);
        table[passed] = box * 3 + 1;
        must(!close(passed));
    }
    return unused;
}

static int full[2];
static void *blocked(void *unused) {
    for (;;) {
        put(full[1], 4096);
        out = box * 3 + 1;
        put(back[1], 1);
    }
    return unused;
}

static sigset_t first, second;
static void *signalled(void *unused) {
    for (;;) {
        must(sigwaitinfo(&first, NULL) > 0);
        out = box * 3 + 1;
        must(!kill(getpid(), SIGUSR2));
    }
    return unused;
}

static int lock_here, lock_there;
static void *locker(void *unused) {
    for (;;) {
        must(!flock(lock_there, LOCK_EX));
        out = box * 3 + 1;
        must(!flock(lock_there, LOCK_UN));
        put(back[1], 1);
        get(wanted[0], 1);
    }
    return unused;
}

static int semaphore;
static void change(int by) {
    struct sembuf operation = {.sem_op = (short)by};
    must(!semop(semaphore, &operation, 1));
}
static void *counting(void *unused) {
    for (;;) {
        change(-1);
        out = box * 3 + 1;
        put(back[1], 1);
    }
    return unused;
}

static int timer;
static void *timed(void *unused) {
    for (;;) {
        get(timer, 8);
        out = box * 3 + 1;
        put(back[1], 1);
    }
    return unused;
}

static void *waiter(void *unused) {
    const struct timespec nap = {.tv_nsec = 50000};
    for (;;) {
        while (waitpid(-1, NULL, WNOHANG) <= 0)
            nanosleep(&nap, NULL);
        out = box * 3 + 1;
        put(back[1], 1);
    }
    return unused;
}

static void reach(int domain, int listener) {
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    int connection = socket(domain, SOCK_STREAM, 0);
    must(!getsockname(listener, (struct sockaddr *)&address, &size));
    must(!connect(connection, (struct sockaddr *)&address, size));
    get(back[0], 1);
    put(connection, 1);
    must(!close(connection));
}

/* The other thread closes the number; this one asks for numbers until it is given that one. */
static void number_again(void) {
    int fd = dup(0), again;
    must(fd >= 0 && fd < NUMBERS);
    passed = fd;
    table[fd] = 0;
    put(wanted[1], 1);
    while ((again = dup(0)) != fd) {
        must(!close(again));
        sched_yield();
    }
    out = table[fd];
    must(!close(again));
}

static void hand_over(char letter) {
    uint64_t count;
    switch (letter) {
    case 'p':
        put(request[1], 1);
        get(back[0], 1);
        return;
    case 'e':
        must(!eventfd_write(event, 1) && !eventfd_read(event_back, &count));
        return;
    case 'x':
        must(!epoll_ctl(instance, EPOLL_CTL_ADD, ready,
                        &(struct epoll_event){.events = EPOLLIN, .data.ptr = &box}));
        get(back[0], 1);
        return;
    case 'o':
        must(!epoll_ctl(instance, EPOLL_CTL_MOD, ready,
                        &(struct epoll_event){.events = EPOLLIN | EPOLLONESHOT, .data.ptr = &box}));
        get(back[0], 1);
        return;
    case 'u':
        put(pair[0], 1);
        get(pair[0], 1);
        return;
    case 't':
        put(own_tcp[0], 1);
        get(own_tcp[0], 1);
        return;
    case 'n':
        reach(AF_UNIX, unix_listener);
        return;
    case 'i':
        reach(AF_INET, tcp_listener);
        return;
    case 'c':
        number_again();
        return;
    case 'w':
        get(full[0], 4096);
        get(back[0], 1);
        return;
    case 'k':
        must(!kill(getpid(), SIGUSR1) && sigwaitinfo(&second, NULL) > 0);
        return;
    case 'l':
        must(!flock(lock_here, LOCK_UN));
        get(back[0], 1);
        must(!flock(lock_here, LOCK_EX));
        put(wanted[1], 1);
        return;
    case 's':
        change(1);
        get(back[0], 1);
        return;
    case 'm':
        must(!timerfd_settime(timer, 0, &(struct itimerspec){.it_value.tv_nsec = 1}, NULL));
        get(back[0], 1);
        return;
    case 'f':
        if (!fork())
            _exit(0);
        get(back[0], 1);
        return;
    default:
        abort();
    }
}

static void answer(char *reply, const char *line) {
    box = number(line + 2);
    hand_over(line[0]);
    (void)snprintf(reply, 256, "%ld\n", out);
}

static void make(void *(*function)(void *), void *argument) {
    pthread_t thread;
    must(!pthread_create(&thread, NULL, function, argument));
}

static void prepare(char letter, int key) {
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un there = {.sun_family = AF_UNIX, .sun_path = "own"};
    socklen_t size = sizeof here;
    /* What a dead leader moved through sockets is known, unlike through a pipe. */
    must(!pipe(request) && !socketpair(AF_UNIX, SOCK_STREAM, 0, back) &&
         !socketpair(AF_UNIX, SOCK_STREAM, 0, wanted));
    sigemptyset(&first);
    sigaddset(&first, SIGUSR1);
    sigemptyset(&second);
    sigaddset(&second, SIGUSR2);
    switch (letter) {
    case 'p':
        make(pipes, NULL);
        return;
    case 'e':
        event = eventfd(0, EFD_NONBLOCK);
        event_back = eventfd(0, 0);
        make(events, NULL);
        return;
    case 'x':
        instance = epoll_create1(0);
        ready = eventfd(1, 0);
        make(watcher, NULL);
        return;
    case 'o':
        instance = epoll_create1(0);
        ready = eventfd(1, 0);
        must(!epoll_ctl(instance, EPOLL_CTL_ADD, ready, &(struct epoll_event){.events = 0}));
        make(once_more, NULL);
        return;
    case 'u':
        must(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
        make(talker, &pair[1]);
        return;
    case 't':
    case 'i':
        tcp_listener = socket(AF_INET, SOCK_STREAM, 0);
        must(!bind(tcp_listener, (struct sockaddr *)&here, sizeof here) && !listen(tcp_listener, 5) &&
             !getsockname(tcp_listener, (struct sockaddr *)&here, &size));
        if (letter == 'i') {
            make(acceptor, &tcp_listener);
            return;
        }
        own_tcp[0] = socket(AF_INET, SOCK_STREAM, 0);
        must(!connect(own_tcp[0], (struct sockaddr *)&here, size));
        own_tcp[1] = accept(tcp_listener, NULL, NULL);
        make(talker, &own_tcp[1]);
        return;
    case 'n':
        unix_listener = socket(AF_UNIX, SOCK_STREAM, 0);
        must(!bind(unix_listener, (struct sockaddr *)&there, sizeof there) && !listen(unix_listener, 5));
        make(acceptor, &unix_listener);
        return;
    case 'c':
        make(closer, NULL);
        return;
    case 'w':
        must(!pipe(full));
        for (int i = 0; i < fcntl(full[1], F_GETPIPE_SZ) / 4096; i++)
            put(full[1], 4096);
        make(blocked, NULL);
        return;
    case 'k':
        must(!pthread_sigmask(SIG_BLOCK, &first, NULL) && !pthread_sigmask(SIG_BLOCK, &second, NULL));
        make(signalled, NULL);
        return;
    case 'l':
        lock_here = open("lock", O_CREAT | O_RDWR, 0600);
        lock_there = open("lock", O_RDWR);
        must(!flock(lock_here, LOCK_EX));
        make(locker, NULL);
        return;
    case 's':
        semaphore = semget(key, 1, IPC_CREAT | 0600);
        make(counting, NULL);
        return;
    case 'm':
        timer = timerfd_create(CLOCK_MONOTONIC, 0);
        make(timed, NULL);
        return;
    case 'f':
        make(waiter, NULL);
        return;
    default:
        exit(2);
    }
}

int main(int argc, char **argv) {
    if (argc != 3)
        return 2;
    prepare(argv[1][0], (int)number(argv[2]));
    return serve(argv[2], answer);
}
