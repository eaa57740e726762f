/* Which calls of one thread let another go on, or go on because of another's (progress.c).
 *
 * Descriptor numbers: a close emits, a call that returns a number consumes. Readiness: epoll_ctl,
 * timerfd_settime and what moves bytes emit, waits consume. Bytes: only a *channel* whose other end may be in
 * this process counts; a file, or a connection to somebody else, does not, and costs one load per call. What
 * is both full and empty at times (pipes, sockets) lets a writer go on as well as a reader, so calls on it do
 * both.
 *
 * What a descriptor is, the kernel tells at its first use; the answer is kept by number until the number is
 * closed or returned anew. (One that came over a socket, in a number whose close another thread's call on it
 * raced with, is the program's own mistake.)
 *
 * Not ordered: what threads tell each other through the bytes or names of files, over UDP, or through a
 * terminal. */
#include "../calls/guard.h"
#include "../calls/table.h"
#include "../log/barriers.h"
#include "../roles/roles.h"
#include "../sys.h"
#include "order.h"

#include <linux/stat.h>
#include <mvedsua/payload.h>

enum { UNKNOWN, PRIVATE, COUNTER, STREAM };

#define NUMBERS 65536u /* beyond: everything is taken for a stream */
static uint8_t kinds[NUMBERS];
static uint32_t connects; /* since publishing began this process has connected a socket, or had one then */

#define AF_UNIX     1
#define AF_INET     2
#define AF_INET6    10
#define SOCK_STREAM 1

struct address {
    uint16_t family, port;
    uint32_t ip4_or_flow;
    uint8_t ip6[16];
    uint8_t rest[104];
};

static int option(int fd, int name) {
    int value = -1, size = sizeof value;
    return mv_sys5(__NR_getsockopt, fd, 1 /* SOL_SOCKET */, name, (long)&value, (long)&size) ? -1 : value;
}

static int is_local(const struct address *here, const struct address *there) {
    const uint8_t *a = (const uint8_t *)&here->ip4_or_flow, *b = (const uint8_t *)&there->ip4_or_flow;
    uint32_t size = 4;
    if (here->family == AF_INET6) {
        a = here->ip6;
        b = there->ip6;
        size = 16;
    } else if (a[0] == 127 && b[0] == 127) {
        return 1;
    }
    for (uint32_t i = 0; i < size; i++)
        if (a[i] != b[i])
            return 0;
    return 1;
}

static int is_tcp(int fd) {
    int domain = option(fd, 39 /* SO_DOMAIN */);
    return (domain == AF_INET || domain == AF_INET6) && option(fd, 3 /* SO_TYPE */) == SOCK_STREAM;
}

/* A connected TCP socket both of whose ends are on this machine. */
static int tcp_kind(int fd) {
    struct address here = {0}, there = {0};
    int size = sizeof here, other = sizeof there;
    if (mv_sys3(__NR_getpeername, fd, (long)&there, (long)&other))
        return UNKNOWN; /* not yet */
    if (!mv_load_relaxed32(&connects) || mv_sys3(__NR_getsockname, fd, (long)&here, (long)&size))
        return PRIVATE;
    return is_local(&here, &there) ? STREAM : PRIVATE;
}

/* A Unix socket whose other end was made by this process, by a former leader of its, or by nobody who lives.
 */
static int unix_kind(int fd) {
    struct {
        int32_t pid, uid, gid;
    } peer = {0, 0, 0};
    int size = sizeof peer;
    if (mv_sys5(__NR_getsockopt, fd, 1, 17 /* SO_PEERCRED */, (long)&peer, (long)&size) || peer.pid <= 0 ||
        (uint32_t)peer.pid == mv.pid || (uint32_t)peer.pid == mv.logical_pid)
        return STREAM;
    return mv_sys2(__NR_kill, peer.pid, 0) == -3 /* ESRCH */ ? STREAM : PRIVATE;
}

static int look(int fd) {
    struct statx st = {.stx_mode = 0};
    if (mv_sys5(__NR_statx, fd, (long)"", 0x1000 /* AT_EMPTY_PATH */, STATX_TYPE, (long)&st))
        return UNKNOWN;
    switch (st.stx_mode & 0170000) {
    case 0010000: /* a FIFO */
        return STREAM;
    case 0140000: /* a socket */
        return option(fd, 39 /* SO_DOMAIN */) == AF_UNIX ? unix_kind(fd)
               : is_tcp(fd)                              ? tcp_kind(fd)
                                                         : PRIVATE;
    case 0: /* eventfd, timerfd, inotify, … */
        return COUNTER;
    default:
        return PRIVATE;
    }
}

static int kind_of(uint64_t number) {
    int fd = (int)number;
    if (fd < 0)
        return PRIVATE;
    if ((uint32_t)fd >= NUMBERS)
        return STREAM;
    int kind = __atomic_load_n(&kinds[fd], __ATOMIC_RELAXED);
    if (__builtin_expect(kind == UNKNOWN, 0)) {
        kind = look(fd);
        __atomic_store_n(&kinds[fd], (uint8_t)kind, __ATOMIC_RELAXED);
    }
    return kind;
}

