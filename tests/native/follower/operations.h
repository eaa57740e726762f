/* One operation for each class of calls that a failover settles: each says in one line what its calls
 * returned, which is the same however often the server dies in the middle, and leaves nothing behind but what
 * it says. In the server's folder. */
#ifndef FOLLOWER_OPERATIONS_H
#define FOLLOWER_OPERATIONS_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static unsigned short own_port;

/* 0, or the error as a number. */
static int e(long result) {
    return result < 0 ? errno : 0;
}

static int made_number(int fd) {
    int result = fd;
    if (fd >= 0)
        close(fd);
    return result;
}

static void make(const char *what, char *answer) {
    int pair[2] = {-1, -1}, fd = -1;
    if (!strcmp(what, "socket"))
        fd = socket(AF_INET, SOCK_STREAM, 0);
    else if (!strcmp(what, "dup"))
        fd = dup(1);
    else if (!strcmp(what, "fcntl"))
        fd = fcntl(1, F_DUPFD_CLOEXEC, 3);
    else if (!strcmp(what, "eventfd2"))
        fd = eventfd(0, 0);
    else if (!strcmp(what, "timerfd_create"))
        fd = timerfd_create(CLOCK_MONOTONIC, 0);
    else if (!strcmp(what, "epoll_create1"))
        fd = epoll_create1(0);
    else if (!strcmp(what, "memfd_create"))
        fd = memfd_create("m", 0);
    else if (!strcmp(what, "inotify_init1"))
        fd = inotify_init1(0);
    else if (!strcmp(what, "unnamed"))
        fd = open(".", O_TMPFILE | O_RDWR, 0600);
    else if (!strcmp(what, "pipe2"))
        fd = pipe2(pair, O_CLOEXEC) ? -1 : pair[0];
    else if (!strcmp(what, "socketpair"))
        fd = socketpair(AF_UNIX, SOCK_STREAM, 0, pair) ? -1 : pair[0];
    (void)sprintf(answer, "%d %d", made_number(fd), pair[1]);
    if (pair[1] >= 0)
        close(pair[1]);
}

static void read_clock(char *answer) {
    struct timespec time;
    int times = 0;
    while (times < 5000 && !clock_gettime(CLOCK_MONOTONIC, &time))
        times++;
    (void)sprintf(answer, "%d", times);
}

static void open_new(char *answer) {
    int fd = open("new", O_CREAT | O_EXCL | O_RDWR, 0600), error = e(fd);
    ssize_t written = write(fd, "x", 1);
    (void)sprintf(answer, "%d %d %zd", fd, error, written);
    close(fd);
    unlink("new");
}

static void name(const char *what, char *answer) {
    struct stat st = {.st_nlink = 0};
    int result = -1, error;
    close(open("a", O_CREAT | O_WRONLY, 0600));
    if (!strcmp(what, "rename"))
        result = (int)syscall(SYS_rename, "a", "b");
    else if (!strcmp(what, "link"))
        result = (int)syscall(SYS_link, "a", "b");
    else if (!strcmp(what, "symlink"))
        result = (int)syscall(SYS_symlink, "a", "b");
    else if (!strcmp(what, "unlink"))
        result = (int)syscall(SYS_unlink, "a");
    else if (!strcmp(what, "unlinkat"))
        result = (int)syscall(SYS_unlinkat, AT_FDCWD, "a", 0);
    else if (!strcmp(what, "mkdir"))
        result = (int)syscall(SYS_mkdir, "b", 0700);
    else if (!strcmp(what, "mknod"))
        result = (int)syscall(SYS_mknod, "b", S_IFIFO | 0600, 0);
    else if (!strcmp(what, "rmdir")) {
        mkdir("b", 0700);
        result = (int)syscall(SYS_rmdir, "b");
    }
    error = e(result);
    (void)sprintf(answer, "%d %d %d %d", result, error, lstat("a", &st), lstat("b", &st));
    unlink("a");
    if (unlink("b"))
        rmdir("b");
}

