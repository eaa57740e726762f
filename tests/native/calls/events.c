// Makes real calls and writes them to stdout as events (number, arguments, result, payload sizes, payloads),
// so that another test can print them beside what strace saw of the same process. Between the two marks
// (failing writes to descriptor -2) no other call is made.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "calls/payload.h"

#define MAX_SEGMENTS 256

struct event {
    int64_t number;
    uint64_t args[6];
    int64_t result;
    uint32_t in_size;
    uint32_t out_size;
};

static uint64_t log_buffer[1 << 17];
static uint8_t *log_end = (uint8_t *)log_buffer;

static long record(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f) {
    const struct mv_call_row *row = mv_call_find((uint64_t)number);
    struct event event = {.number = number, .args = {a, b, c, d, e, f}};
    struct mv_segment segments[MAX_SEGMENTS];
    struct mv_call_entry entry;
    uint8_t *at = log_end + sizeof event;

    mv_call_capture(row, event.args, &entry);
    event.in_size = (uint32_t)mv_payload_write(at, segments,
                                               mv_call_in_segments(row, event.args, segments, MAX_SEGMENTS));
    at += event.in_size;
    event.result = syscall(number, a, b, c, d, e, f);
    if (event.result == -1)
        event.result = -errno;
    event.out_size = (uint32_t)mv_payload_write(
        at, segments, mv_call_out_segments(row, event.args, event.result, &entry, segments, MAX_SEGMENTS));
    at += event.out_size;
    memcpy(log_end, &event, sizeof event);
    log_end = at;
    return event.result;
}

#define U(value)                ((uint64_t)(value))
#define R0(n)                   record(n, 0, 0, 0, 0, 0, 0)
#define R1(n, a)                record(n, U(a), 0, 0, 0, 0, 0)
#define R2(n, a, b)             record(n, U(a), U(b), 0, 0, 0, 0)
#define R3(n, a, b, c)          record(n, U(a), U(b), U(c), 0, 0, 0)
#define R4(n, a, b, c, d)       record(n, U(a), U(b), U(c), U(d), 0, 0)
#define R5(n, a, b, c, d, e)    record(n, U(a), U(b), U(c), U(d), U(e), 0)
#define R6(n, a, b, c, d, e, f) record(n, U(a), U(b), U(c), U(d), U(e), U(f))

static char buffer[4096];
static struct stat status;

static void files(const char *path) {
    int fd = (int)R4(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

    R3(SYS_write, fd, "hello\n\0\001\0017 \"quoted\\\" \377 and much more", 38);
    R3(SYS_write, fd, "", 0);
    R3(SYS_lseek, fd, -6, SEEK_END);
    R3(SYS_read, fd, buffer, 100);
    R3(SYS_read, fd, buffer, 100);
    R4(SYS_pread64, fd, buffer, 4, 1);
    R4(SYS_pwrite64, fd, "zz", 2, 3);
    R2(SYS_fstat, fd, &status);
    R2(SYS_stat, path, &status);
    R4(SYS_newfstatat, AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW);
    R2(SYS_access, path, R_OK | W_OK);
    R2(SYS_access, path, F_OK);
    R2(SYS_fchmod, fd, 0600);
    R2(SYS_ftruncate, fd, 5);
    R1(SYS_fdatasync, fd);
    R2(SYS_flock, fd, LOCK_EX | LOCK_NB);
    R4(SYS_fallocate, fd, FALLOC_FL_KEEP_SIZE, 0, 100);
    R3(SYS_fcntl, fd, F_GETFL, 0);
    R3(SYS_fcntl, fd, F_SETFL, O_APPEND | O_NONBLOCK);
    R3(SYS_fcntl, fd, F_GETFD, 0);
    R3(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);
    R3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 100);
    static struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 5};
    R3(SYS_fcntl, fd, F_SETLK, &lock);
    R3(SYS_open, "/nonexistent", O_RDONLY | O_DIRECTORY, 0);
    int directory = (int)R3(SYS_open, "/proc/self/fdinfo", O_RDONLY | O_DIRECTORY | O_NONBLOCK, 0);
    R3(SYS_getdents64, directory, buffer, 4096);
    R3(SYS_getdents64, directory, buffer, 4096);
    R1(SYS_close, directory);
    R1(SYS_close, directory);
    R3(SYS_readlink, "/proc/self/cwd", buffer, 4096);
    R2(SYS_getcwd, buffer, 4096);
    R2(SYS_mkdir, path, 0755);
    R1(SYS_unlink, path);
    R3(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
    R1(SYS_close, fd);
    R2(SYS_pipe2, buffer, O_CLOEXEC | O_NONBLOCK);
    R2(SYS_memfd_create, "name", 1);
    R2(SYS_dup2, 1, 50);
    R3(SYS_dup3, 1, 51, O_CLOEXEC);
    R1(SYS_umask, 022);
}

