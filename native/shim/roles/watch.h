/* Descriptors whose calls need a witness (witness.c), because no counter of the kernel tells of them. By
 * number, in the leader. */
#ifndef MV_WATCH_H
#define MV_WATCH_H

#include <asm/unistd.h>
#include <stdint.h>

enum mv_watched {
    MV_WATCHED_NOT = 0,
    MV_WATCHED_SOCKET = 1,  /* any but TCP of which all is known */
    MV_WATCHED_COUNTER = 2, /* eventfd, timerfd: a read gives 8 bytes, which are never 0 */
    MV_WATCHED_EVENTS = 3,  /* inotify: a read gives events, whose mask is never 0 */
    MV_WATCHED_PIPE = 4,    /* pipe, terminal */
    MV_WATCHED_LATER = 5,   /* looked at when it is used */
    MV_WATCHED_FORKED = 6, /* looked at when it is used, too: a child may have it if it is a TCP connection */
    MV_WATCHED_SHARED = 7, /* TCP connection that a child has: others may move bytes on it */
    MV_WATCHED_SIGNALS = 8 /* signalfd: a read gives signals, whose number is never 0 */
};
#define MV_WATCHED_MAX 65536u
extern uint8_t mv_watched[MV_WATCHED_MAX] __attribute__((visibility("hidden")));

static inline int mv_is_watched(uint64_t fd) {
    return fd < MV_WATCHED_MAX && mv_watched[fd];
}

/* Calls that mv_witness_call() may make in another way. For any other, what a name led to need not be looked
 * at: a file that is opened, asked for its size, sent and closed never is. */
static inline int mv_is_witnessed(uint32_t call, uint64_t fd) {
    const uint64_t calls = 1ull << __NR_read | 1ull << __NR_write | 1ull << __NR_readv | 1ull << __NR_writev |
                           1ull << __NR_sendfile | 1ull << __NR_sendto | 1ull << __NR_recvfrom |
                           1ull << __NR_sendmsg | 1ull << __NR_recvmsg;
    return mv_is_watched(fd) && (call < 64 ? (int)(calls >> call & 1) : call == __NR_splice);
}

void mv_watch(int64_t fd, enum mv_watched kind);
uint32_t mv_watch_end(void);         /* above every number that was watched */
int mv_watch_is_childs(uint64_t fd); /* a child may have it, or had */
enum mv_watched mv_watch_kind(uint64_t fd);

/* Leader: a call has made descriptors, or is about to close some. */
void mv_watch_opened(uint32_t call, const uint64_t args[6], long result);
void mv_watch_forked(void); /* a child has been made, or is about to be */
void mv_watch_closing(uint32_t call, const uint64_t args[6]);

enum mv_watched mv_watch_look(int fd);               /* what it is; never LATER */
int mv_watch_is_anonymous(int fd, const char *kind); /* "[eventpoll]" and the like */

/* rights.c: descriptors passed over Unix sockets */
#define MV_RIGHTS_MAX 253 /* of one message: the kernel's own limit */
struct mv_message_header;
int mv_rights_in(uint64_t control, uint64_t length, int32_t fds[MV_RIGHTS_MAX]);
void mv_rights_passed(const struct mv_message_header *message, int sent); /* leader: before, after the call */
void mv_rights_replayed(uint64_t message, uint64_t count, uint64_t stride);

#endif
