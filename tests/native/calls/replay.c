// A follower that is given a call's out-payload ends with exactly the memory of the leader that made the
// call.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <mqueue.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "harness.h"

static char file_name[64];

static int file_with(const char *text) {
    int fd = open(file_name, O_RDWR | O_CREAT | O_TRUNC, 0600);

    if (write(fd, text, strlen(text)) < 0)
        abort();
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static void reads(void) {
    test_begin();
    int fd = file_with("hello, world");
    const struct observed *seen = OBSERVE3(SYS_read, fd, arena + 100, 500);

    CHECK(seen->result == 12);
    CHECK(seen->out_count == 1 && seen->out[0].addr == arena + 100 && seen->out[0].len == 12);
    CHECK(seen->in_count == 0);
    seen = OBSERVE3(SYS_read, fd, arena + 100, 500);
    CHECK(seen->result == 0 && seen->out_count == 0);
    CHECK(OBSERVE4(SYS_pread64, fd, at_the_end(5), 5, 7)->result == 5);
    CHECK(OBSERVE3(SYS_read, -1, arena, 5)->result == -EBADF);
    close(fd);
    test_end("read_gives_back_exactly_its_result_bytes");
}

static void vectors(void) {
    test_begin();
    int fd = file_with("0123456789");
    struct iovec *iov = (struct iovec *)arena;

    iov[0] = (struct iovec){arena + 1000, 4};
    iov[1] = (struct iovec){NULL, 0};
    iov[2] = (struct iovec){arena + 2000, 3};
    iov[3] = (struct iovec){at_the_end(8), 8};
    const struct observed *seen = OBSERVE3(SYS_readv, fd, iov, 4);

    CHECK(seen->result == 10 && seen->out_count == 3);
    CHECK(seen->out[2].addr == at_the_end(8) && seen->out[2].len == 3 && seen->out[2].how == MV_HOW_DATA);
    lseek(fd, 0, SEEK_SET);
    seen = OBSERVE3(SYS_writev, fd, iov, 4);
    CHECK(seen->result == 15 && seen->in_count == 3 && seen->in[2].len == 8);
    CHECK(OBSERVE5(SYS_preadv, fd, iov, 4, 2, 0)->result == 13);
    CHECK(OBSERVE6(SYS_preadv2, fd, iov, 4, -1L, -1L, 0)->result == 0);
    close(fd);
    test_end("readv_spreads_its_result_over_the_iovecs");
}

static int listener(struct sockaddr_in *address) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t length = sizeof *address;

    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(fd, (struct sockaddr *)address, sizeof *address) != 0 || listen(fd, 5) != 0 ||
        getsockname(fd, (struct sockaddr *)address, &length) != 0)
        abort();
    return fd;
}

static void addresses(void) {
    test_begin();
    struct sockaddr_in address;
    int server = listener(&address);
    // Less room than the address takes: the kernel reports the full length but writes only into the room.
    static const socklen_t rooms[] = {128, 16, 7, 0};

    for (unsigned i = 0; i < 4; i++) {
        int client = socket(AF_INET, SOCK_STREAM, 0);
        struct sockaddr_in *to = (struct sockaddr_in *)(arena + 512);
        socklen_t *length = (socklen_t *)arena;

        *to = address;
        const struct observed *seen = OBSERVE3(SYS_connect, client, to, sizeof *to);
        CHECK(seen->result == 0 && seen->in_count == 1 && seen->in[0].len == 16);
        *length = rooms[i];
        seen = OBSERVE4(SYS_accept4, server, at_the_end(rooms[i]), length, SOCK_CLOEXEC);
        CHECK(seen->result >= 0 && *length == 16);
        CHECK(seen->out_count == (rooms[i] ? 2 : 1));
        close((int)seen->result);
        *length = rooms[i];
        CHECK(OBSERVE3(SYS_getsockname, client, at_the_end(rooms[i]), length)->result == 0);
        *length = rooms[i];
        CHECK(OBSERVE3(SYS_getpeername, client, at_the_end(rooms[i]), length)->result == 0);
        close(client);
    }
    int client = socket(AF_INET, SOCK_STREAM, 0);
    connect(client, (struct sockaddr *)&address, sizeof address);
    CHECK(OBSERVE3(SYS_accept, server, 0, 0)->result >= 0);
    close(server);
    test_end("addresses_are_bounded_by_room_and_by_length");
}

