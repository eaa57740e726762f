/* Settling calls that move bytes: how many did the dead leader's call move, and which?
 *
 * TCP: the kernel's totals less those of the records. Regular files: position, size, and the bytes that stand
 * there. Other sockets and counters: their witness (witness.c). sendfile and splice: the totals, the position
 * or the offset of whichever side has one. What was read is gathered from the dead leader's buffers.
 *
 * A call that would natively have moved all (a blocking send, MSG_WAITALL, a regular file's), and was cut
 * short, goes on with the rest. */
#include "../calls/guard.h"
#include "../calls/segments.h"
#include "../calls/table.h"
#include "../sys.h"
#include "batch.h"
#include "leftover.h"
#include "rest.h"
#include "roles.h"
#include "settle.h"
#include "streams.h"
#include "watch.h"
#include "witness.h"

#define MSG_WAITALL 0x100u

static int consumes(uint32_t call) {
    return call == __NR_read || call == __NR_readv || call == __NR_recvfrom || call == __NR_recvmsg ||
           call == __NR_preadv2;
}
/* It writes at a place that is named: a second time is no other, unless the file is open to append. */
static int emits_at(uint32_t call) {
    return call == __NR_pwrite64 || call == __NR_pwritev;
}
/* Messages whose number is the result. */
static int batches(uint32_t call) {
    return call == __NR_sendmmsg || call == __NR_recvmmsg;
}
static int is_flat(uint32_t call) {
    return call == __NR_read || call == __NR_recvfrom || call == __NR_write || call == __NR_sendto;
}

int mv_bytes_consumed_by(uint32_t call) {
    return consumes(call);
}

/* What is known of the intended call. */
struct finding {
    int64_t moved;                    /* bytes; -1: it was not made, or moved nothing; UNTOLD */
    uint32_t doubtful;                /* the connection's counts can't be right */
    struct mv_message_header message; /* where the bytes are in the dead leader */
    uint64_t flat[2];                 /* or here */
};
#define UNTOLD (-2)

/* The buffers of a call that no witness describes. */
static void describe(struct finding *found, const struct mv_intent *intent) {
    found->message = (struct mv_message_header){.iov = intent->buffer, .iovlen = intent->length};
    if (intent->call == __NR_recvmsg || intent->call == __NR_sendmsg) {
        if (!mv_remains_read(&found->message, intent->buffer, sizeof found->message))
            found->message.iovlen = 0;
    } else if (is_flat(intent->call)) {
        found->flat[0] = intent->buffer;
        found->flat[1] = intent->length;
        found->message.iovlen = 1;
    }
}

/* Urgent data waits: it is counted as received, and what waits behind it is not counted as waiting. */
static int has_urgent(int fd) {
    struct {
        int32_t fd;
        int16_t events, revents;
    } polled = {fd, 2 /* POLLPRI */, 0};
    return mv_sys3(__NR_poll, (long)&polled, 1, 0) == 1 && (polled.revents & 2);
}

static struct finding of_tcp(const struct mv_intent *intent, int fd, int inwards) {
    const struct mv_stream *stream = mv_stream_of(fd);
    struct finding found = {.moved = -1};
    uint64_t in = 0, out = 0;
    if (!mv_stream_tcp_now(fd, &in, &out))
        return found;
    in -= stream->in;
    out -= stream->out;
    if (batches(intent->call)) {
        found.doubtful = in || out;
        found.moved = found.doubtful ? 1 : -1;
        return found;
    }
    found.doubtful = (intent->call == __NR_write || intent->call == __NR_sendto) && (int64_t)out > 0 &&
                     out > intent->length;
    found.moved = (int64_t)(inwards ? in : out);
    if (found.moved && has_urgent(fd))
        found.doubtful = 1;
    return found;
}

/* A piece of the dead leader's memory, in a mapping of its own. */
static uint8_t *fetch(uint64_t from, uint64_t size) {
    uint8_t *at = mv_room(size);
    if (at && !mv_remains_read(at, from, size)) {
        mv_sys2(__NR_munmap, (long)at, (long)size);
        return NULL;
    }
    return at;
}

static struct finding of_file(const struct mv_intent *intent, int fd) {
    const struct mv_stream *stream = mv_stream_of(fd);
    struct finding found = {.moved = -1};
    int appended = stream->kind == MV_STREAM_APPENDED;
    uint64_t now = 0;
    if ((emits_at(intent->call) && !appended) || batches(intent->call) ||
        !mv_stream_file_now(fd, appended, &now))
        return found;
    found.moved = consumes(intent->call) && appended ? -1 : (int64_t)(now - stream->out);
    if ((intent->call == __NR_write || intent->call == __NR_pwrite64) && intent->length) {
        uint8_t *bytes = fetch(intent->buffer, intent->length);
        if (bytes) {
            found.moved = (int64_t)mv_stream_written(fd, bytes, intent->length, stream->out, now);
            mv_sys2(__NR_munmap, (long)bytes, (long)intent->length);
        }
    }
    return found;
}

