/* Settling: the leader was killed between an intent and its record. Did the call happen, and with which
 * bytes?
 *
 * Each call has its way (calls/table/settle.tbl). What can be told only now, by the kernel's counters and the
 * dead leader's memory, is noted in the thread as it is promoted; the rest is looked at when the thread
 * reaches the same call next (the same version, the same history; outcomes.c). It is given that outcome
 * instead of making the call a second time; a call that did not happen is made as if for the first time.
 *
 * What can't be settled is said by name, and a connection in doubt is shut down, never continued silently. */
#include "settle.h"
#include "../calls/table.h"
#include "../log/barriers.h"
#include "../sys.h"
#include "reconcile.h"
#include "roles.h"
#include "strangers.h"
#include "streams.h"
#include "waits.h"

uint32_t mv_unsettled;

/* The other end of an accepted connection. One that has been reset meanwhile has no name any more: then as
 * the kernel told it to the dead leader. */
static struct mv_peer *peer_of(const struct mv_intent *intent, int fd) {
    struct mv_peer *peer = mv_room(sizeof *peer);
    if (!peer)
        return NULL;
    peer->length = sizeof peer->address;
    if (!mv_sys3(__NR_getpeername, fd, (long)peer->address, (long)&peer->length))
        return peer;
    peer->length = 0;
    if (intent->buffer && mv_remains_read(&peer->length, intent->length, 4))
        mv_remains_read(peer->address, intent->buffer,
                        peer->length < sizeof peer->address ? peer->length : sizeof peer->address);
    return peer;
}

static struct mv_settled accepted(const struct mv_intent *intent) {
    struct mv_settled settled = {.call = MV_INTENT_NONE};
    int32_t fd = mv_stranger_accepted_by(intent->fd);
    if (fd >= 0)
        settled = (struct mv_settled){.call = intent->call,
                                      .fd = intent->fd,
                                      .moved = (uint64_t)fd,
                                      .copy = (uint8_t *)peer_of(intent, fd)};
    return settled;
}

/* A string of the dead leader's; "" when it can't be read. It may end with a page. */
static void read_string(char *to, uint64_t from, uint64_t size) {
    uint64_t first = MV_PAGE - from % MV_PAGE;
    *to = 0;
    if (from && mv_remains_read(to, from, first < size ? first : size) && first < size)
        mv_remains_read(to + first, from + first, size - first);
    to[size - 1] = 0;
}

static struct mv_settled opened(const struct mv_intent *intent) {
    struct mv_settled settled = {.call = MV_INTENT_NONE};
    static char path[MV_PAGE]; /* only the one thread that promotes is here */
    int by_directory = intent->call == __NR_openat || intent->call == __NR_openat2;
    uint64_t flags = intent->call == __NR_open ? intent->buffer : intent->length;
    if (intent->call == __NR_creat)
        flags = 01 /* O_WRONLY */;
    if (intent->call == __NR_openat2 && !mv_remains_read(&flags, intent->length, 8))
        flags = 0;
    read_string(path, by_directory ? intent->buffer : intent->noted[0], sizeof path);
    int32_t fd = mv_stranger_opened(by_directory ? intent->fd : -100 /* AT_FDCWD */, path, (uint32_t)flags);
    if (fd >= 0)
        settled = (struct mv_settled){.call = intent->call, .fd = intent->fd, .moved = (uint64_t)fd};
    return settled;
}

/* The number is free, or another descriptor's: of a thread whose accept is told of already, or, by what it
 * means, of one whose call is still to be settled. */
static struct mv_settled closed(const struct mv_intent *intent) {
    const struct mv_stream *stream = mv_stream_of(intent->fd);
    int made = stream && stream->early;
    if (!made && mv_stream_is_open(intent->fd)) {
        uint64_t identity = mv_identity_of(intent->fd);
        made = !identity || (intent->noted[0] && identity != intent->noted[0]);
        if (made && identity)
            mv_strangers_add(intent->fd);
    }
    return (struct mv_settled){.call = made ? intent->call : MV_INTENT_NONE, .fd = intent->fd};
}

static struct mv_settled forked(const struct mv_intent *intent) {
    long child = mv_fork_settled(intent);
    int open = child || !intent->noted[1]; /* of a vfork nobody knows */
    return (struct mv_settled){.call = open ? intent->call : MV_INTENT_NONE, .moved = (uint64_t)child};
}

/* How many descriptors a call makes that is made again. */
static int makes(uint32_t call) {
    return call == __NR_pipe || call == __NR_pipe2 || call == __NR_socketpair ? 2 : 1;
}

static const struct mv_log_header *header_of(const struct mv_thread *area) {
    return (const struct mv_log_header *)mv_log_base(mv.reads, area->slot);
}

/* The call that the dead leader's thread was in, if there is no record of it; or NULL. */
const struct mv_intent *mv_intent_of(const struct mv_thread *area) {
    if (!area->replaying || !area->info) /* (of a thread that has ended, the log may be another's) */
        return NULL;
    const struct mv_intent *intent = &header_of(area)->intent;
    int open =
        mv_load_acquire32(&intent->call) != MV_INTENT_NONE && intent->sequence == area->reader.sequence;
    return open ? intent : NULL;
}

/* This thread's intent to be settled, or NULL. */
static const struct mv_intent *intent_of(const struct mv_thread *area, enum mv_way *way) {
    const struct mv_intent *intent = mv_intent_of(area);
    if (!intent || intent->call == MV_INTENT_COME)
        return NULL;
    *way = mv_call_way(intent->call);
    return intent;
}

/* Once all leader threads are dead and all records replayed, before any call is made: notes in each thread
 * what its counterpart's last call has done, or what will tell when the thread reaches that call. */
void mv_settle_intents(void) {
    int made = 0;
    mv_unsettled = 0;
    mv_strangers_look();
    for (int pass = 0; pass < 2; pass++)
        for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area)) {
            enum mv_way way = MV_WAY_NONE;
            const struct mv_intent *intent = intent_of(area, &way);
            struct mv_settled settled = {.call = MV_INTENT_NONE};
            /* Which numbers were closed says who was given one since; what was read, what is left of what was
             * written. */
            int first = way == MV_WAY_CLOSED || (way == MV_WAY_BYTES && mv_bytes_consumed_by(intent->call));
            if (first != !pass) {
                if (!pass)
                    area->settled = settled;
                continue;
            }
            switch (way) {
            case MV_WAY_NONE:
            case MV_WAY_AGAIN:
                break;
            case MV_WAY_BYTES:
                settled = mv_bytes_settled(header_of(area));
                if (mv_rules_image)
                    mv_bytes_leave(area, &settled, intent);
                break;
            case MV_WAY_ACCEPTED:
                settled = accepted(intent);
                break;
            case MV_WAY_OPENED:
                settled = opened(intent);
                break;
            case MV_WAY_FORKED:
                settled = forked(intent);
                break;
            case MV_WAY_CLOSED:
                settled = closed(intent);
                break;
            case MV_WAY_WAITED:
                settled = mv_wait_settled(header_of(area));
                break;
            case MV_WAY_MADE:
                made += makes(intent->call);
                break;
            default:
                if (intent->call ==
                    __NR_chroot) /* what else is looked up may be under the new root already */
                    mv_proc_take(intent->noted[1]);
                settled.call = intent->call;
                settled.fd = intent->fd;
                __builtin_memcpy(settled.noted, intent->noted, sizeof settled.noted);
            }
            area->settled = settled;
            mv_unsettled += settled.call != MV_INTENT_NONE;
        }
    mv_strangers_close(made);
}
