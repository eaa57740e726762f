/* Calls whose outcome the kernel itself leaves in memory; see witness.c. */
#ifndef MV_WITNESS_H
#define MV_WITNESS_H

#include <mvedsua/shared.h>

struct mv_thread;
struct mv_frame;

/* Descriptors whose calls need a witness, because no counter tells of them. By number, in the leader. */
enum mv_watched {
    MV_WATCHED_NOT = 0,
    MV_WATCHED_SOCKET = 1, /* any but TCP */
    MV_WATCHED_COUNTER = 2 /* eventfd, timerfd: a read gives 8 bytes, which are never 0 */
};
#define MV_WATCHED_MAX 65536u
extern uint8_t mv_watched[MV_WATCHED_MAX] __attribute__((visibility("hidden")));

static inline int mv_is_watched(uint64_t fd) {
    return fd < MV_WATCHED_MAX && mv_watched[fd];
}

void mv_watch(int64_t fd, enum mv_watched kind);
void mv_watch_opened(uint32_t call, const uint64_t args[6], long result);

/* Leader: makes the call. 0: it is not one of those, nothing was done. */
int mv_witness_call(struct mv_thread *self, struct mv_frame *frame);

/* Promoted: how many bytes the intended call moved; -1: it was not made (or nothing); -2: there is no
 * witness. *message describes where they are in the dead leader's memory. */
int64_t mv_witness_tells(const struct mv_log_header *header, struct mv_message_header *message);

#endif