static uint32_t kind_of(int64_t fd) {
    const struct mv_stream *stream = mv_stream_of(fd);
    return stream ? stream->kind : MV_STREAM_UNKNOWN;
}

/* From one descriptor to another: by whichever has a count of its own. An offset that stands in memory is
 * compared as the thread reaches the call (told_by_offset). */
static struct finding between(const struct mv_intent *intent, int shared) {
    int splices = intent->call == __NR_splice;
    int from = splices ? intent->fd : (int)intent->buffer, to = splices ? (int)intent->length : intent->fd;
    uint64_t offset = splices ? intent->buffer : intent->length;
    if (kind_of(to) == MV_STREAM_TCP && !shared)
        return of_tcp(intent, to, 0);
    if (kind_of(from) == MV_STREAM_TCP && !shared)
        return of_tcp(intent, from, 1);
    if (kind_of(from) == MV_STREAM_FILE && !offset)
        return of_file(intent, from);
    if (kind_of(to) == MV_STREAM_FILE && splices && !intent->noted[0])
        return of_file(intent, to);
    return (struct finding){.moved = UNTOLD};
}

static struct finding of_eventfd(const struct mv_intent *intent) {
    uint64_t value = 0;
    int written =
        mv_remains_read(&value, intent->buffer, sizeof value) ? mv_eventfd_written(intent->fd, value) : -1;
    return (struct finding){.moved = written < 0 ? UNTOLD : written ? (int64_t)sizeof value : -1};
}

/* Is it something that takes or gives what a second call would not get or give again? */
static int is_stream(int fd) {
    uint32_t mode = 0;
    if (!mv_identity(fd, (uint64_t) "", 0x1000 /* AT_EMPTY_PATH */, &mode))
        return 0;
    return !(mode & 0170000) /* anonymous */ || mv_watch_look(fd) != MV_WATCHED_NOT;
}

/* The kernel's own word for it. */
static int told_by_witness(const struct mv_log_header *header, struct finding *found) {
    const struct mv_intent *intent = &header->intent;
    *found = (struct finding){.moved = -1};
    found->moved = mv_witness_tells(header, &found->message);
    if (found->moved > 0 && header->witness.kind == MV_WITNESS_RING && consumes(intent->call))
        describe(found, intent);
    if (found->moved > 0 && kind_of(intent->fd) == MV_STREAM_EVENTFD)
        mv_eventfd_settled(mv_stream_of(intent->fd), intent->buffer);
    return found->moved != UNTOLD;
}

static struct finding find(const struct mv_log_header *header) {
    const struct mv_intent *intent = &header->intent;
    struct finding found;
    uint64_t position;
    uint32_t kind = kind_of(intent->fd);
    if (intent->call == __NR_sendfile || intent->call == __NR_splice) {
        found = between(intent, mv_witness_is_shared(header));
        if (found.moved == UNTOLD)
            return found;
    } else if (told_by_witness(header, &found)) {
        return found;
    } else if (kind == MV_STREAM_TCP) {
        found = of_tcp(intent, intent->fd, consumes(intent->call));
    } else if (mv_stream_file_now(intent->fd, 1, &position)) {
        if (kind == MV_STREAM_UNKNOWN) /* its position is not accounted for */
            return (struct finding){.moved = emits_at(intent->call) ? -1 : UNTOLD};
        found = of_file(intent, intent->fd);
    } else if (kind == MV_STREAM_EVENTFD && intent->call == __NR_write) {
        return of_eventfd(intent);
    } else {
        return (struct finding){.moved = is_stream(intent->fd) ? UNTOLD : -1};
    }
    if (found.moved <= 0)
        found.moved = -1;
    else if (consumes(intent->call))
        describe(&found, intent);
    return found;
}