static void state(const char *what, char *answer) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int result = -1, error = 0, fd = socket(AF_INET, SOCK_STREAM, 0);
    if (!strcmp(what, "bind")) {
        result = bind(fd, (struct sockaddr *)&address, sizeof address);
        error = e(result);
    } else {
        address.sin_port = htons(own_port);
        result = connect(fd, (struct sockaddr *)&address, sizeof address);
        error = e(result);
        if (!strcmp(what, "shutdown")) {
            result = shutdown(fd, SHUT_RDWR);
            error = e(result);
        }
    }
    (void)sprintf(answer, "%d %d", result, error);
    close(fd);
}

/* Directory entries are counted: each is seen once. */
static void list(char *answer) {
    int count = 0, fd;
    char at[2] = "0", buffer[120]; /* for a few at a time */
    long size;
    mkdir("many", 0700);
    for (; *at <= '9'; ++*at) {
        char path[16];
        (void)sprintf(path, "many/%s", at);
        close(open(path, O_CREAT | O_WRONLY, 0600));
    }
    fd = open("many", O_RDONLY | O_DIRECTORY);
    while ((size = syscall(SYS_getdents64, fd, buffer, sizeof buffer)) > 0)
        for (long i = 0; i < size; i += *(unsigned short *)(buffer + i + 16))
            count++;
    close(fd);
    (void)sprintf(answer, "%d", count);
}

static void move(const char *what, char *answer) {
    int fd = open("moved", O_CREAT | O_RDWR | O_TRUNC, 0600),
        other = open("other", O_CREAT | O_RDWR | O_TRUNC, 0600);
    long result = -1, then = -1;
    ssize_t written = write(fd, "0123456789", 10);
    if (!strcmp(what, "lseek")) {
        result = lseek(fd, -4, SEEK_CUR);
        then = lseek(fd, -4, SEEK_CUR);
    } else if (!strcmp(what, "copy_file_range")) {
        lseek(fd, 0, SEEK_SET);
        result = syscall(SYS_copy_file_range, fd, NULL, other, NULL, 4, 0);
        then = lseek(other, 0, SEEK_CUR) * 100 + lseek(fd, 0, SEEK_CUR);
    } else if (!strcmp(what, "splice")) {
        int ends[2];
        lseek(fd, 0, SEEK_SET);
        if (pipe(ends))
            return;
        result = splice(fd, NULL, ends[1], NULL, 6, 0) * 10;
        result += splice(ends[0], NULL, other, NULL, 6, 0);
        then = lseek(other, 0, SEEK_CUR) * 100 + lseek(fd, 0, SEEK_CUR);
        close(ends[0]);
        close(ends[1]);
    } else if (!strcmp(what, "chdir")) {
        mkdir("sub", 0700);
        result = chdir("sub");
        then = chdir("..");
    } else if (!strcmp(what, "umask")) {
        result = umask(0027);
        then = umask((mode_t)result);
    } else if (!strcmp(what, "ftruncate")) {
        result = ftruncate(fd, 5);
        then = lseek(fd, 0, SEEK_END);
    } else if (!strcmp(what, "pwrite64")) {
        result = pwrite(fd, "abc", 3, 8);
        then = lseek(fd, 0, SEEK_END);
    }
    (void)sprintf(answer, "%zd %ld %ld", written, result, then);
    close(other);
    close(fd);
}

static void repeat(const char *what, char *answer) {
    int fd = inotify_init1(0), watch = inotify_add_watch(fd, ".", IN_DELETE_SELF), result = -1;
    if (!strcmp(what, "inotify_rm_watch"))
        result = inotify_rm_watch(fd, watch);
    else if (!strcmp(what, "inotify_add_watch"))
        result = inotify_add_watch(fd, "/", IN_DELETE_SELF) - watch;
    (void)sprintf(answer, "%d %d", result, e(result));
    close(fd);
}

/* Two sockets of this process, or the ends of a pipe: what one call sends, another receives, and nothing is
 * left. */