static void options(void) {
    test_begin();
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t *length = (socklen_t *)arena;

    *length = 4;
    CHECK(OBSERVE5(SYS_getsockopt, fd, SOL_SOCKET, SO_SNDBUF, at_the_end(4), length)->out_count == 2);
    *length = 400;
    CHECK(OBSERVE5(SYS_getsockopt, fd, IPPROTO_TCP, 11 /* TCP_INFO */, arena + 100, length)->result == 0);
    *(int *)(arena + 8) = 1;
    const struct observed *seen = OBSERVE5(SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, arena + 8, 4);
    CHECK(seen->result == 0 && seen->in_count == 1 && seen->in[0].len == 4);
    close(fd);
    test_end("socket_options");
}

static void datagrams(void) {
    test_begin();
    int pair[2];
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    CHECK(OBSERVE4(SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, arena)->result == 0);
    memcpy(pair, arena, sizeof pair);
    memcpy(name.sun_path, "\0mvedsua-calls", 14);
    bind(pair[0], (struct sockaddr *)&name, 2 + 14);
    CHECK(OBSERVE6(SYS_sendto, pair[0], arena + 100, 50, 0, 0, 0)->in_count == 1);
    socklen_t *length = (socklen_t *)(arena + 16);
    *length = 110;
    CHECK(OBSERVE6(SYS_recvfrom, pair[1], arena + 200, 500, 0, arena + 800, length)->result == 50);
    CHECK(*length == 16);
    // A message cut short: with MSG_TRUNC the result is more than what was written.
    send(pair[0], "0123456789", 10, 0);
    const struct observed *seen = OBSERVE6(SYS_recvfrom, pair[1], at_the_end(4), 4, MSG_TRUNC, 0, 0);
    CHECK(seen->result == 10 && seen->out_count == 1 && seen->out[0].len == 4);
    close(pair[0]);
    close(pair[1]);
    test_end("recvfrom_and_truncation");
}

struct message {
    struct msghdr header;
    struct iovec iov[2];
    char name[120];
    char data[64];
    char control[128];
};

static struct message *message_at(uint8_t *at) {
    struct message *message = (struct message *)at;

    memset(message, 0x5a, sizeof *message);
    message->iov[0] = (struct iovec){message->data, 6};
    message->iov[1] = (struct iovec){message->data + 30, 20};
    message->header = (struct msghdr){.msg_name = message->name,
                                      .msg_namelen = 9,
                                      .msg_iov = message->iov,
                                      .msg_iovlen = 2,
                                      .msg_control = message->control,
                                      .msg_controllen = sizeof message->control};
    return message;
}

static void messages(void) {
    test_begin();
    int pair[2];
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair))
        abort();
    memcpy(name.sun_path, "\0mvedsua-message", 16);
    bind(pair[0], (struct sockaddr *)&name, 2 + 16);

    struct message *out = message_at(arena);
    struct cmsghdr *control = (struct cmsghdr *)out->control;
    *control = (struct cmsghdr){.cmsg_len = CMSG_LEN(4), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    *(int *)CMSG_DATA(control) = pair[0];
    out->header.msg_name = NULL;
    out->header.msg_namelen = 0;
    out->header.msg_controllen = CMSG_SPACE(4);
    const struct observed *seen = OBSERVE3(SYS_sendmsg, pair[0], out, 0);
    CHECK(seen->result == 26);
    CHECK(seen->in_count == 3 && seen->in[0].how == MV_HOW_DATA && seen->in[2].how == MV_HOW_CONTROL);

    struct message *in = message_at(arena + 4096);
    seen = OBSERVE3(SYS_recvmsg, pair[1], in, 0);
    CHECK(seen->result == 26 && in->header.msg_controllen == CMSG_LEN(4) + 4);
    CHECK(in->header.msg_namelen == 18); // the full length, though the room was 9
    CHECK(seen->out_count == 7);
    CHECK(seen->in_count == 2);

    // No room for the name, none for the control data, less data than room.
    send(pair[0], "abc", 3, 0);
    in = message_at(arena + 4096);
    in->header.msg_name = NULL;
    in->header.msg_control = NULL;
    in->header.msg_controllen = 0;
    CHECK(OBSERVE3(SYS_recvmsg, pair[1], in, MSG_DONTWAIT)->out_count == 3);
    CHECK(OBSERVE3(SYS_recvmsg, pair[1], in, MSG_DONTWAIT)->result == -EAGAIN);
    close(pair[0]);
    close(pair[1]);
    test_end("recvmsg_writes_back_into_the_header");
}

