// A follower that is given a call's out-payload ends with exactly the memory of the leader that made the
// call: files, vectors, terminals.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
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

static void files(void) {
    test_begin();
    int fd = file_with("0123456789");
    char *path = (char *)arena + 60000;
    uint8_t *out = arena + 1000;

    put_string(path, file_name);
    const struct observed *seen = OBSERVE2(SYS_stat, path, at_the_end(144));
    CHECK(seen->result == 0 && seen->in_count == 1 && seen->in[0].len == strlen(file_name) + 1);
    CHECK(OBSERVE2(SYS_fstat, fd, at_the_end(144))->result == 0);
    CHECK(OBSERVE2(SYS_lstat, path, at_the_end(144))->result == 0);
    CHECK(OBSERVE4(SYS_newfstatat, AT_FDCWD, path, at_the_end(144), 0)->result == 0);
    CHECK(OBSERVE5(SYS_statx, AT_FDCWD, path, 0, 0xfff, at_the_end(256))->result == 0);
    CHECK(OBSERVE2(SYS_statfs, path, at_the_end(120))->result == 0);
    CHECK(OBSERVE2(SYS_fstatfs, fd, at_the_end(120))->result == 0);
    CHECK(OBSERVE2(SYS_getcwd, out, 4096)->result > 0);
    put_string(path, "/proc/self/exe");
    CHECK(OBSERVE3(SYS_readlink, path, out, 400)->result > 0);
    CHECK(OBSERVE4(SYS_readlinkat, AT_FDCWD, path, at_the_end(3), 3)->result == 3);
    put_string(path, "/usr/bin");
    int directory = (int)OBSERVE4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0)->result;
    CHECK(OBSERVE3(SYS_getdents64, directory, out, 2000)->result > 0);
    CHECK(OBSERVE3(SYS_getdents, directory, out, 2000)->result > 0);
    close(directory);
    put_string(path, file_name);
    if (setxattr(path, "user.mvedsua", "value", 5, 0) == 0) {
        put_string((char *)arena + 500, "user.mvedsua");
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
    put_string((char *)arena, "lo");
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

int main(void) {
    harness_start();
    const char *folder = getenv("TMPDIR");
    (void)snprintf(file_name, sizeof file_name, "%s/mvedsua-calls-%d", folder ? folder : "/tmp", getpid());
    reads();
    vectors();
    files();
    terminals();
    unlink(file_name);
    return failures != 0;
}
