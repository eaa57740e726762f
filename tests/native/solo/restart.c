/* EINTR and SA_RESTART: blocking calls x flags, compared with the native run (pitfall 9). */
#define _GNU_SOURCE
#include "solo.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>

static volatile sig_atomic_t count;
static void counts(int number) {
    (void)number;
    count++;
}

static int fds[2], sockets[2], lonely;
static pthread_t waiter;

enum {
    READ,
    READV,
    RECV,
    RECVMSG,
    ACCEPT,
    WRITE,
    POLL,
    SELECT,
    EPOLL,
    NANOSLEEP,
    CLOCK,
    WAIT,
    WAITID,
    PAUSE,
    FLOCK,
    FUTEX,
    SIGTIMEDWAIT,
    OPEN,
    EVENTFD,
    LASTCALL
};
static const char *const call_names[] = {
    "read",        "readv",  "recv",       "recvmsg",   "accept",          "write",
    "poll",        "select", "epoll_wait", "nanosleep", "clock_nanosleep", "wait4",
    "waitid",      "pause",  "flock",      "futex",     "rt_sigtimedwait", "open",
    "eventfd read"};
static int release_fd; /* lets a restarted call end */

static long blocking(int which) {
    char byte[4096] = {0};
    struct iovec vector = {byte, 1};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    struct pollfd poller = {.fd = fds[0], .events = POLLIN};
    struct timespec wait = {20, 0}, rest; /* never over before the signal comes, even on a busy machine */
    fd_set set;
    int epoll, result, word = 0;
    struct epoll_event event = {.events = EPOLLIN};
    siginfo_t info;
    sigset_t hup;
    switch (which) {
    case READ:
        return read(fds[0], byte, 1);
    case READV:
        return readv(fds[0], &vector, 1);
    case RECV:
        return recv(sockets[0], byte, 1, 0);
    case RECVMSG:
        return recvmsg(sockets[0], &message, 0);
    case ACCEPT:
        return accept(lonely, NULL, NULL) >= 0 ? 0 : -1;
    case WRITE:
        return write(fds[1], byte, sizeof byte);
    case POLL:
        return poll(&poller, 1, 20000);
    case SELECT:
        FD_ZERO(&set);
        FD_SET(fds[0], &set);
        return select(fds[0] + 1, &set, NULL, NULL, &(struct timeval){20, 0});
    case EPOLL:
        epoll = epoll_create1(0);
        epoll_ctl(epoll, EPOLL_CTL_ADD, fds[0], &event);
        result = epoll_wait(epoll, &event, 1, 20000);
        word = errno;
        close(epoll);
        errno = word;
        return result;
    case NANOSLEEP:
        return nanosleep(&wait, &rest);
    case CLOCK:
        return (errno = clock_nanosleep(CLOCK_MONOTONIC, 0, &wait, &rest)) ? -1 : 0;
    case WAIT:
        return waitpid(-1, &word, 0) > 0 ? 1 : -1;
    case WAITID:
        return waitid(P_ALL, 0, &info, WEXITED);
    case PAUSE:
        return pause();
    case FLOCK:
        return flock(release_fd, LOCK_EX);
    case FUTEX:
        return syscall(SYS_futex, &word, 0 /* WAIT */, 0, &wait, NULL, 0);
    case SIGTIMEDWAIT:
        sigemptyset(&hup);
        sigaddset(&hup, SIGHUP);
        return sigtimedwait(&hup, &info, &wait);
    case OPEN:
        return open("fifo", O_RDONLY) >= 0 ? 0 : -1;
    case EVENTFD:
        return read(release_fd, byte, 8);
    default:
        return 0;
    }
}

/* Interrupts the main thread once it sleeps in the kernel, then lets the call end. */
static volatile pid_t target, the_child;
static volatile int which_call;
static int asleep(pid_t tid) {
    char path[64], line[256] = "";
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
    int fd = open(path, O_RDONLY);
    if (read(fd, line, sizeof line - 1) < 0)
        line[0] = 0;
    close(fd);
    char *state = strrchr(line, ')');
    return state && state[2] == 'S';
}

static void *disturb(void *lock) {
    struct timespec pause_time = {0, 200000};
    for (int calm = 0; calm < 3;) {
        nanosleep(&pause_time, NULL);
        calm = asleep(target) ? calm + 1 : 0;
    }
    syscall(SYS_tgkill, getpid(), target, SIGUSR1);
    while (count == 0)
        nanosleep(&pause_time, NULL);
    for (int i = 0; i < 20 && which_call != NANOSLEEP; i++)
        nanosleep(&pause_time, NULL);
    char drain[65536];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t length = sizeof address;
    uint64_t one = 1;
    int fd;
    switch (which_call) {
    case READ:
    case READV:
        (void)!write(fds[1], "x", 1);
        break;
    case RECV:
    case RECVMSG:
        (void)!write(sockets[1], "x", 1);
        break;
    case ACCEPT:
        getsockname(lonely, (struct sockaddr *)&address, &length);
        fd = socket(AF_UNIX, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&address, length))
            _exit(99);
        break;
    case WRITE:
        (void)!read(fds[0], drain, sizeof drain);
        break;
    case WAIT:
    case WAITID:
        kill(the_child, SIGKILL);
        break;
    case FLOCK:
        flock(*(int *)lock, LOCK_UN);
        break;
    case OPEN:
        fd = open("fifo", O_WRONLY | O_NONBLOCK);
        (void)fd;
        break;
    case EVENTFD:
        (void)!write(release_fd, &one, 8);
        break;
    }
    return NULL;
}

static int interrupted(int which, int flags) {
    int lock = -1;
    pid_t child = -1;
    CHECK(pipe(fds) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
    lonely = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX}; /* autobind */
    CHECK(bind(lonely, (struct sockaddr *)&address, sizeof(sa_family_t)) == 0 && listen(lonely, 4) == 0);
    release_fd = which == EVENTFD ? eventfd(0, 0) : open("lock", O_RDWR | O_CREAT, 0600);
    if (which == WRITE) {
        char fill[65536] = {0};
        CHECK(write(fds[1], fill, sizeof fill) == sizeof fill);
    }
    if (which == FLOCK) {
        lock = open("lock", O_RDWR);
        CHECK(flock(lock, LOCK_EX) == 0);
    }
    unlink("fifo");
    CHECK(mkfifo("fifo", 0600) == 0);
    if (which == WAIT || which == WAITID) {
        child = fork();
        if (child == 0) {
            (void)signal(SIGUSR1, SIG_DFL);
            for (;;)
                pause();
        }
        the_child = child;
    }
    CHECK(handle(SIGUSR1, counts, flags) == 0);
    count = 0;
    target = (pid_t)syscall(SYS_gettid);
    which_call = which;
    CHECK(pthread_create(&waiter, NULL, disturb, &lock) == 0);
    errno = 0;
    long result = blocking(which);
    int error = result < 0 ? errno : 0;
    pthread_join(waiter, NULL);
    printf("%-16s %-10s %ld %s\n", call_names[which], flags & SA_RESTART ? "restart" : "plain", result,
           error ? strerrorname_np(error) : "-");
    if (child > 0)
        waitpid(child, NULL, 0);
    close(fds[0]), close(fds[1]), close(sockets[0]), close(sockets[1]), close(lonely), close(release_fd),
        close(lock);
    return 0;
}

TEST(eintr_and_sa_restart_as_native) {
    for (int which = 0; which < LASTCALL; which++)
        for (int flags = 0; flags < 2; flags++)
            if (interrupted(which, flags ? SA_RESTART : 0))
                return 1;
    return 0;
}