struct mv_settled mv_bytes_settled(const struct mv_log_header *header) {
    const struct mv_intent *intent = &header->intent;
    struct finding found;
    struct mv_batch *batch = NULL;
    if (batches(intent->call)) {
        batch = mv_batch_gather(header, &found.moved);
        if (found.moved != UNTOLD)
            return (struct mv_settled){.call = batch ? intent->call : MV_INTENT_NONE,
                                       .fd = intent->fd,
                                       .moved = (uint64_t)found.moved,
                                       .copy = batch};
    }
    found = find(header);
    struct mv_settled settled = {.call = intent->call, .fd = intent->fd, .doubtful = found.doubtful};
    if (found.moved == UNTOLD) {
        uint64_t offset = intent->call == __NR_splice ? intent->buffer : intent->length;
        settled.untold = 1;
        if ((intent->call == __NR_splice || intent->call == __NR_sendfile) && offset)
            settled.untold = mv_remains_read(&settled.noted[0], offset, 8) ? 2 : 1;
        return settled;
    }
    if (found.moved < 0)
        return (struct mv_settled){.call = MV_INTENT_NONE};
    settled.moved = (uint64_t)found.moved;
    if (consumes(intent->call) && !found.doubtful)
        settled.copy = mv_gather(&found.message, found.flat[0] ? found.flat : NULL, settled.moved);
    return settled;
}

/* The dead leader's follower is another version: what was sent may be sent by other calls there. */
void mv_bytes_leave(struct mv_thread *area, struct mv_settled *settled, const struct mv_intent *intent) {
    struct finding found;
    if (settled->call == MV_INTENT_NONE || settled->untold || consumes(intent->call) ||
        emits_at(intent->call) || batches(intent->call) || intent->call == __NR_sendfile ||
        intent->call == __NR_splice)
        return;
    describe(&found, intent);
    found.message.name = found.message.control = 0;
    mv_leftover_sent(area, intent->fd,
                     settled->doubtful ? NULL
                                       : mv_gather(&found.message, is_flat(intent->call) ? found.flat : NULL,
                                                   settled->moved));
    settled->call = MV_INTENT_NONE;
}

long mv_in_doubt(const struct mv_settled *settled, const char *why) {
    struct mv_text text = {.used = 0};
    mv_text_add(&text, "descriptor ");
    mv_text_number(&text, settled->fd);
    mv_text_add(&text, " is shut down: the dead leader's last call on it can't be settled: ");
    mv_text_add(&text, why);
    mv_say(MV_ERROR, &text);
    mv_sys2(__NR_shutdown, settled->fd, 2);
    return -104; /* ECONNRESET */
}

/* (Files of /proc and its like, which have no size, end where they like.) */
static int has_rest(int fd, int inwards) {
    uint64_t at, end;
    return mv_stream_file_now(fd, 0, &at) && mv_stream_file_now(fd, 1, &end) && (!inwards || at < end);
}

/* Only a kill cuts a regular file's read or write short, between two pages: natively there is a rest only
 * where the file or the disk ends, and programs take one for that. */
static int rest_by(const struct mv_frame *frame, int inwards, uint64_t flags) {
    int fd = (int32_t)frame->rdi;
    if (has_rest(fd, inwards))
        return inwards ? __NR_read : __NR_write;
    return (inwards && !(flags & MSG_WAITALL)) || !mv_rest_is_waited_for(fd, flags)
               ? MV_NO_REST
               : mv_rest_moves_by(fd, inwards);
}

/* What is left of a call that natively moves all: piece by piece, as long as it goes. */
static long go_on(struct mv_thread *self, const struct mv_frame *frame, long moved) {
    const uint64_t args[6] = {frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9};
    const struct mv_call_row *row = mv_call_find(self->call);
    struct mv_segment pieces[MV_SEGMENTS_MAX];
    int inwards = consumes(self->call), vector = self->call == __NR_sendmsg || self->call == __NR_recvmsg;
    uint64_t flags = vector                                                     ? frame->rdx
                     : self->call == __NR_sendto || self->call == __NR_recvfrom ? frame->r10
                                                                                : 0;
    int call = rest_by(frame, inwards, flags);
    if (call == MV_NO_REST)
        return moved;
    int count = inwards ? mv_call_out_targets(row, args, 1 << 30, pieces, MV_SEGMENTS_MAX)
                        : mv_call_in_segments(row, args, pieces, MV_SEGMENTS_MAX);
    uint64_t before = (uint64_t)moved;
    for (int i = 0; i < count; i++) {
        uint32_t how = pieces[i].how & MV_HOW_MASK;
        if (pieces[i].arg != 1 || (how != MV_HOW_DATA && how != MV_HOW_BYTES))
            continue;
        uint64_t done = before < pieces[i].len ? before : pieces[i].len;
        before -= done;
        while (done < pieces[i].len) {
            const uint64_t rest[6] = {
                frame->rdi, (uint64_t)pieces[i].addr + done, pieces[i].len - done, flags, 0, 0};
            long result = mv_syscall_interruptible(rest, (uint32_t)call, &self->attention);
            if (result <= 0)
                return moved;
            done += (uint64_t)result;
            moved += result;
        }
    }
    return moved;
}

