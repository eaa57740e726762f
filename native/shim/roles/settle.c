/* Settling: the leader was killed between an intent and its record. Did the call happen, and with which
 * bytes?
 *
 * The kernel's counters say how many bytes moved that no record tells of: that is the outcome of the one call
 * that the thread was making. Bytes that it read are still in the dead leader's memory, which its keeper
 * shares. The promoted thread reaches the same call next (the same version, the same history) and is given
 * that outcome instead of making the call a second time. Nothing moved: it is made as if for the first time.
 *
 * What can't be settled is said by name, and a connection in doubt is shut down, never continued silently. */
#include "../calls/guard.h"
#include "../calls/segments.h"
#include "../calls/table.h"
#include "../sys.h"
#include "epoll.h"
#include "roles.h"
#include "strangers.h"
#include "streams.h"

uint32_t mv_unsettled;

static int consumes(uint32_t call) {
    return call == __NR_read || call == __NR_readv || call == __NR_recvfrom || call == __NR_recvmsg;
}
static int emits(uint32_t call) {
    return call == __NR_write || call == __NR_writev || call == __NR_sendto || call == __NR_sendmsg ||
           call == __NR_sendfile;
}
/* They move bytes as well, but a second call could not be given the outcome of the first. */
static int moves_otherwise(uint32_t call) {
    return call == __NR_splice || call == __NR_sendmmsg || call == __NR_recvmmsg || call == __NR_preadv2 ||
           call == __NR_pwritev2;
}
static int is_flat(uint32_t call) {
    return call == __NR_read || call == __NR_recvfrom;
}

static int accepts(uint32_t call) {
    return call == __NR_accept || call == __NR_accept4;
}

static void *room(uint64_t size) {
    long at = mv_sys6(__NR_mmap, 0, (long)size, 3, 0x22, -1, 0);
    return mv_is_error(at) ? NULL : (void *)at;
}

/* The buffer of an intent, in a mapping of its own; NULL when it can't be read. */
static uint8_t *fetch(const struct mv_intent *intent, uint64_t size) {
    uint8_t *at = size > intent->length ? NULL : room(size);
    if (at && !mv_remains_read(at, intent->buffer, size)) {
        mv_sys2(__NR_munmap, (long)at, (long)size);
        return NULL;
    }
    return at;
}

/* The other end of an accepted connection. One that has been reset meanwhile has no name any more: then as
 * the kernel told it to the dead leader. */
static struct mv_peer *peer_of(const struct mv_intent *intent, int fd) {
    struct mv_peer *peer = room(sizeof *peer);
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
        settled =
            (struct mv_settled){intent->call, intent->fd, (uint64_t)fd, (uint8_t *)peer_of(intent, fd), 0};
    return settled;
}

/* How many bytes the call moved that was intended. A connection of which that can't be said: *doubtful. */
static uint64_t bytes_moved(const struct mv_intent *intent, uint32_t *doubtful) {
    const struct mv_stream *stream = mv_stream_of(intent->fd);
    uint64_t in = 0, out = 0;
    uint32_t kind = stream ? stream->kind : MV_STREAM_UNKNOWN;
    if (kind == MV_STREAM_TCP) {
        if (!mv_stream_tcp_now(intent->fd, &in, &out))
            return 0;
        out -= stream->out;
        in -= stream->in;
        if (moves_otherwise(intent->call))
            return *doubtful = in || out;
        *doubtful = (intent->call == __NR_write || intent->call == __NR_sendto) && (int64_t)out > 0 &&
                    out > intent->length;
        return consumes(intent->call) ? in : out;
    }
    if (kind == MV_STREAM_UNKNOWN || moves_otherwise(intent->call) ||
        !mv_stream_file_now(intent->fd, kind == MV_STREAM_APPENDED, &out))
        return 0;
    if (intent->call == __NR_write && intent->length) {
        uint8_t *bytes = fetch(intent, intent->length);
        if (bytes) {
            uint64_t written = mv_stream_written(intent->fd, bytes, intent->length, stream->out, out);
            mv_sys2(__NR_munmap, (long)bytes, (long)intent->length);
            return written;
        }
    }
    return consumes(intent->call) && kind == MV_STREAM_APPENDED ? 0 : out - stream->out;
}

/* Once all leader threads are dead and all records replayed, before any call is made: notes in each thread
 * how many bytes its counterpart's last call moved. */
void mv_settle_intents(void) {
    int looked = 0;
    mv_unsettled = 0;
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area)) {
        const struct mv_log_header *header =
            (const struct mv_log_header *)mv_log_base(mv.version ^ 1, area->slot);
        struct mv_intent intent = header->intent;
        area->settled = (struct mv_settled){.call = MV_INTENT_NONE};
        if (!area->replaying || intent.call == MV_INTENT_NONE || intent.sequence != area->reader.sequence)
            continue;
        const struct mv_stream *closing = intent.call == __NR_close ? mv_stream_of(intent.fd) : NULL;
        if (intent.call == __NR_epoll_ctl || (closing && closing->early)) {
            mv_unsettled++;
            area->settled = (struct mv_settled){.call = intent.call, .fd = intent.fd};
            continue;
        }
        if (accepts(intent.call)) {
            if (!looked++)
                mv_strangers_look();
            area->settled = accepted(&intent);
            mv_unsettled += area->settled.call != MV_INTENT_NONE;
            continue;
        }
        if (!consumes(intent.call) && !emits(intent.call) && !moves_otherwise(intent.call))
            continue;
        uint32_t doubtful = 0;
        uint64_t moved = bytes_moved(&intent, &doubtful);
        if ((int64_t)moved > 0) {
            mv_unsettled++;
            area->settled = (struct mv_settled){
                intent.call, intent.fd, moved,
                is_flat(intent.call) && !doubtful ? fetch(&intent, moved) : NULL, doubtful};
        }
    }
}