static void send_one(const char *what, char *answer) {
    int pair[2] = {-1, -1}, stream = strstr(what, "stream") != NULL;
    char first[8] = "", second[8] = "";
    struct iovec in[2] = {{first, 3}, {second, 5}}, out[2] = {{"abc", 3}, {"defgh", 5}};
    struct msghdr to = {.msg_iov = in, .msg_iovlen = 2}, from = {.msg_iov = out, .msg_iovlen = 2};
    long sent = -1, got = -1;
    int left = -1;
    if (strstr(what, "pipe")) {
        int ends[2];
        if (pipe(ends))
            return;
        pair[0] = ends[1];
        pair[1] = ends[0];
    } else if (socketpair(AF_UNIX, stream ? SOCK_STREAM : SOCK_DGRAM, 0, pair)) {
        return;
    }
    if (strstr(what, "vector")) {
        sent = writev(pair[0], out, 2);
        got = readv(pair[1], in, 2);
    } else if (strstr(what, "message")) {
        sent = sendmsg(pair[0], &from, 0);
        got = recvmsg(pair[1], &to, 0);
    } else if (strstr(what, "plain")) {
        sent = write(pair[0], "abcdefg", 7);
        got = read(pair[1], first, 7);
    } else {
        sent = send(pair[0], "abcdefg", 7, 0);
        got = recv(pair[1], first, 7, 0);
    }
    ioctl(pair[1], FIONREAD, &left);
    (void)sprintf(answer, "%ld %ld %.7s %.5s %d", sent, got, first, second, left);
    close(pair[0]);
    close(pair[1]);
}

/* Three messages in one call, to a pair of sockets of its own; of a fourth place nothing is touched. */
static void batch(const char *what, char *answer) {
    int pair[2] = {-1, -1}, left = -1;
    char bytes[4][8] = {"a", "bc", "def", "-"};
    struct iovec vector[4];
    struct mmsghdr messages[4];
    memset(messages, 0, sizeof messages);
    for (size_t i = 0; i < 4; i++) {
        vector[i] = (struct iovec){bytes[i], i + 1};
        messages[i].msg_hdr.msg_iov = &vector[i];
        messages[i].msg_hdr.msg_iovlen = 1;
        messages[i].msg_len = 77;
    }
    if (socketpair(AF_UNIX, strcmp(what, "stream") ? SOCK_DGRAM : SOCK_STREAM, 0, pair))
        return;
    int sent = sendmmsg(pair[0], messages, 3, 0), sum = 0;
    for (size_t i = 0; i < 4; i++) {
        sum = sum * 10 + (int)messages[i].msg_len;
        memset(bytes[i], 'x', sizeof bytes[i] - 1);
        messages[i].msg_len = 77;
    }
    int got = recvmmsg(pair[1], messages, 4, MSG_DONTWAIT, NULL);
    ioctl(pair[1], FIONREAD, &left);
    (void)sprintf(answer, "%d %d %d %u %u %u %u %s %s %s %s %d", sent, sum, got, messages[0].msg_len,
                  messages[1].msg_len, messages[2].msg_len, messages[3].msg_len, bytes[0], bytes[1], bytes[2],
                  bytes[3], left);
    close(pair[0]);
    close(pair[1]);
}

/* To itself, over TCP, in pieces. */
static void pieces(const char *what, char *answer) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), from = socket(AF_INET, SOCK_STREAM, 0), to;
    char first[8] = "", second[8] = "";
    struct iovec in[2] = {{first, 3}, {second, 5}}, out[2] = {{"abc", 3}, {"defgh", 5}};
    struct msghdr message = {.msg_iov = in, .msg_iovlen = 2};
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1))
        return;
    getsockname(listener, (struct sockaddr *)&address, &size);
    if (connect(from, (struct sockaddr *)&address, sizeof address))
        return;
    to = accept(listener, NULL, NULL);
    long sent = -1, got = -1;
    if (!strcmp(what, "sendfile")) {
        int file = open("sent", O_CREAT | O_RDWR | O_TRUNC, 0600);
        if (write(file, "abcdefgh", 8) == 8 && lseek(file, 0, SEEK_SET) == 0)
            sent = sendfile(from, file, NULL, 8);
        close(file);
    } else {
        sent = writev(from, out, 2);
    }
    if (!strcmp(what, "readv"))
        got = readv(to, in, 2);
    else if (!strcmp(what, "recvmsg"))
        got = recvmsg(to, &message, MSG_WAITALL);
    else
        got = recv(to, first, 8, MSG_WAITALL);
    long more = recv(to, second + 6, 1, MSG_DONTWAIT);
    (void)sprintf(answer, "%ld %ld %.8s %.5s %ld", sent, got, first, second, more);
    close(listener);
    close(from);
    close(to);
}

