/* How far each stream descriptor has got, by the events that were replayed: bytes in and out of a TCP
 * connection, position or size of a file. After a SIGKILL of the leader, the kernel's own counters minus
 * these tell whether the call that it was making happened (settle.c).
 *
 * The follower's; written by its threads as they replay (one descriptor is used by one thread at a time, or
 * its counts are only good enough to be found inconsistent). Descriptors older than the follower are looked
 * at while the leader's threads are parked. */
#include "streams.h"
#include "../order/order.h"
#include "../sys.h"
#include "handover.h"
#include "roles.h"
#include "watch.h"

#include <linux/tcp.h>

#define SOL_TCP  6
#define O_APPEND 02000

static struct mv_stream *streams; /* MV_STREAMS of them */
static uint32_t mask;             /* umask(2) */
static int32_t end;               /* no number from here on was ever noted */

static struct mv_stream *entry_of(int64_t fd) {
    return streams && fd >= 0 && fd < (int64_t)MV_STREAMS ? &streams[fd] : NULL;
}

struct mv_stream *mv_stream_of(int64_t fd) {
    struct mv_stream *stream = entry_of(fd);
    return stream && stream->same ? &streams[stream->same - 1] : stream;
}

int mv_stream_is_open(int64_t fd) {
    const struct mv_stream *stream = entry_of(fd);
    return stream && stream->open;
}

int mv_stream_is_signals(int64_t fd) {
    const struct mv_stream *stream = mv_stream_of(fd);
    return stream && stream->kind == MV_STREAM_SIGNALS;
}

uint32_t mv_streams_mask(void) {
    return mask;
}

void mv_streams_mask_is(uint32_t set) {
    mask = set;
}

int32_t mv_streams_end(void) {
    return end;
}

