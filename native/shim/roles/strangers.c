/* Strangers: descriptors of the shared table that no record told of. After the leader's death each one is the
 * outcome of a call that it was making.
 *
 * A new descriptor gets the lowest free number. So a stranger stands at most as far above the numbers that
 * were ever told of as there are threads, and descriptors lent to the follower: it isn't looked for beyond.
 */
#include "strangers.h"
#include "../sys.h"
#include "roles.h"
#include "settle.h"
#include "streams.h"

#define STRANGERS_MAX MV_MAX_THREADS
#define ABOVE         ((int32_t)MV_MAX_THREADS + 1024) /* threads, and loans */

#define NOFOLLOW         0400000u
#define TMPFILE          020200000u
#define SYMLINK_NOFOLLOW 0x100u
#define EMPTY_PATH       0x1000u
#define SOL_SOCKET       1
#define SO_TYPE          3
#define SO_ACCEPTCONN    30
#define SO_PROTOCOL      38
#define SO_DOMAIN        39

static int32_t strangers[STRANGERS_MAX]; /* -1: taken */
static int count;

/* After the loans have been taken back, before any call is made. Which numbers are open is told by poll. */
void mv_strangers_look(void) {
    struct {
        int32_t fd;
        int16_t events, revents;
    } polled[256];
    int32_t end = mv_streams_end() + ABOVE;
    uint64_t limit[2] = {0, 0};
    count = 0;
    mv_sys4(__NR_prlimit64, 0, 7 /* RLIMIT_NOFILE */, 0, (long)limit);
    if (end > (int32_t)MV_STREAMS)
        end = MV_STREAMS;
    if ((uint64_t)end > limit[0])
        end = (int32_t)limit[0];
    for (int32_t fd = 0; fd < end;) {
        uint32_t n = 0;
        for (; fd < end && n < 256; fd++) {
            if (mv_stream_is_open(fd) || mv_is_hidden((uint64_t)fd))
                continue;
            polled[n].fd = fd;
            polled[n].events = polled[n].revents = 0;
            n++;
        }
        if (!n || mv_is_error(mv_sys3(__NR_poll, (long)polled, n, 0)))
            continue;
        for (uint32_t i = 0; i < n; i++)
            if (!(polled[i].revents & 0x20 /* POLLNVAL */) && count < (int)STRANGERS_MAX)
                strangers[count++] = polled[i].fd;
    }
}

/* The number of a descriptor that was closed, and which has been given to another since. */
void mv_strangers_add(int32_t fd) {
    if (count < (int)STRANGERS_MAX)
        strangers[count++] = fd;
}

static int32_t taken(int i) {
    int32_t fd = strangers[i];
    strangers[i] = -1;
    return fd;
}

/* It came over a socket: it is no outcome of another call. */
void mv_stranger_received(int32_t fd) {
    for (int i = 0; i < count; i++)
        if (strangers[i] == fd)
            strangers[i] = -1;
}

struct address {
    uint16_t family;
    uint8_t rest[126]; /* INET: port, address; INET6: port, flow, address; UNIX: path */
};

static int same(const uint8_t *a, const uint8_t *b, uint32_t size) {
    while (size && *a == *b)
        a++, b++, size--;
    return !size;
}

static int option(int fd, int name) {
    int32_t value = -1;
    uint32_t size = sizeof value;
    return mv_sys5(__NR_getsockopt, fd, SOL_SOCKET, name, (long)&value, (long)&size) ? -1 : value;
}

/* 2: was accepted by a socket that listens at this very address; 1: … at any address of the host. */
static int accepted_by(int listener, int fd) {
    static const uint8_t any[16];
    struct address own = {0, {0}}, its = {0, {0}};
    uint32_t own_size = sizeof own, its_size = sizeof its;
    for (int name = SO_PROTOCOL; name <= SO_DOMAIN; name++)
        if (option(fd, name) != option(listener, name))
            return 0;
    if (option(fd, SO_TYPE) != option(listener, SO_TYPE) || option(fd, SO_ACCEPTCONN) != 0 ||
        mv_sys3(__NR_getsockname, listener, (long)&own, (long)&own_size) ||
        mv_sys3(__NR_getsockname, fd, (long)&its, (long)&its_size) || own.family != its.family)
        return 0;
    if (own.family != 2 /* INET */ && own.family != 10 /* INET6 */)
        return own_size == its_size && same(own.rest, its.rest, own_size > 2 ? own_size - 2 : 0) ? 2 : 0;
    uint32_t at = own.family == 2 ? 2 : 6, size = own.family == 2 ? 4 : 16;
    if (!same(own.rest, its.rest, 2))
        return 0;
    return same(own.rest + at, its.rest + at, size) ? 2 : same(own.rest + at, any, size);
}

/* A connection that was taken from this listening socket's queue; it is a stranger no more. Of several it
 * doesn't matter which: no thread has done anything with one yet. */
int32_t mv_stranger_accepted_by(int listener) {
    for (int wanted = 2; wanted >= 1; wanted--)
        for (int i = 0; i < count; i++)
            if (strangers[i] >= 0 && accepted_by(listener, strangers[i]) == wanted)
                return taken(i);
    return -1;
}

/* A file without a name (O_TMPFILE, which the kernel keeps in the descriptor's flags): nobody outside knows
 * of it. It goes, and is made again under the same number. */
static void close_unnamed(void) {
    for (int i = 0; i < count; i++) {
        long flags = strangers[i] < 0 ? -1 : mv_sys2(__NR_fcntl, strangers[i], 3 /* F_GETFL */);
        if (!mv_is_error(flags) && ((uint32_t)flags & TMPFILE) == TMPFILE) {
            mv_sys1(__NR_close, taken(i));
            return;
        }
    }
}

/* What an open with these arguments made: that very file; or, if the name means another one by now (or can't
 * be read: ""), a file that is open in that way. */
int32_t mv_stranger_opened(int64_t directory, const char *path, uint32_t flags) {
    uint64_t wanted =
        *path ? mv_identity(directory, (uint64_t)path, flags & NOFOLLOW ? SYMLINK_NOFOLLOW : 0, NULL) : 0;
    if ((flags & TMPFILE) == TMPFILE) {
        close_unnamed();
        return -1;
    }
    for (int i = 0; i < count; i++)
        if (strangers[i] >= 0 && wanted && mv_identity_of(strangers[i]) == wanted)
            return taken(i);
    for (int i = 0; i < count; i++) {
        uint32_t mode = 0;
        if (strangers[i] >= 0 && mv_identity(strangers[i], (uint64_t) "", EMPTY_PATH, &mode) &&
            (mode & 0170000) == 0100000 &&
            ((uint32_t)mv_sys2(__NR_fcntl, strangers[i], 3 /* F_GETFL */) & 3) == (flags & 3))
            return taken(i);
    }
    return -1;
}

/* What calls made that are made again, so that they make the same numbers once more: `most` of them. */
void mv_strangers_close(int most) {
    for (int i = 0; i < count && most; i++)
        if (strangers[i] >= 0) {
            mv_sys1(__NR_close, taken(i));
            most--;
        }
}