static void many_messages(void) {
    test_begin();
    int pair[2];
    struct mmsghdr *vector = (struct mmsghdr *)arena;

    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair))
        abort();
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    memcpy(name.sun_path, "\0mvedsua-messages", 17);
    bind(pair[0], (struct sockaddr *)&name, 2 + 17); // longer than the room for it
    for (int i = 0; i < 3; i++) {
        struct message *message = message_at(arena + 1024 * (i + 1));

        message->header.msg_controllen = 0;
        message->header.msg_namelen = 0;
        message->header.msg_name = NULL;
        message->iov[0].iov_len = 3 + (size_t)i;
        vector[i] = (struct mmsghdr){message->header, 77};
    }
    const struct observed *seen = OBSERVE4(SYS_sendmmsg, pair[0], vector, 3, 0);
    CHECK(seen->result == 3 && seen->in_count == 6 && seen->out_count == 3 && vector[2].msg_len == 25);
    send(pair[0], "q", 1, 0);
    for (int i = 0; i < 6; i++)
        vector[i] = (struct mmsghdr){message_at(arena + 2048 * (i + 1))->header, 99};
    seen = OBSERVE5(SYS_recvmmsg, pair[1], vector, 6, MSG_DONTWAIT, 0);
    CHECK(seen->result == 4 && vector[3].msg_len == 1 && vector[4].msg_len == 99);
    CHECK(seen->out[seen->out_count - 1].len == 1 && seen->out[seen->out_count - 1].index == 3);
    close(pair[0]);
    close(pair[1]);
    test_end("recvmmsg_and_sendmmsg_by_message");
}

static void ignore(int number) {
    (void)number;
}

