/* Calls that change one value of a socket, a file or the process: a name, a connection, a position, a size, a
 * directory. The leader notes the value before the call; after its death the present one tells. */
#include "../calls/guard.h"
#include "../calls/table.h"
#include "../order/order.h"
#include "../sys.h"
#include "epoll.h"
#include "roles.h"
#include "settle.h"
#include "streams.h"

#include <linux/stat.h>

#define EINPROGRESS (-115L)
#define EALREADY    (-114L)
#define ENOTCONN    (-107L)
#define EISCONN     (-106L)
#define SYN_SENT    2
#define CLOSED      7
#define COLLAPSE    8u /* of fallocate: what it moves can't be moved twice */
#define INSERT      0x20u

struct address {
    uint16_t family, port;
    uint8_t rest[124];
};

/* Has the socket a name of its own? (A Unix socket's is longer than its family.) */
static int is_bound(int fd) {
    struct address own = {0, 0, {0}};
    uint32_t size = sizeof own;
    if (mv_sys3(__NR_getsockname, fd, (long)&own, (long)&size))
        return 0;
    return own.family == 2 || own.family == 10 ? own.port != 0 : size > 2;
}

/* A state of TCP; 0: another kind of socket. */
static uint8_t tcp_state(int fd) {
    uint8_t state = 0;
    uint32_t size = sizeof state;
    return mv_sys5(__NR_getsockopt, fd, 6 /* SOL_TCP */, 11 /* TCP_INFO */, (long)&state, (long)&size)
               ? 0
               : state;
}

static int is_connected(int fd) {
    struct address peer = {0, 0, {0}};
    uint32_t size = sizeof peer;
    return !mv_sys3(__NR_getpeername, fd, (long)&peer, (long)&size);
}

static uint64_t position(int64_t fd) {
    return (uint64_t)mv_sys3(__NR_lseek, (long)fd, 0, 1 /* SEEK_CUR */);
}

static uint64_t size_of(int64_t fd) {
    struct statx st = {.stx_size = 0};
    mv_sys5(__NR_statx, (long)fd, (long)"", 0x1000 /* AT_EMPTY_PATH */, STATX_SIZE, (long)&st);
    return st.stx_size;
}

static uint64_t directory(const char *name) {
    return mv_identity(-100 /* AT_FDCWD */, (uint64_t)name, 0, NULL);
}

void mv_states_note(uint32_t call, const uint64_t args[6], uint64_t noted[4]) {
    int fd = (int)args[0];
    switch (call) {
    case __NR_close: /* (with one thread, nobody can have been given the number since) */
        noted[0] = mv_threads_exist ? mv_identity_of(fd) : 0;
        break;
    case __NR_epoll_ctl: { /* (with one thread, nobody can be told of it before its record) */
        struct mv_epoll_data wanted = {0, 0};
        if (mv_threads_exist && args[3])
            mv_guard_copy(&wanted, (const void *)args[3], sizeof wanted);
        noted[0] = wanted.events;
        noted[1] = wanted.data;
        break;
    }
    case __NR_bind:
        noted[0] = (uint64_t)is_bound(fd);
        break;
    case __NR_connect:
        noted[0] = (uint64_t)is_connected(fd);
        noted[1] = tcp_state(fd);
        break;
    case __NR_shutdown:
        noted[0] = tcp_state(fd);
        break;
    case __NR_lseek:
        noted[0] = (uint32_t)args[2] == 1 /* SEEK_CUR */ && args[1] ? position(fd) : ~0ull;
        break;
    case __NR_getdents:
    case __NR_getdents64:
        noted[0] = position(fd);
        break;
    case __NR_fallocate:
        noted[0] = size_of(fd);
        break;
    case __NR_copy_file_range:
        noted[0] = args[1] ? ~0ull : position(fd);
        noted[1] = args[3] ? ~0ull : position((int32_t)args[2]);
        break;
    case __NR_chdir:
    case __NR_fchdir:
        noted[0] = directory(".");
        break;
    case __NR_chroot:
        noted[0] = directory("/");
        noted[1] = args[1];
        break;
    default:
        break;
    }
}

static void back_to(uint64_t fd, uint64_t position) {
    if (!mv_is_error((long)position))
        mv_sys3(__NR_lseek, (int32_t)fd, (long)position, 0 /* SEEK_SET */);
}

static int make(struct mv_thread *self, struct mv_frame *frame, long *result) {
    *result = mv_make_call(self, frame);
    return 1;
}

int mv_states_settled(struct mv_thread *self, struct mv_frame *frame, const uint64_t noted[4], long *result) {
    int fd = (int)frame->rdi;
    *result = 0;
    switch (self->call) {
    case __NR_bind:
        return !noted[0] && is_bound(fd);
    case __NR_connect:
        make(self, frame, result);
        if (*result == EISCONN && !noted[0])
            *result = 0;
        else if (*result == EALREADY && noted[1] != SYN_SENT)
            *result = EINPROGRESS;
        return 1;
    case __NR_shutdown:
        make(self, frame, result);
        if (*result == ENOTCONN && noted[0] && noted[0] != CLOSED)
            *result = 0;
        return 1;
    case __NR_lseek:
        *result = (long)position(fd);
        return !mv_is_error((long)noted[0]) && !mv_is_error(*result) && (uint64_t)*result != noted[0];
    case __NR_copy_file_range:
        back_to(frame->rdx, noted[1]); /* the same bytes to the same place */
        back_to(frame->rdi, noted[0]);
        return 0;
    case __NR_getdents:
    case __NR_getdents64:
        back_to(frame->rdi, noted[0]);
        return 0;
    case __NR_fallocate:
        return (frame->rsi & (COLLAPSE | INSERT)) && size_of(fd) != noted[0];
    case __NR_chdir:
    case __NR_fchdir:
        return noted[0] && directory(".") != noted[0];
    case __NR_chroot:
        return noted[0] && directory("/") != noted[0];
    case __NR_umask:
        make(self, frame, result); /* which answers with the old one, if it is the first */
        *result = (long)mv_streams_mask();
        return 1;
    default:
        return 0;
    }
}