/* Whether the leader's registration was made, its repetition tells. */
static long register_again(const struct mv_frame *frame) {
    uint64_t operation = (uint32_t)frame->rsi;
    long result =
        mv_sys4(__NR_epoll_ctl, (long)frame->rdi, (long)operation, (long)frame->rdx, (long)frame->r10);
    if (operation == MV_EPOLL_DEL)
        return result == -2 /* ENOENT: gone already */ ? 0 : result;
    if (operation != MV_EPOLL_ADD || result != -17 /* EEXIST */)
        return result;
    struct mv_epoll_data wanted = {0, 0};
    if (mv_guard_copy(&wanted, (const void *)frame->r10, sizeof wanted))
        return result;
    mv_epoll_register((int32_t)frame->rdi, (int32_t)frame->rdx, wanted);
    return 0;
}

static long in_doubt(const struct mv_settled *settled, const char *why) {
    struct mv_text text = {.used = 0};
    mv_text_add(&text, "descriptor ");
    mv_text_number(&text, settled->fd);
    mv_text_add(&text, " is shut down: the dead leader's last call on it can't be settled: ");
    mv_text_add(&text, why);
    mv_say(MV_ERROR, &text);
    mv_sys2(__NR_shutdown, settled->fd, 2);
    return -104; /* ECONNRESET */
}

/* The connection that the dead leader had accepted is given to the program. */
static long give(const struct mv_settled *settled, const struct mv_frame *frame) {
    struct mv_peer *peer = (struct mv_peer *)settled->copy;
    uint32_t size = 0;
    if (peer && frame->rsi && frame->rdx && !mv_guard_load32((const void *)frame->rdx, &size)) {
        if (size > peer->length)
            size = peer->length;
        if (size > sizeof peer->address)
            size = sizeof peer->address;
        mv_guard_copy((void *)frame->rsi, peer->address, size);
        mv_guard_copy((void *)frame->rdx, &peer->length, sizeof peer->length);
    }
    return (long)settled->moved;
}

static void refuse_connection(const struct mv_settled *settled) {
    struct mv_text text = {.used = 0};
    mv_text_add(&text, "a connection that the dead leader had accepted is closed, descriptor ");
    mv_text_number(&text, (int64_t)settled->moved);
    mv_text_add(&text, ": the follower's next call is another one");
    mv_say(MV_ERROR, &text);
    mv_sys1(__NR_close, (long)settled->moved);
}

/* The first call of a promoted thread. 1: *result is its outcome, and it must not be made. */
int mv_settled_outcome(struct mv_thread *self, struct mv_frame *frame, long *result) {
    struct mv_settled settled = self->settled;
    self->settled.call = MV_INTENT_NONE;
    if (settled.call == MV_INTENT_NONE)
        return 0;
    if (!__atomic_sub_fetch(&mv_unsettled, 1, __ATOMIC_ACQ_REL) && mv.role == MV_ROLE_SOLO)
        mv_fast_calls_for_role();
    if (settled.call == __NR_close) { /* the number is another descriptor's by now */
        *result = 0;
        return self->call == settled.call && settled.fd == (int32_t)frame->rdi;
    }
    if (settled.call == __NR_epoll_ctl) {
        if (self->call == settled.call)
            *result = register_again(frame);
        return self->call == settled.call;
    }
    if (accepts(settled.call)) {
        int same = self->call == settled.call && settled.fd == (int32_t)frame->rdi;
        if (same)
            *result = give(&settled, frame);
        else
            refuse_connection(&settled);
        if (settled.copy)
            mv_sys2(__NR_munmap, (long)settled.copy, sizeof(struct mv_peer));
        return same;
    }
    if (settled.call != self->call || settled.fd != (int32_t)frame->rdi) {
        *result = in_doubt(&settled, "the follower's next call is another one");
        return 0; /* the stream is shut; this other call is made */
    }
    *result = (long)settled.moved;
    if (settled.doubtful) {
        *result = in_doubt(&settled, "its bytes can't be counted");
    } else if (settled.call == __NR_sendfile) {
        int64_t offset = 0;
        if (settled.moved > frame->r10)
            *result = in_doubt(&settled, "more bytes went out than it asked for");
        else if (frame->rdx && !mv_guard_load64((const void *)frame->rdx, (uint64_t *)&offset)) {
            offset += (int64_t)settled.moved;
            mv_guard_copy((void *)frame->rdx, &offset, sizeof offset);
        }
    } else if (emits(settled.call)) {
        /* A reply that may differ in masked fields may be shorter here. */
        if ((settled.call == __NR_write || settled.call == __NR_sendto) && settled.moved > frame->rdx)
            *result = (long)frame->rdx;
    } else if (!is_flat(settled.call)) {
        *result = in_doubt(&settled, "it read into several buffers");
    } else if (!settled.copy) {
        *result = in_doubt(&settled, "the dead leader's memory can't be read (is its keeper gone?)");
    } else {
        if (settled.moved > frame->rdx || mv_guard_copy((void *)frame->rsi, settled.copy, settled.moved))
            *result = in_doubt(&settled, "more bytes are gone than are asked for");
        mv_sys2(__NR_munmap, (long)settled.copy, (long)settled.moved);
    }
    return 1;
}