static void waits(void) {
    test_begin();
    int pair[2];
    struct pollfd *fds = (struct pollfd *)arena;

    if (pipe(pair) || write(pair[1], "x", 1) != 1)
        abort();
    fds[0] = (struct pollfd){.fd = pair[0], .events = POLLIN, .revents = 77};
    fds[1] = (struct pollfd){.fd = pair[1], .events = POLLIN, .revents = 77};
    const struct observed *seen = OBSERVE3(SYS_poll, fds, 2, 0);
    CHECK(seen->result == 1 && seen->out_count == 1 && seen->out[0].len == 16 && seen->in[0].len == 16);

    struct timespec *timeout = (struct timespec *)(arena + 256);
    *timeout = (struct timespec){5, 0};
    CHECK(OBSERVE5(SYS_ppoll, fds, 2, timeout, 0, 8)->result == 1);

    fd_set *sets = (fd_set *)(arena + 512);
    struct timeval *time = (struct timeval *)(arena + 256);
    memset(sets, 0, 3 * sizeof *sets);
    FD_SET(pair[0], &sets[0]);
    FD_SET(pair[1], &sets[0]);
    FD_SET(pair[1], &sets[1]);
    *time = (struct timeval){5, 0};
    seen = OBSERVE5(SYS_select, pair[1] + 1, &sets[0], &sets[1], 0, time);
    CHECK(seen->result == 2 && !FD_ISSET(pair[1], &sets[0]));
    CHECK(seen->out_count == 3 && seen->out[0].len == 8 && seen->in_count == 3);

    struct sigset_argument {
        const void *set;
        size_t size;
    } *mask = (struct sigset_argument *)(arena + 300);
    memset(arena + 400, 0, 8);
    *mask = (struct sigset_argument){arena + 400, 8};
    FD_SET(pair[0], &sets[0]);
    *timeout = (struct timespec){5, 0};
    seen = OBSERVE6(SYS_pselect6, pair[0] + 1, &sets[0], 0, 0, timeout, mask);
    CHECK(seen->result == 1 && seen->in[seen->in_count - 1].addr == arena + 400);

    int instance = (int)OBSERVE1(SYS_epoll_create1, EPOLL_CLOEXEC)->result;
    struct epoll_event *event = (struct epoll_event *)(arena + 1024);
    *event = (struct epoll_event){.events = EPOLLIN, .data.u64 = 0x1234567890};
    CHECK(OBSERVE4(SYS_epoll_ctl, instance, EPOLL_CTL_ADD, pair[0], event)->in[0].len == 12);
    seen = OBSERVE4(SYS_epoll_wait, instance, at_the_end(5 * 12), 5, 0);
    CHECK(seen->result == 1 && seen->out_count == 1 && seen->out[0].len == 12);
    CHECK(OBSERVE6(SYS_epoll_pwait, instance, at_the_end(12), 1, 0, arena + 400, 8)->result == 1);
    close(instance);

    // An interrupted wait.
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = ignore}, NULL);
    struct itimerval soon = {.it_value.tv_usec = 20000, .it_interval.tv_usec = 20000};
    setitimer(ITIMER_REAL, &soon, NULL);
    *timeout = (struct timespec){5, 0};
    seen = OBSERVE2(SYS_nanosleep, timeout, arena + 700);
    CHECK(seen->result == -EINTR && seen->out_count == 1 && seen->out[0].len == 16);
    CHECK(OBSERVE4(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, timeout, arena + 700)->result == -EINTR);
    memset(sets, 0, sizeof *sets);
    FD_SET(pair[0], sets);
    char byte;
    if (read(pair[0], &byte, 1) != 1)
        abort();
    *timeout = (struct timespec){5, 0};
    seen = OBSERVE6(SYS_pselect6, pair[0] + 1, &sets[0], 0, 0, timeout, 0);
    CHECK(seen->result == -EINTR && timeout->tv_sec == 4 && seen->out_count == 1);
    fds[0].revents = 77;
    seen = OBSERVE3(SYS_poll, fds, 1, 5000);
    CHECK(seen->result == -EINTR && fds[0].revents == 0);
    soon = (struct itimerval){0};
    setitimer(ITIMER_REAL, &soon, NULL);
    close(pair[0]);
    close(pair[1]);
    test_end("waits_and_interrupted_waits");
}

static void children(void) {
    test_begin();
    int gate[2];

    if (pipe(gate))
        abort();
    pid_t child = fork();
    if (child == 0) {
        char byte;

        _exit(read(gate[0], &byte, 1) == 1 ? 3 : 4);
    }
    const struct observed *seen = OBSERVE4(SYS_wait4, child, arena, WNOHANG, arena + 100);
    CHECK(seen->result == 0 && seen->out_count == 0);
    CHECK(OBSERVE5(SYS_waitid, P_PID, child, arena + 300, WEXITED | WNOHANG, 0)->result == 0);
    if (write(gate[1], "x", 1) != 1)
        abort();
    CHECK(OBSERVE5(SYS_waitid, P_PID, child, arena + 300, WEXITED | WNOWAIT, arena + 600)->result == 0);
    seen = OBSERVE4(SYS_wait4, child, at_the_end(4), 0, arena + 100);
    CHECK(seen->result == child && seen->out_count == 2 && *(int *)at_the_end(4) == 3 << 8);
    CHECK(OBSERVE5(SYS_waitid, P_PID, child, arena + 300, WEXITED, 0)->result == -ECHILD);
    close(gate[0]);
    close(gate[1]);
    test_end("wait4_and_waitid");
}

