/* The rest of a call that a kick has cut short.
 *
 * A blocking send, a write to a pipe, a receive with MSG_WAITALL: natively they return when all has moved,
 * and earlier only for the program's own signals (signal(7)), which many programs don't have. The kicks are
 * signals, too. So the program is not given what had moved by then: it makes a call for the rest, as if it
 * had one behind the other, and is given the sum. Each has its intent and its record; the first record says
 * that another follows (MV_EVENT_REST_SENT), and the follower's thread does the same.
 *
 * What is left of a vector goes buffer by buffer. An error of the rest is not told: behind bytes that have
 * moved, natively the descriptor's next call tells it. */
#include "rest.h"
#include "../calls/guard.h"
#include "../calls/single.h"
#include "../signals/signals.h"
#include "../sys.h"
#include "roles.h"
#include "settle.h"

#define MSG_OOB      0x1u
#define MSG_PEEK     0x2u
#define MSG_TRUNC    0x20u
#define MSG_DONTWAIT 0x40u
#define MSG_WAITALL  0x100u
#define MSG_ERRQUEUE 0x2000u
#define MSG_NOSIGNAL 0x4000u
#define MSG_ZEROCOPY 0x4000000u /* each call has a notification of its own, which the program counts */
#define MSG_FASTOPEN 0x20000000u
#define O_NONBLOCK   04000
#define RED_ZONE     128u

_Static_assert(sizeof(struct mv_rest) == REST_SIZE && offsetof(struct mv_rest, site) == REST_SITE &&
                   offsetof(struct mv_rest, own_cont) == REST_OWN_CONT &&
                   offsetof(struct mv_rest, rsi) == REST_RSI && offsetof(struct mv_rest, r9) == REST_R9 &&
                   offsetof(struct mv_rest, moved) == REST_MOVED &&
                   offsetof(struct mv_rest, made) == REST_MADE &&
                   offsetof(struct mv_rest, call) == REST_CALL &&
                   offsetof(struct mv_rest, count) == REST_COUNT && REST_SIZE % 16 == 0,
               "rest.S");
extern const char mv_rest_done[] __attribute__((visibility("hidden")));

int mv_rest_is_waited_for(int fd, uint64_t flags) {
    return !(flags & MSG_DONTWAIT) && !(mv_sys2(__NR_fcntl, fd, 3 /* F_GETFL */) & O_NONBLOCK);
}

int mv_rest_moves_by(int fd, int inwards) {
    uint32_t mode = 0, type = 0, size = sizeof type;
    if (!mv_sys5(__NR_getsockopt, fd, 1 /* SOL_SOCKET */, 3 /* SO_TYPE */, (long)&type, (long)&size))
        return type != 1 /* SOCK_STREAM */ ? MV_NO_REST : inwards ? __NR_recvfrom : __NR_sendto;
    mv_identity(fd, (uint64_t) "", 0x1000 /* AT_EMPTY_PATH */, &mode);
    mode &= 0170000;
    return !inwards && (mode == 0010000 /* FIFO */ || mode == 0020000 /* character device */) ? __NR_write
                                                                                              : MV_NO_REST;
}

/* What a call asks for, where it may be one that moves all. */
struct asked {
    int moves, inwards;
    uint64_t flags;          /* MSG_* */
    uint64_t buffer, length; /* of one buffer */
    uint64_t vector, count;  /* or of these */
};

/* Control data comes once, with the first bytes or with any; what is sent with it goes on without only where
 * it belongs to the socket (descriptors). */
static int goes_on_without(const struct mv_message_header *message, int inwards) {
    uint32_t level = 0;
    return !message->control ||
           (!inwards &&
            (!message->controllen || (!mv_guard_load32((const void *)(message->control + 8), &level) &&
                                      level == 1 /* SOL_SOCKET */)));
}

static struct asked asked_by(const struct mv_frame *frame, uint32_t call) {
    const uint64_t buffer = frame->rsi, length = frame->rdx;
    struct mv_message_header message = {.name = 0};
    switch (call) {
    case __NR_write:
        return (struct asked){.moves = 1, .buffer = buffer, .length = length};
    case __NR_sendfile:
        return (struct asked){.moves = 1, .length = frame->r10};
    case __NR_sendto:
        return (struct asked){.moves = 1, .flags = frame->r10, .buffer = buffer, .length = length};
    case __NR_recvfrom:
        return (struct asked){.moves = (frame->r10 & MSG_WAITALL) != 0,
                              .inwards = 1,
                              .flags = frame->r10,
                              .buffer = buffer,
                              .length = length};
    case __NR_writev:
        return (struct asked){.moves = 1, .vector = frame->rsi, .count = frame->rdx};
    case __NR_sendmsg:
    case __NR_recvmsg:
        if (mv_guard_copy(&message, (const void *)frame->rsi, sizeof message))
            break;
        return (struct asked){.moves = goes_on_without(&message, call == __NR_recvmsg) &&
                                       (call == __NR_sendmsg || (frame->rdx & MSG_WAITALL)),
                              .inwards = call == __NR_recvmsg,
                              .flags = frame->rdx,
                              .vector = message.iov,
                              .count = message.iovlen};
    default:
        break;
    }
    return (struct asked){.moves = 0};
}