static void sockets(void) {
    static struct sockaddr_in inet = {.sin_family = AF_INET}, peer;
    static struct sockaddr_in6 inet6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    static struct sockaddr_un local = {AF_UNIX, "/nonexistent/socket"};
    static socklen_t length = sizeof peer;
    static int one = 1, value;
    inet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int server = (int)R3(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_IP);

    R5(SYS_setsockopt, server, SOL_SOCKET, SO_REUSEADDR, &one, 4);
    R3(SYS_bind, server, &inet, sizeof inet);
    R2(SYS_listen, server, 511);
    R4(SYS_accept4, server, &peer, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
    R3(SYS_getsockname, server, &peer, &length);
    int client = (int)R3(SYS_socket, AF_INET, SOCK_STREAM, IPPROTO_IP);
    R3(SYS_connect, client, &peer, sizeof peer);
    length = 128;
    int connection = (int)R4(SYS_accept4, server, &peer, &length, SOCK_CLOEXEC);
    R5(SYS_setsockopt, connection, IPPROTO_TCP, TCP_NODELAY, &one, 4);
    length = 4;
    R5(SYS_getsockopt, connection, SOL_SOCKET, SO_ERROR, &value, &length);
    R6(SYS_sendto, client, "PING\r\n", 6, MSG_NOSIGNAL, 0, 0);
    R6(SYS_recvfrom, connection, buffer, 100, MSG_DONTWAIT, 0, 0);
    R6(SYS_recvfrom, connection, buffer, 100, MSG_DONTWAIT | MSG_PEEK, 0, 0);
    static struct iovec iov[2] = {{"one", 3}, {"two", 3}};
    R3(SYS_writev, client, iov, 2);
    R2(SYS_shutdown, client, SHUT_WR);
    R3(SYS_socket, AF_INET6, SOCK_DGRAM, IPPROTO_IP);
    R3(SYS_bind, client, &inet6, sizeof inet6);
    R3(SYS_connect, (int)R3(SYS_socket, AF_UNIX, SOCK_STREAM, 0), &local, sizeof local);
    R4(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, buffer);
    R3(SYS_ioctl, connection, FIONREAD, &value);
    R3(SYS_ioctl, connection, FIONBIO, &one);

    static struct pollfd fds[2];
    fds[0] = (struct pollfd){connection, POLLIN, 0};
    fds[1] = (struct pollfd){client, POLLIN | POLLOUT, 0};
    R3(SYS_poll, fds, 2, 1000);
    R3(SYS_poll, fds, 0, 0);
    static struct timespec timeout = {1, 0};
    R5(SYS_ppoll, fds, 1, &timeout, 0, 8);
    static fd_set set;
    static struct timeval zero;
    FD_SET(server, &set);
    R5(SYS_select, server + 1, &set, 0, 0, &zero);
    int epoll = (int)R1(SYS_epoll_create1, EPOLL_CLOEXEC);
    static struct epoll_event event = {EPOLLIN | EPOLLET, {.u64 = 8}}, events[4];
    R4(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, connection, &event);
    R4(SYS_epoll_wait, epoll, events, 4, 0);
    R4(SYS_epoll_wait, epoll, events, 4, 0);
    R4(SYS_epoll_ctl, epoll, EPOLL_CTL_DEL, connection, &event);
}

static void process(void) {
    static struct timespec time = {0, 1000};
    static struct itimerspec timer = {.it_value = {100, 5}}, old;
    static struct rlimit limit;
    static struct sigaction action;
    static uint64_t set = 1 << (SIGINT - 1) | 1 << (SIGTERM - 1);

    uint64_t self = (uint64_t)R0(SYS_getpid);

    R0(SYS_getuid);
    R2(SYS_clock_gettime, CLOCK_MONOTONIC, &time);
    R2(SYS_gettimeofday, &time, 0);
    time = (struct timespec){0, 1000};
    R2(SYS_nanosleep, &time, 0);
    int fd = (int)R2(SYS_timerfd_create, CLOCK_MONOTONIC, TFD_NONBLOCK);
    R4(SYS_timerfd_settime, fd, 0, &timer, &old);
    R4(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, &limit);
    R2(SYS_getrlimit, RLIMIT_CORE, &limit);
    R2(SYS_kill, self, 0);
    R4(SYS_rt_sigprocmask, SIG_BLOCK, &set, buffer, 8);
    R4(SYS_rt_sigprocmask, SIG_SETMASK, buffer, 0, 8);
    R4(SYS_rt_sigaction, SIGUSR1, 0, &action, 8);
    R4(SYS_wait4, -1, buffer, 1 /* WNOHANG */, 0);
    R2(SYS_prctl, 15, "renamed");
    R2(SYS_eventfd2, 0, O_NONBLOCK);
    R6(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    R3(SYS_madvise, 0, 0, MADV_DONTNEED);
    R3(SYS_setitimer, ITIMER_VIRTUAL, 0, 0);
    R1(SYS_alarm, 0);
}

int main(int argc, char **argv) {
    // strace shortens some paths, so the current folder is a short one.
    if (argc != 2 || chdir("/") != 0)
        return 2;
    syscall(SYS_write, -2, "MARK", 4);
    files(argv[1]);
    sockets();
    process();
    syscall(SYS_write, -2, "MARK", 4);
    for (const uint8_t *at = (const uint8_t *)log_buffer; at < log_end;) {
        ssize_t written = write(1, at, (size_t)(log_end - at));

        if (written <= 0)
            return 1;
        at += written;
    }
    return 0;
}