static void files(void) {
    test_begin();
    int fd = file_with("0123456789");
    char *path = (char *)arena + 60000;
    uint8_t *out = arena + 1000;

    strcpy(path, file_name);
    const struct observed *seen = OBSERVE2(SYS_stat, path, at_the_end(144));
    CHECK(seen->result == 0 && seen->in_count == 1 && seen->in[0].len == strlen(file_name) + 1);
    CHECK(OBSERVE2(SYS_fstat, fd, at_the_end(144))->result == 0);
    CHECK(OBSERVE2(SYS_lstat, path, at_the_end(144))->result == 0);
    CHECK(OBSERVE4(SYS_newfstatat, AT_FDCWD, path, at_the_end(144), 0)->result == 0);
    CHECK(OBSERVE5(SYS_statx, AT_FDCWD, path, 0, 0xfff, at_the_end(256))->result == 0);
    CHECK(OBSERVE2(SYS_statfs, path, at_the_end(120))->result == 0);
    CHECK(OBSERVE2(SYS_fstatfs, fd, at_the_end(120))->result == 0);
    CHECK(OBSERVE2(SYS_getcwd, out, 4096)->result > 0);
    strcpy(path, "/proc/self/exe");
    CHECK(OBSERVE3(SYS_readlink, path, out, 400)->result > 0);
    CHECK(OBSERVE4(SYS_readlinkat, AT_FDCWD, path, at_the_end(3), 3)->result == 3);
    strcpy(path, "/usr/bin");
    int directory = (int)OBSERVE4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0)->result;
    CHECK(OBSERVE3(SYS_getdents64, directory, out, 2000)->result > 0);
    CHECK(OBSERVE3(SYS_getdents, directory, out, 2000)->result > 0);
    close(directory);
    strcpy(path, file_name);
    if (setxattr(path, "user.mvedsua", "value", 5, 0) == 0) {
        strcpy((char *)arena + 500, "user.mvedsua");
        CHECK(OBSERVE4(SYS_getxattr, path, arena + 500, out, 100)->result == 5);
        CHECK(OBSERVE4(SYS_getxattr, path, arena + 500, 0, 0)->result == 5);
        CHECK(OBSERVE3(SYS_listxattr, path, out, 100)->result > 0);
    }
    loff_t *offset = (loff_t *)(arena + 40);
    int pair[2];
    if (pipe(pair))
        abort();
    *offset = 3;
    seen = OBSERVE4(SYS_sendfile, pair[1], fd, offset, 4);
    CHECK(seen->result == 4 && *offset == 7 && seen->in_count == 1);
    CHECK(*(uint64_t *)(seen->in_payload + 8) == 3);
    *offset = 0;
    CHECK(OBSERVE6(SYS_splice, fd, offset, pair[1], 0, 5, 0)->result == 5);
    *offset = 1;
    offset[1] = 20;
    CHECK(OBSERVE6(SYS_copy_file_range, fd, offset, fd, offset + 1, 4, 0)->result == 4 && offset[1] == 24);
    struct flock *lock = (struct flock *)(arena + 200);
    *lock = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
    seen = OBSERVE3(SYS_fcntl, fd, F_GETLK, lock);
    CHECK(seen->result == 0 && lock->l_type == F_UNLCK && seen->out_count == 1 && seen->in_count == 1);
    CHECK(OBSERVE3(SYS_fcntl, fd, F_GETFL, 0xdeadbeef)->in_count == 0);
    CHECK(OBSERVE2(SYS_pipe2, at_the_end(8), O_CLOEXEC)->result == 0);
    CHECK(OBSERVE1(SYS_pipe, at_the_end(8))->result == 0);
    close(pair[0]);
    close(pair[1]);
    close(fd);
    test_end("files_and_directories");
}