/* The same for sendfile to a stream that it waits for. */
static long send_on(struct mv_thread *self, const struct mv_frame *frame, long moved) {
    int fd = (int32_t)frame->rdi;
    if (!mv_rest_is_waited_for(fd, 0) || mv_rest_moves_by(fd, 0) == MV_NO_REST)
        return moved;
    while ((uint64_t)moved < frame->r10) {
        const uint64_t rest[6] = {frame->rdi, frame->rsi, frame->rdx, frame->r10 - (uint64_t)moved};
        long result = mv_syscall_interruptible(rest, __NR_sendfile, &self->attention);
        if (result <= 0)
            break;
        moved += result;
    }
    return moved;
}

/* The kernel had moved the dead leader's offset: by as much as it had moved. */
static int told_by_offset(const struct mv_settled *settled, const struct mv_frame *frame, long *result) {
    uint64_t own = settled->call == __NR_splice ? frame->rsi : frame->rdx, offset;
    if (settled->untold != 2 || !own || mv_guard_load64((const void *)own, &offset) ||
        settled->noted[0] < offset)
        return 0;
    *result = (long)(settled->noted[0] - offset);
    if (*result)
        mv_guard_copy((void *)own, &settled->noted[0], 8);
    return 1;
}

/* The stream socket from or to which the call moves bytes; -1: none. Bytes that are sent twice there, or
 * lost, are not to be told from others. */
static int stream_socket(const struct mv_settled *settled, const struct mv_frame *frame) {
    int other = settled->call == __NR_splice     ? (int32_t)frame->rdx
                : settled->call == __NR_sendfile ? (int32_t)frame->rsi
                                                 : settled->fd;
    for (int i = 0; i < 2; i++) {
        int fd = i ? other : settled->fd;
        uint32_t type = 0, size = sizeof type;
        if (!mv_sys5(__NR_getsockopt, fd, 1 /* SOL_SOCKET */, 3 /* SO_TYPE */, (long)&type, (long)&size) &&
            type == 1 /* SOCK_STREAM */)
            return fd;
    }
    return -1;
}

/* 1: *result is the outcome. */
int mv_bytes_outcome(struct mv_thread *self, const struct mv_settled *settled, struct mv_frame *frame,
                     long *result) {
    *result = (long)settled->moved;
    if (settled->untold) {
        if (told_by_offset(settled, frame, result)) {
            if (settled->call == __NR_sendfile && *result > 0)
                *result = send_on(self, frame, *result);
            return *result != 0;
        }
        struct mv_settled at = *settled;
        if ((at.fd = stream_socket(settled, frame)) >= 0) {
            *result = mv_in_doubt(&at, "nothing tells whether it has moved bytes (is the keeper gone?)");
            return 1;
        }
        mv_settle_say(settled->call, "may have moved bytes or not, which can't be told: it is made again");
        return 0;
    }
    if (batches(settled->call) && settled->copy) {
        if (!mv_batch_give(settled->copy, frame, settled->call == __NR_recvmmsg))
            *result = mv_in_doubt(settled, "messages are gone that can't be given to the program");
    } else if (settled->doubtful) {
        *result = mv_in_doubt(settled, "its bytes can't be counted");
    } else if (consumes(settled->call)) {
        if (!settled->copy)
            *result = mv_in_doubt(settled, "the dead leader's memory can't be read (is its keeper gone?)");
        else if (!mv_scatter(settled->copy, self, frame))
            *result = mv_in_doubt(settled, "more bytes are gone than are asked for");
        else
            *result = go_on(self, frame, *result);
    } else if (settled->call == __NR_sendfile || settled->call == __NR_splice) {
        uint64_t own = settled->call == __NR_splice ? frame->rsi : frame->rdx, offset;
        if (settled->moved > (settled->call == __NR_splice ? frame->r8 : frame->r10))
            *result = mv_in_doubt(settled, "more bytes went out than it asked for");
        else if (own && !mv_guard_load64((const void *)own, &offset)) {
            offset += settled->moved;
            mv_guard_copy((void *)own, &offset, sizeof offset);
        }
        if (settled->call == __NR_sendfile && *result > 0)
            *result = send_on(self, frame, *result);
    } else if ((settled->call == __NR_write || settled->call == __NR_sendto) &&
               settled->moved >= frame->rdx) {
        *result = (long)frame->rdx; /* a reply that may differ in masked fields may be shorter here */
    } else if (!batches(settled->call)) {
        *result = go_on(self, frame, *result);
    }
    return 1;
}