static void reached(int64_t fd) {
    int32_t known = __atomic_load_n(&end, __ATOMIC_RELAXED);
    while (fd >= known && !mv_is_hidden((uint64_t)fd) &&
           !__atomic_compare_exchange_n(&end, &known, (int32_t)fd + 1, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
}

int mv_stream_is_shared(int64_t fd) {
    const struct mv_stream *stream = entry_of(fd);
    return stream && (stream->same || stream->copies || stream->early);
}

/* A number is given up: a duplicate goes on with the account. */
static void forget(struct mv_stream *stream) {
    uint32_t number = (uint32_t)(stream - streams), heir = 0;
    if (stream->same)
        streams[stream->same - 1].copies--;
    for (uint32_t fd = 0; fd < MV_STREAMS && stream->copies; fd++) {
        if (streams[fd].same != number + 1)
            continue;
        stream->copies--;
        if (!heir) {
            heir = fd + 1;
            streams[fd] = (struct mv_stream){.kind = stream->kind,
                                             .open = 1,
                                             .early = streams[fd].early,
                                             .in = stream->in,
                                             .out = stream->out};
        } else {
            streams[fd].same = heir;
            streams[heir - 1].copies++;
        }
    }
}

/* 1 and the kernel's totals when `fd` is a TCP connection (or a listener: both 0). The peer goes on sending
 * and acknowledging meanwhile: the queues belong to the totals only when these are the same before and after.
 */
int mv_stream_tcp_now(int fd, uint64_t *in, uint64_t *out) {
    struct tcp_info before, after = {0};
    int32_t waiting = 0, unsent = 0;
    *in = *out = 0;
    do {
        uint32_t length = sizeof after;
        before = after;
        if (mv_sys5(__NR_getsockopt, fd, SOL_TCP, TCP_INFO, (long)&after, (long)&length))
            return 0;
        if (after.tcpi_state == 10 /* LISTEN */)
            return 1;
        if (after.tcpi_bytes_received == before.tcpi_bytes_received &&
            after.tcpi_bytes_acked == before.tcpi_bytes_acked && after.tcpi_state == before.tcpi_state)
            break;
        mv_sys3(__NR_ioctl, fd, 0x541b /* SIOCINQ */, (long)&waiting);
        mv_sys3(__NR_ioctl, fd, 0x5411 /* SIOCOUTQ */, (long)&unsent);
    } while (1);
    /* A received FIN is counted as a byte, and never waits. */
    int fin = after.tcpi_state == 8 /* CLOSE_WAIT */ || after.tcpi_state == 9 /* LAST_ACK */ ||
              after.tcpi_state == 11 /* CLOSING */;
    if (after.tcpi_state == 7 /* CLOSE: whether a FIN was counted can't be told any more */)
        return 0;
    /* Our own FIN is a byte of the queue, then of the acknowledged ones. */
    int own_fin = after.tcpi_state == 4 /* FIN_WAIT1 */ || after.tcpi_state == 5 /* FIN_WAIT2 */ ||
                  after.tcpi_state == 6 /* TIME_WAIT */ || after.tcpi_state == 9 || after.tcpi_state == 11;
    *in = after.tcpi_bytes_received - (uint64_t)fin - (uint64_t)waiting;
    *out = after.tcpi_bytes_acked + (uint64_t)unsent - (uint64_t)own_fin;
    return 1;
}

/* 1 and the position, or with O_APPEND the size, when `fd` is a regular file. */
int mv_stream_file_now(int fd, int append, uint64_t *position) {
    struct {
        uint64_t device, inode, links;
        uint32_t mode, uid, gid, padding;
        uint64_t rdevice;
        int64_t size;
        uint8_t rest[88];
    } stat = {.mode = 0};
    _Static_assert(sizeof stat == 144, "the kernel's struct stat");
    if (mv_sys2(__NR_fstat, fd, (long)&stat) || (stat.mode & 0170000) != 0100000)
        return 0;
    long at = mv_sys3(__NR_lseek, fd, 0, 1 /* SEEK_CUR */);
    *position = append ? (uint64_t)stat.size : (uint64_t)at;
    return append || !mv_is_error(at);
}

/* 1: a kind with an account, and where that stands now. */
static int is_accounted(int fd, long flags, struct mv_stream *stream) {
    if (mv_stream_tcp_now(fd, &stream->in, &stream->out))
        stream->kind = MV_STREAM_TCP;
    else if (mv_stream_file_now(fd, (flags & O_APPEND) != 0, &stream->out))
        stream->kind = (flags & O_APPEND) ? MV_STREAM_APPENDED : MV_STREAM_FILE;
    else
        return 0;
    return 1;
}

/* `beside`: others follow already, who have not counted what a child did: for them it stays a child's. */
static void look_at(int fd, int beside) {
    struct mv_stream *stream = &streams[fd];
    int childs = beside && mv_watch_is_childs((uint64_t)fd);
    long flags = mv_sys2(__NR_fcntl, fd, 3 /* F_GETFL */);
    *stream = (struct mv_stream){.kind = MV_STREAM_UNKNOWN};
    if (!childs)
        mv_watch(fd, MV_WATCHED_NOT);
    if (mv_is_error(flags))
        return;
    stream->open = 1;
    reached(fd);
    if (!is_accounted(fd, flags, stream)) {
        if (mv_watch_is_anonymous(fd, "[eventpoll]"))
            mv_epoll_exists(fd);
        else if (!childs)
            mv_watch(fd, mv_watch_look(fd));
    }
    if (mv_watch_kind((uint64_t)fd) == MV_WATCHED_COUNTER && mv_eventfd_now(fd, &stream->out))
        stream->kind = MV_STREAM_EVENTFD;
    if (mv_watch_kind((uint64_t)fd) == MV_WATCHED_SIGNALS)
        stream->kind = MV_STREAM_SIGNALS;
}

/* In a follower that is about to publish: which calls need a witness it has not noted while others made them.
 * (A number that was a pipe's may be a file's by now.) */
void mv_streams_watch(void) {
    static const uint8_t watched[] = {
        [MV_STREAM_UNKNOWN] = MV_WATCHED_LATER,   [MV_STREAM_TCP] = MV_WATCHED_NOT,
        [MV_STREAM_FILE] = MV_WATCHED_NOT,        [MV_STREAM_APPENDED] = MV_WATCHED_NOT,
        [MV_STREAM_EVENTFD] = MV_WATCHED_COUNTER, [MV_STREAM_SIGNALS] = MV_WATCHED_SIGNALS,
    };
    int64_t fd = 0;
    for (; fd < end; fd++) {
        const struct mv_stream *stream = mv_stream_of(fd);
        mv_watch(fd, stream && stream->open ? (enum mv_watched)watched[stream->kind] : MV_WATCHED_LATER);
    }
    __builtin_memset(mv_watched + fd, MV_WATCHED_LATER, MV_WATCHED_MAX - (uint64_t)fd);
}

int mv_streams_have_signals(void) {
    for (int32_t fd = 0; fd < end; fd++)
        if (mv_stream_is_open(fd) && mv_stream_is_signals(fd))
            return 1;
    return 0;
}

int mv_streams_have_room(void) {
    long at = streams ? 0
                      : mv_sys6(__NR_mmap, 0, MV_STREAMS * sizeof *streams, 3,
                                0x4022 /* PRIVATE|ANONYMOUS|NORESERVE */, -1, 0);
    if (!streams && !mv_is_error(at))
        streams = (struct mv_stream *)at;
    return streams != NULL;
}

/* In the leader just before it is copied, all threads parked: whatever is open. Which descriptors are is told
 * by poll, 256 at a time: POLLNVAL costs far less than a look at each. */
void mv_streams_start(int beside) {
    struct {
        int32_t fd;
        int16_t events, revents;
    } polled[256];
    if (!mv_streams_have_room())
        return; /* nothing can be settled then, and settle.c says so */
    mv_owners_start();
    end = 0;
    mask = (uint32_t)mv_sys1(__NR_umask, 0);
    mv_sys1(__NR_umask, mask);
    mv_sys3(__NR_madvise, (long)streams, MV_STREAMS * sizeof *streams, 4 /* DONTNEED: all zero */);
    uint64_t limit[2] = {0, 0};
    mv_sys4(__NR_prlimit64, 0, 7 /* RLIMIT_NOFILE */, 0, (long)limit);
    for (uint32_t first = 0; first < MV_STREAMS && first < limit[0]; first += 256) {
        for (uint32_t i = 0; i < 256; i++) {
            polled[i].fd = (int32_t)(first + i);
            polled[i].events = polled[i].revents = 0;
        }
        uint32_t count = limit[0] - first < 256 ? (uint32_t)(limit[0] - first) : 256;
        if (mv_is_error(mv_sys3(__NR_poll, (long)polled, count, 0)))
            continue;
        for (uint32_t i = 0; i < count; i++)
            if (!(polled[i].revents & 0x20 /* POLLNVAL */)) {
                look_at((int)(first + i), beside);
                mv_owners_exists((int)(first + i));
                mv_order_exists((int)(first + i));
            }
    }
    mv_streams_unite();
}

/* ---- what a promotion hands over -------------------------------------------------------------------- */

/* Descriptors of which this process, the leader, has looked itself. */
static uint64_t looked[MV_STREAMS / 64];

/* The leader, before it offers the lead, all threads parked. */
void mv_streams_look_at_childrens(void) {
    __builtin_memset(looked, 0, sizeof looked);
    for (uint32_t fd = 0, highest = mv_watch_end(); fd < highest; fd++)
        if (mv_watch_is_childs(fd)) {
            look_at((int)fd, 1); /* should it lead on, they stay its children's for whoever follows */
            looked[fd / 64] |= 1ull << fd % 64;
        }
}

/* What no record tells: what another process passed, or what a name led to. */
static void learn(int fd, struct mv_stream *stream) {
    long flags = mv_sys2(__NR_fcntl, fd, 3 /* F_GETFL */);
    if (!mv_is_error(flags) && !is_accounted(fd, flags, stream) && mv_watch_look(fd) == MV_WATCHED_COUNTER &&
        mv_eventfd_now(fd, &stream->out))
        stream->kind = MV_STREAM_EVENTFD;
}

void mv_streams_give(struct mv_streams_handover *to) {
    to->end = end;
    to->mask = mask;
    for (int32_t fd = 0; fd < end; fd++)
        if (streams[fd].open && !streams[fd].same && streams[fd].kind == MV_STREAM_UNKNOWN)
            learn(fd, &streams[fd]);
    __builtin_memcpy(to->streams, streams, (uint64_t)end * sizeof *streams);
}

void mv_streams_take(const struct mv_streams_handover *from) {
    int32_t count = from->end < (int32_t)MV_STREAMS ? from->end : (int32_t)MV_STREAMS;
    for (int32_t fd = 0; fd < (int32_t)MV_STREAMS; fd++) {
        const struct mv_stream *other = fd < count ? &from->streams[fd] : NULL;
        struct mv_stream own = streams[fd];
        if (other)
            streams[fd] = *other;
        else if (fd < end || own.open)
            streams[fd] = (struct mv_stream){.kind = MV_STREAM_UNKNOWN};
        if (!other || !other->open || other->same || !(looked[fd / 64] >> fd % 64 & 1))
            continue;
        streams[fd].kind = own.kind;
        streams[fd].in = own.in;
        streams[fd].out = own.out;
    }
    end = count;
    mask = from->mask;
}

void mv_stream_join(int32_t fd, int32_t first) {
    streams[fd] = (struct mv_stream){.open = 1, .same = 1 + (uint32_t)first};
    streams[first].copies++;
}

void mv_stream_opened(int64_t fd, enum mv_stream_kind kind, uint64_t out) {
    struct mv_stream *stream = entry_of(fd);
    if (!stream)
        return;
    forget(stream);
    reached(fd);
    *stream = (struct mv_stream){
        .kind = (uint32_t)kind, .open = 1, .early = (uint16_t)(stream->early + stream->open), .out = out};
}

void mv_stream_received(int32_t fd) {
    mv_stream_opened(fd, MV_STREAM_UNKNOWN, 0);
}

/* One thread's close may be replayed after another one's call that was given the number again. */
void mv_stream_closed(int64_t fd) {
    struct mv_stream *stream = entry_of(fd);
    if (!stream)
        return;
    if (stream->early) {
        stream->early--;
        return;
    }
    forget(stream);
    *stream = (struct mv_stream){.kind = MV_STREAM_UNKNOWN};
}

/* Two numbers for one stream. */
void mv_stream_duplicated(int64_t fd, int64_t copy, int over) {
    struct mv_stream *from = mv_stream_of(fd), *to = entry_of(copy);
    if (fd == copy || !to || from == to)
        return;
    if (over)
        mv_stream_closed(copy);
    mv_stream_opened(copy, MV_STREAM_UNKNOWN, 0);
    if (!from)
        return;
    to->same = 1 + (uint32_t)(from - streams);
    from->copies++;
}

void mv_stream_moved(int64_t fd, int inwards, uint64_t bytes) {
    struct mv_stream *stream = mv_stream_of(fd);
    if (!stream)
        return;
    if (stream->kind == MV_STREAM_EVENTFD)
        stream->kind = MV_STREAM_UNKNOWN; /* by a call that is not looked into */
    else if (inwards && stream->kind == MV_STREAM_TCP)
        stream->in += bytes;
    else if (!(inwards && stream->kind == MV_STREAM_APPENDED))
        stream->out += bytes;
}