static void terminals(void) {
    test_begin();
    int leader, follower;

    if (openpty(&leader, &follower, NULL, NULL, NULL))
        abort();
    const struct observed *seen = OBSERVE3(SYS_ioctl, follower, TCGETS, at_the_end(36));
    CHECK(seen->result == 0 && seen->out[0].len == 36 && seen->in_count == 0);
    CHECK(OBSERVE3(SYS_ioctl, follower, TIOCGWINSZ, at_the_end(8))->result == 0);
    CHECK(OBSERVE3(SYS_ioctl, follower, FIONREAD, at_the_end(4))->result == 0);
    CHECK(OBSERVE3(SYS_ioctl, leader, TIOCGPTN, at_the_end(4))->result == 0);
    *(int *)arena = 1;
    seen = OBSERVE3(SYS_ioctl, follower, FIONBIO, arena);
    CHECK(seen->in_count == 1 && seen->out_count == 0);
    CHECK(OBSERVE3(SYS_ioctl, follower, FIOCLEX, 0x1234)->result == 0);
    int socket_fd = socket(AF_INET, SOCK_DGRAM, 0);
    strcpy((char *)arena, "lo");
    CHECK(OBSERVE3(SYS_ioctl, socket_fd, 0x8913 /* SIOCGIFFLAGS */, arena)->result == 0);
    close(socket_fd);
    close(leader);
    close(follower);
    // A request that no table has: its number says 16 bytes out; one that says nothing is not described.
    struct mv_segment segments[4];
    uint64_t args[6] = {3, 0x80107a01, (uint64_t)arena};
    CHECK(mv_call_out_segments(mv_call_find(SYS_ioctl), args, 0, NULL, segments, 4) == 1 &&
          segments[0].len == 16);
    CHECK(mv_call_in_segments(mv_call_find(SYS_ioctl), args, segments, 4) == 0);
    args[1] = 0x7a01;
    CHECK(mv_call_out_segments(mv_call_find(SYS_ioctl), args, 0, NULL, segments, 4) ==
          MV_SEGMENTS_UNDESCRIBED);
    test_end("ioctl_by_request");
}

static void process_state(void) {
    test_begin();
    CHECK(OBSERVE1(SYS_uname, at_the_end(390))->result == 0);
    CHECK(OBSERVE1(SYS_sysinfo, at_the_end(112))->result == 0);
    CHECK(OBSERVE2(SYS_getrusage, RUSAGE_SELF, at_the_end(144))->result == 0);
    CHECK(OBSERVE2(SYS_getrlimit, RLIMIT_NOFILE, at_the_end(16))->result == 0);
    CHECK(OBSERVE4(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, at_the_end(16))->result == 0);
    CHECK(OBSERVE1(SYS_times, at_the_end(32))->result != -EFAULT);
    CHECK(OBSERVE3(SYS_getresuid, arena, arena + 8, arena + 16)->out_count == 3);
    CHECK(OBSERVE3(SYS_getresgid, arena, arena + 8, arena + 16)->out_count == 3);
    CHECK(OBSERVE2(SYS_getgroups, 100, arena)->result >= 0);
    CHECK(OBSERVE2(SYS_getgroups, 0, arena)->out_count == 0);
    CHECK(OBSERVE3(SYS_sched_getaffinity, 0, 128, arena)->result > 0);
    CHECK(OBSERVE2(SYS_sched_getparam, 0, at_the_end(4))->result == 0);
    CHECK(OBSERVE4(SYS_sched_getattr, 0, at_the_end(56), 56, 0)->result == 0);
    CHECK(OBSERVE4(SYS_sched_getattr, 0, at_the_end(48), 48, 0)->result == 0);
    CHECK(OBSERVE2(SYS_sched_rr_get_interval, 0, at_the_end(16))->result == 0);
    CHECK(OBSERVE3(SYS_getcpu, at_the_end(8), at_the_end(4), 0)->result == 0);
    struct __user_cap_header_struct *header = (struct __user_cap_header_struct *)arena;
    *header = (struct __user_cap_header_struct){_LINUX_CAPABILITY_VERSION_3, 0};
    CHECK(OBSERVE2(SYS_capget, header, at_the_end(24))->result == 0);
    header->version = 0;
    CHECK(OBSERVE2(SYS_capget, header, 0)->result == 0);
    CHECK(OBSERVE3(SYS_getrandom, arena, 100, 0)->result == 100);
    CHECK(OBSERVE2(SYS_rt_sigpending, at_the_end(8), 8)->result == 0);
    CHECK(OBSERVE2(SYS_prctl, 16 /* PR_GET_NAME */, at_the_end(16))->result == 0);
    strcpy(at_the_end(4), "abc");
    const struct observed *seen = OBSERVE2(SYS_prctl, 15 /* PR_SET_NAME */, at_the_end(4));
    CHECK(seen->result == 0 && seen->in_count == 1 && seen->in[0].len == 4);
    CHECK(OBSERVE2(SYS_prctl, 37 /* PR_GET_CHILD_SUBREAPER */, at_the_end(4))->result == 0);
    test_end("identity_limits_and_resources");
}