static void forget(uint64_t first, uint64_t last) {
    for (uint64_t i = first; i <= last && i < NUMBERS; i++)
        __atomic_store_n(&kinds[i], UNKNOWN, __ATOMIC_RELAXED);
}

/* Publishing begins, or (`followed`) goes on, too, for one more follower; nobody else runs. */
static uint32_t pairs[2048]; /* a bit for each pair of ports that one of this process's sockets has */

void mv_order_descriptors_start(int followed) {
    if (!followed) {
        forget(0, NUMBERS - 1);
        connects = 0;
    }
    for (uint32_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        pairs[i] = 0;
}

/* ... and this descriptor exists already: do two of them have the same ports at their ends? */
void mv_order_exists(int fd) {
    struct address here = {0}, there = {0};
    int size = sizeof here, other = sizeof there;
    if (mv_sys3(__NR_getpeername, fd, (long)&there, (long)&other) ||
        mv_sys3(__NR_getsockname, fd, (long)&here, (long)&size) ||
        (here.family != AF_INET && here.family != AF_INET6) || !is_local(&here, &there))
        return;
    uint32_t low = here.port < there.port ? here.port : there.port;
    uint32_t pair = (low * 31 + (here.port ^ there.port)) & 0xffff, bit = 1u << (pair & 31);
    connects |= (pairs[pair / 32] & bit) != 0;
    pairs[pair / 32] |= bit;
}

/* A socket is about to be connected: perhaps to this very process. (Unix sockets are told apart one by one;
 * libc connects one as it looks up a user.) */
void mv_order_connects(uint64_t fd) {
    if (is_tcp((int)fd))
        __atomic_store_n(&connects, 1, __ATOMIC_RELAXED);
    forget((uint32_t)fd, (uint32_t)fd);
}

static uint32_t on(uint64_t fd, int writes) {
    int kind = kind_of(fd);
    return kind == STREAM    ? MV_ORDER_BOTH
           : kind == COUNTER ? (writes ? MV_ORDER_BOTH : MV_ORDER_CONSUMES)
                             : 0;
}

static uint32_t of_command(uint64_t command) {
    switch ((int)command) {
    case 0:    /* F_DUPFD */
    case 1030: /* F_DUPFD_CLOEXEC */
        return MV_ORDER_CONSUMES;
    case 6:  /* F_SETLK */
    case 7:  /* F_SETLKW */
    case 37: /* F_OFD_SETLK */
    case 38: /* F_OFD_SETLKW */
        return MV_ORDER_BOTH;
    default:
        return 0;
    }
}

static int makes_thread(uint64_t flags) {
    return (flags & 0x10000 /* CLONE_THREAD */) != 0;
}

/* Follower: the calls that of_call says are noted. */
int mv_order_is_noted(const struct mv_event *event) {
    switch (event->call) {
    case __NR_close:
    case __NR_close_range:
    case __NR_dup2:
    case __NR_dup3:
    case __NR_epoll_ctl:
    case __NR_fork:
    case __NR_vfork:
    case __NR_kill: /* a thread that got the signal waits until this is replayed (roles/sent.c) */
    case __NR_tkill:
    case __NR_tgkill:
    case __NR_rt_sigqueueinfo:
    case __NR_rt_tgsigqueueinfo:
    case __NR_pidfd_send_signal:
        return 1;
    case __NR_clone:
        return !makes_thread(event->args[0]);
    case __NR_clone3: /* in-payload: a segment, and in it the flags first */
        return event->in_size >= sizeof(struct mv_payload_segment) + 8 &&
               !makes_thread(
                   *(const mv_word *)((const uint8_t *)(event + 1) + sizeof(struct mv_payload_segment)));
    default:
        return 0;
    }
}

static uint32_t of_call(uint32_t call, const uint64_t args[6]) {
    uint64_t flags;
    switch (call) {
    case __NR_read:
    case __NR_readv:
    case __NR_recvfrom:
    case __NR_recvmsg:
    case __NR_recvmmsg:
        return on(args[0], 0);
    case __NR_write:
    case __NR_writev:
    case __NR_sendto:
    case __NR_sendmsg:
    case __NR_sendmmsg:
    case __NR_shutdown:
    case __NR_ioctl:
        return on(args[0], 1);
    case __NR_sendfile:
        return on(args[0], 1) | on(args[1], 0);
    case __NR_splice:
        return on(args[0], 0) | on(args[2], 1);
    case __NR_tee:
        return on(args[0], 0) | on(args[1], 1);
    case __NR_close:
    case __NR_close_range:
    case __NR_dup2:
    case __NR_dup3:
    case __NR_epoll_ctl:
        return MV_ORDER_EMITS | MV_ORDER_NOTED;
    case __NR_fork:
    case __NR_vfork:
    case __NR_kill:
    case __NR_tkill:
    case __NR_tgkill:
    case __NR_rt_sigqueueinfo:
    case __NR_rt_tgsigqueueinfo:
    case __NR_pidfd_send_signal:
        return MV_ORDER_EMITS | MV_ORDER_NOTED | MV_ORDER_UNTOLD;
    case __NR_clone:
        return makes_thread(args[0]) ? 0 : MV_ORDER_EMITS | MV_ORDER_NOTED | MV_ORDER_UNTOLD;
    case __NR_clone3:
        return mv_guard_load64((const void *)args[0], &flags) || makes_thread(flags)
                   ? 0
                   : MV_ORDER_EMITS | MV_ORDER_NOTED | MV_ORDER_UNTOLD;
    case __NR_connect:
    case __NR_timerfd_settime:
    case __NR_mq_timedsend:
        return MV_ORDER_EMITS;
    case __NR_epoll_wait:
    case __NR_epoll_pwait:
    case __NR_epoll_pwait2:
    case __NR_poll:
    case __NR_ppoll:
    case __NR_select:
    case __NR_pselect6:
    case __NR_nanosleep: /* (only a moment asks) */
    case __NR_clock_nanosleep:
    case __NR_wait4:
    case __NR_waitid:
    case __NR_rt_sigtimedwait:
    case __NR_mq_timedreceive:
        return MV_ORDER_CONSUMES;
    case __NR_fcntl:
        return of_command(args[1]);
    case __NR_flock:
    case __NR_semop:
    case __NR_semtimedop:
        return MV_ORDER_BOTH;
    default: {
        const struct mv_call_row *row = mv_call_find(call);
        return row && (row->flags & MV_CALL_OPENSFD) ? MV_ORDER_CONSUMES : 0;
    }
    }
}

void mv_order_enter(struct mv_thread *self, const struct mv_frame *frame) {
    const uint64_t args[6] = {frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9};
    const struct mv_call_row *row = mv_call_find(self->call);
    self->order = 0;
    if (!row)
        return;
    uint8_t cls = mv_call_class_of(row, args);
    if (cls == MV_CLASS_REFUSED ||
        (cls == MV_CLASS_LOCAL && (self->call != __NR_mmap || (frame->r10 & 0x20 /* MAP_ANONYMOUS */))))
        return; /* no event: nobody may be told that this thread has come to one */
    mv_order_come(self, MV_IN_EVENT);
    uint32_t order = of_call(self->call, args);
    self->order = order;
    if (!(order & MV_ORDER_EMITS))
        return;
    if (self->call == __NR_close_range)
        forget((uint32_t)args[0], (uint32_t)args[1]);
    else if (self->call == __NR_close)
        forget((uint32_t)args[0], (uint32_t)args[0]);
    else if (self->call == __NR_dup2 || self->call == __NR_dup3)
        forget((uint32_t)args[1], (uint32_t)args[1]);
    mv_order_emit(self, (order & MV_ORDER_NOTED) != 0);
}

/* No number that is returned keeps what it meant before. (Others return bytes or a count.) */
static void opened(uint32_t call, const uint64_t args[6], long result) {
    const struct mv_call_row *row = mv_call_find(call);
    int32_t pair[2] = {-1, -1};
    if (result < 0 || !(call == __NR_fcntl || (row && (row->flags & MV_CALL_OPENSFD))))
        return;
    if (call != __NR_pipe && call != __NR_pipe2 && call != __NR_socketpair) {
        forget((uint64_t)result, (uint64_t)result);
    } else if (!mv_guard_copy(pair, (const void *)args[call == __NR_socketpair ? 3 : 0], sizeof pair)) {
        forget((uint32_t)pair[0], (uint32_t)pair[0]);
        forget((uint32_t)pair[1], (uint32_t)pair[1]);
    }
}

/* A call that may have waited: did its time run out? */
static void waited(struct mv_thread *self, uint32_t call, const uint64_t args[6], long result) {
    switch (call) {
    case __NR_epoll_wait:
    case __NR_epoll_pwait:
    case __NR_epoll_pwait2:
    case __NR_poll:
    case __NR_ppoll:
    case __NR_select:
    case __NR_pselect6:
    case __NR_nanosleep:
    case __NR_clock_nanosleep:
        self->timed_out = result == 0;
        break;
    case __NR_read: /* perhaps of a timer */
        self->timed_out = kind_of(args[0]) == COUNTER;
        break;
    default:
        break;
    }
}

/* The words of a record, behind its final payload: what its call may have waited for. */
uint64_t mv_order_complete(struct mv_thread *self, uint32_t call, const uint64_t args[6], long result,
                           uint64_t *words) {
    uint32_t order = self->order;
    self->order = 0;
    if (order & MV_ORDER_CONSUMES) {
        opened(call, args, result);
        waited(self, call, args, result);
    }
    return mv_order_leave(self, order, words);
}