static void count(const char *what, char *answer) {
    long value = 0, got = -1, more = -1;
    int fd = eventfd(0, EFD_NONBLOCK);
    if (!strcmp(what, "timerfd")) {
        struct itimerspec once = {{0, 0}, {0, 1}};
        close(fd);
        fd = timerfd_create(CLOCK_MONOTONIC, 0);
        timerfd_settime(fd, 0, &once, NULL);
        got = read(fd, &value, sizeof value);
        fcntl(fd, F_SETFL, O_NONBLOCK);
    } else {
        long five = 5;
        got = write(fd, &five, sizeof five) * 10;
        got += read(fd, &value, sizeof value);
    }
    long kept = 0x1234;
    more = read(fd, &kept, sizeof kept);
    (void)sprintf(answer, "%ld %ld %ld %lx", got, value, more, (unsigned long)kept);
    close(fd);
}

/* What happened in the folder; then nothing more, and the buffer is as it was. */
static void events(char *answer) {
    char buffer[512];
    int fd = inotify_init1(IN_NONBLOCK), used, mask = 0, untouched = 1;
    inotify_add_watch(fd, ".", IN_CREATE | IN_DELETE);
    close(open("seen", O_CREAT | O_WRONLY, 0600));
    unlink("seen");
    memset(buffer, 'x', sizeof buffer);
    ssize_t got = read(fd, buffer, sizeof buffer), more;
    for (used = 0; used < got;
         used += (int)(sizeof(struct inotify_event) + ((struct inotify_event *)(buffer + used))->len))
        mask = mask * 0x1000 + (int)((struct inotify_event *)(buffer + used))->mask;
    for (size_t i = (size_t)(got < 0 ? 0 : got); i < sizeof buffer; i++)
        untouched &= buffer[i] == 'x';
    more = read(fd, buffer, sizeof buffer);
    (void)sprintf(answer, "%zd %x %d %zd", got, (unsigned)mask, untouched, more);
    close(fd);
}

/* A child is waited for once, and says how it ended. */
static void wait_one(const char *what, char *answer) {
    int status = -1, result;
    siginfo_t info = {.si_pid = 0};
    pid_t child = fork();
    if (!child)
        _exit(7);
    if (!strcmp(what, "waitid")) {
        result = waitid(P_PID, (id_t)child, &info, WEXITED) ? -1 : info.si_pid == child;
        status = info.si_status;
    } else {
        result = waitpid(child, &status, 0) == child;
        status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    (void)sprintf(answer, "%d %d %d", result, status, waitpid(-1, NULL, WNOHANG) < 0 ? errno : 0);
}

static void close_one(char *answer) {
    int fd = open("/dev/null", O_RDONLY), result = close(fd), error = e(result);
    (void)sprintf(answer, "%d %d", result, error);
}

/* "ok" for a command that is none. */
static void operate(char *command, char *answer) {
    char *what = strchr(command, ' ');
    if (what)
        *what++ = 0;
    (void)sprintf(answer, "ok");
    if (!strcmp(command, "make") && what)
        make(what, answer);
    else if (!strcmp(command, "new"))
        open_new(answer);
    else if (!strcmp(command, "name") && what)
        name(what, answer);
    else if (!strcmp(command, "state") && what)
        state(what, answer);
    else if (!strcmp(command, "list"))
        list(answer);
    else if (!strcmp(command, "move") && what)
        move(what, answer);
    else if (!strcmp(command, "repeat") && what)
        repeat(what, answer);
    else if (!strcmp(command, "send") && what)
        send_one(what, answer);
    else if (!strcmp(command, "batch") && what)
        batch(what, answer);
    else if (!strcmp(command, "pieces") && what)
        pieces(what, answer);
    else if (!strcmp(command, "count") && what)
        count(what, answer);
    else if (!strcmp(command, "events"))
        events(answer);
    else if (!strcmp(command, "wait") && what)
        wait_one(what, answer);
    else if (!strcmp(command, "close"))
        close_one(answer);
    else if (!strcmp(command, "clock"))
        read_clock(answer);
}

#endif