static void clocks(void) {
    test_begin();
    CHECK(OBSERVE2(SYS_clock_gettime, CLOCK_REALTIME, at_the_end(16))->result == 0);
    CHECK(OBSERVE2(SYS_clock_getres, CLOCK_REALTIME, at_the_end(16))->result == 0);
    CHECK(OBSERVE2(SYS_gettimeofday, arena, at_the_end(8))->result == 0);
    CHECK(OBSERVE1(SYS_time, at_the_end(8))->result > 0);
    struct itimerval *timer = (struct itimerval *)arena;
    *timer = (struct itimerval){.it_value.tv_sec = 1000};
    CHECK(OBSERVE3(SYS_setitimer, ITIMER_VIRTUAL, timer, at_the_end(32))->result == 0);
    CHECK(OBSERVE2(SYS_getitimer, ITIMER_VIRTUAL, at_the_end(32))->result == 0);
    int fd = (int)OBSERVE2(SYS_timerfd_create, CLOCK_MONOTONIC, 0)->result;
    struct itimerspec *spec = (struct itimerspec *)arena;
    *spec = (struct itimerspec){.it_value.tv_sec = 1000};
    const struct observed *seen = OBSERVE4(SYS_timerfd_settime, fd, 0, spec, at_the_end(32));
    CHECK(seen->result == 0 && seen->in_count == 1 && seen->out_count == 1);
    CHECK(OBSERVE2(SYS_timerfd_gettime, fd, at_the_end(32))->result == 0);
    close(fd);
    struct sigevent *event = (struct sigevent *)(arena + 256);
    memset(event, 0, sizeof *event);
    event->sigev_notify = SIGEV_NONE;
    CHECK(OBSERVE3(SYS_timer_create, CLOCK_MONOTONIC, event, at_the_end(4))->result == 0);
    int id = *(int *)at_the_end(4);
    CHECK(OBSERVE4(SYS_timer_settime, id, 0, spec, at_the_end(32))->result == 0);
    CHECK(OBSERVE2(SYS_timer_gettime, id, at_the_end(32))->result == 0);
    memset(arena, 0, 208);
    CHECK(OBSERVE1(SYS_adjtimex, arena)->result >= 0);
    test_end("clocks_and_timers");
}

static void queues(void) {
    test_begin();
    char *name = (char *)arena;
    struct mq_attr *attributes = (struct mq_attr *)(arena + 128);

    snprintf(name, 64, "mvedsua-%d", getpid());
    memset(attributes, 0, 64);
    attributes->mq_maxmsg = 2;
    attributes->mq_msgsize = 100;
    const struct observed *seen = OBSERVE4(SYS_mq_open, name, O_RDWR | O_CREAT, 0600, attributes);
    if (seen->result == -ENOSYS) {
        printf("skip message_queues: the kernel has none\n");
        return;
    }
    int fd = (int)seen->result;
    CHECK(fd >= 0 && seen->in_count == 2);
    CHECK(OBSERVE5(SYS_mq_timedsend, fd, arena + 300, 10, 7, 0)->result == 0);
    CHECK(OBSERVE3(SYS_mq_getsetattr, fd, 0, at_the_end(64))->result == 0);
    seen = OBSERVE5(SYS_mq_timedreceive, fd, arena + 1000, 100, arena + 600, 0);
    CHECK(seen->result == 10 && seen->out_count == 2 && *(uint32_t *)(arena + 600) == 7);
    CHECK(OBSERVE1(SYS_mq_unlink, name)->result == 0);
    close(fd);
    test_end("message_queues");
}

int main(void) {
    harness_start();
    const char *folder = getenv("TMPDIR");
    snprintf(file_name, sizeof file_name, "%s/mvedsua-calls-%d", folder ? folder : "/tmp", getpid());
    reads();
    vectors();
    addresses();
    options();
    datagrams();
    messages();
    many_messages();
    waits();
    children();
    files();
    terminals();
    process_state();
    clocks();
    queues();
    unlink(file_name);
    return failures != 0;
}