/* From the whole of a vector to the buffer at which its rest begins. 0: there is none (more than the kernel
 * moves by one call has an end of its own). */
static int part(struct asked *asked, uint64_t moved) {
    uint64_t left = moved, whole = 0;
    struct asked from = *asked;
    for (uint64_t i = 0; i < asked->count; i++) {
        uint64_t buffer, length, at = asked->vector + 16 * i;
        if (mv_guard_load64((const void *)at, &buffer) || mv_guard_load64((const void *)(at + 8), &length))
            return 0;
        if (whole <= moved && moved - whole < length) {
            from.vector = at + 16;
            from.count = asked->count - i - 1;
            from.buffer = buffer + left;
            from.length = length - left;
        }
        left = left > length ? left - length : 0;
        whole += length;
    }
    *asked = from;
    return moved < whole && whole <= MAX_RW_COUNT;
}

/* The frame's call is made at the exit of the one that it was: by the role that is valid then. */
static void to_be_made(struct mv_thread *self, struct mv_frame *frame) {
    self->call = (uint32_t)frame->rax;
    frame->rax = (uint64_t)(int64_t)-MV_ERESTART;
    mv_attention_raise(self, MV_ATTEND_REST);
}

/* `by`: the call for the rest; 0: it is asked for. Returns it. */
static int begin(struct mv_frame *frame, uint32_t call, long moved, int by) {
    struct asked asked = asked_by(frame, call);
    int fd = (int32_t)frame->rdi;
    if (!asked.moves || moved <= 0 ||
        (asked.flags & (MSG_OOB | MSG_PEEK | MSG_TRUNC | MSG_ERRQUEUE | MSG_ZEROCOPY)))
        return 0;
    if (asked.vector) {
        if (!part(&asked, (uint64_t)moved))
            return 0;
    } else if ((uint64_t)moved < asked.length && asked.length <= MAX_RW_COUNT) {
        asked.buffer += (uint64_t)moved;
        asked.length -= (uint64_t)moved;
    } else
        return 0;
    if (!by) {
        /* (A filter of the program's may not let us ask.) */
        by = !mv_signals_plain && mv_rest_is_waited_for(fd, asked.flags) ? mv_rest_moves_by(fd, asked.inwards)
                                                                         : MV_NO_REST;
        if (by == MV_NO_REST)
            return 0;
    }
    uint64_t flags = by == __NR_sendto ? (asked.flags & ~(uint64_t)MSG_FASTOPEN) | MSG_NOSIGNAL : asked.flags;
    const struct mv_thunk *thunk = mv_thunk_for((uint64_t)mv_rest_done);
    uint64_t at = frame->rsp - RED_ZONE - sizeof(struct mv_rest);
    if (!thunk)
        return 0;

    struct mv_rest rest = {.cont = frame->cont,
                           .site = frame->site,
                           .own_cont = (uint64_t)thunk->code,
                           .rsi = frame->rsi,
                           .rdx = frame->rdx,
                           .r10 = frame->r10,
                           .r8 = frame->r8,
                           .r9 = frame->r9,
                           .moved = (uint64_t)moved,
                           .made = (uint64_t)moved + asked.length,
                           .call = (uint64_t)by,
                           .vector = asked.vector,
                           .count = asked.count};
    if (mv_guard_copy((void *)at, &rest, sizeof rest))
        return 0;
    frame->rsp = at;
    frame->cont = rest.own_cont;
    frame->site = thunk->site_next;
    if (call == __NR_sendfile) {
        frame->rax = call;
        frame->r10 = asked.length;
        return by;
    }
    frame->rax = (uint64_t)by;
    frame->rsi = asked.buffer;
    frame->rdx = asked.length;
    if (by != __NR_write) {
        frame->r10 = flags;
        frame->r8 = frame->r9 = 0;
    }
    return by;
}

int mv_rest_is_at(uint64_t site) {
    return site == (uint64_t)mv_rest_done;
}

int mv_rest_begin(struct mv_frame *frame, uint32_t call, long moved) {
    return begin(frame, call, moved, 0) != 0;
}

/* (A handler's signal has cut it short natively, too.) */
uint16_t mv_rest_after_call(struct mv_thread *self, struct mv_frame *frame) {
    if (!(self->attention & MV_ATTEND_ASKED) || (self->attention & MV_ATTEND_SIGNAL))
        return 0;
    int by = begin(frame, self->call, (long)frame->rax, 0);
    if (!by)
        return 0;
    to_be_made(self, frame);
    return by == __NR_write ? MV_EVENT_REST_WRITTEN : MV_EVENT_REST_SENT;
}

void mv_rest_in_follower(struct mv_thread *self, struct mv_frame *frame, uint16_t flags) {
    int inwards = self->call == __NR_recvfrom || self->call == __NR_recvmsg;
    int by = (flags & MV_EVENT_REST_WRITTEN) ? __NR_write : inwards ? __NR_recvfrom : __NR_sendto;
    if (!begin(frame, self->call, (long)frame->rax, by))
        mv_follower_end(MV_REASON_NO_RESOURCES, 0, "the rest of a call that was cut short can't be made");
    to_be_made(self, frame);
}
