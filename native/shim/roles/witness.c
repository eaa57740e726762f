/* The witness: a call on a descriptor that no counter of the kernel tells of (Unix sockets, UDP, pipes,
 * eventfd, timerfd, inotify) is made so that the kernel itself leaves its outcome in memory before the call
 * returns, where a kill can't take it away.
 *
 * What sends or receives goes as a batch of one message: the kernel stores the message's length in it, in the
 * log's first page. A length that no message has is put there before. What a counter or inotify gives is
 * never all 0; so the program's buffer is emptied before the call, and what was there comes back where
 * nothing was read. A pipe's calls go through a completion ring (process/ring.c). */
#include "witness.h"
#include "../calls/guard.h"
#include "../log/barriers.h"
#include "../process/ring.h"
#include "../sys.h"
#include "roles.h"
#include "settle.h"
#include "watch.h"

#define ENOTSOCK (-88L)
#define UNTOLD   0xffffffffu
#define COUNTER  8u
#define EVENT    16u         /* the fixed part of an inotify_event: watch, mask, cookie, length of the name */
#define SIGNAL   128u        /* struct signalfd_siginfo */
#define MOST     (64u << 10) /* of a buffer that is emptied before a read */

void mv_witness_announce(const struct mv_thread *self, struct mv_witness *witness,
                         enum mv_witness_kind kind) {
    witness->length = UNTOLD;
    witness->kind = kind;
    witness->call = self->call;
    witness->fd = (int32_t)mv_thread_frame(self)->rdi;
    mv_store_release64(&witness->sequence, self->log->sequence);
}

/* What stands there tells nothing. */
static void withdraw(struct mv_witness *witness) {
    mv_store_release64(&witness->sequence, ~0ull);
}

static long batch_of_one(struct mv_thread *self, struct mv_witness *witness, uint32_t call, uint64_t fd,
                         uint64_t flags) {
    const uint64_t args[6] = {fd, (uint64_t)&witness->message, 1, flags, 0, 0};
    mv_witness_announce(self, witness, MV_WITNESS_MESSAGE);
    long result = mv_syscall_interruptible(args, call, &self->attention);
    return result == 1 ? (long)witness->length : result;
}

/* One buffer, where the call names it. */
static void flat(struct mv_witness *witness, uint64_t buffer, uint64_t length, uint64_t name,
                 uint32_t namelen) {
    witness->iov[0] = buffer;
    witness->iov[1] = length;
    witness->message = (struct mv_message_header){
        .name = name, .namelen = namelen, .iov = (uint64_t)witness->iov, .iovlen = 1};
}

static void scattered(struct mv_witness *witness, uint64_t iov, uint64_t iovlen) {
    witness->message = (struct mv_message_header){.iov = iov, .iovlen = iovlen};
}

static int sends_or_receives(struct mv_thread *self, struct mv_frame *frame, struct mv_witness *witness) {
    uint32_t room = 0;
    uint64_t flags = 0;
    struct mv_message_header *program = NULL;
    uint32_t call = __NR_sendmmsg;
    switch (self->call) {
    case __NR_read:
    case __NR_write:
        if (!frame->rdx) /* asks for nothing, which a message of no bytes is not */
            return 0;
        flat(witness, frame->rsi, frame->rdx, 0, 0);
        call = self->call == __NR_read ? __NR_recvmmsg : __NR_sendmmsg;
        break;
    case __NR_readv:
    case __NR_writev:
        scattered(witness, frame->rsi, frame->rdx);
        call = self->call == __NR_readv ? __NR_recvmmsg : __NR_sendmmsg;
        break;
    case __NR_sendto:
        flat(witness, frame->rsi, frame->rdx, frame->r8, frame->r8 ? (uint32_t)frame->r9 : 0);
        flags = frame->r10;
        break;
    case __NR_recvfrom:
        if (frame->r8 && (!frame->r9 || mv_guard_load32((const void *)frame->r9, &room)))
            return 0; /* the kernel says what is wrong with it */
        flat(witness, frame->rsi, frame->rdx, frame->r8, room);
        flags = frame->r10;
        call = __NR_recvmmsg;
        break;
    case __NR_sendmsg:
    case __NR_recvmsg:
        program = (struct mv_message_header *)frame->rsi;
        if (mv_guard_copy(&witness->message, program, sizeof *program))
            return 0;
        flags = frame->rdx;
        call = self->call == __NR_recvmsg ? __NR_recvmmsg : __NR_sendmmsg;
        break;
    default:
        return 0;
    }
    if (call == __NR_sendmmsg)
        mv_rights_passed(&witness->message, 1);
    long result = batch_of_one(self, witness, call, frame->rdi, flags);
    if (call == __NR_recvmmsg && result >= 0)
        mv_rights_passed(&witness->message, 0);
    if (result == ENOTSOCK) {
        mv_watch((int32_t)frame->rdi, MV_WATCHED_NOT);
        return 0;
    }
    frame->rax = (uint64_t)result;
    if (call == __NR_recvmmsg && result >= 0) {
        const struct mv_message_header *told = &witness->message;
        if (self->call == __NR_recvfrom && frame->r8)
            mv_guard_copy((void *)frame->r9, &told->namelen, 4);
        if (program) {
            if (told->name)
                mv_guard_copy(&program->namelen, &told->namelen, 4);
            mv_guard_copy(&program->controllen, &told->controllen, 8);
            mv_guard_copy(&program->flags, &told->flags, 4);
        }
    }
    return 1;
}

static int fill(uint64_t to, uint64_t size) {
    static const uint8_t none[256];
    for (uint64_t done = 0; done < size; done += sizeof none)
        if (mv_guard_copy((void *)(to + done), none, size - done < sizeof none ? size - done : sizeof none))
            return 0;
    return 1;
}

/* A read of counters, signals or events into a buffer that was emptied: `size` bytes of it may be written.
 * `unit`: the length of each, 0: it tells itself. */
static int reads_records(struct mv_thread *self, struct mv_frame *frame, struct mv_witness *witness,
                         uint64_t size, uint32_t unit) {
    const uint64_t args[6] = {frame->rdi, frame->rsi, frame->rdx, 0, 0, 0};
    uint8_t small[1024], *before = size <= sizeof small ? small : mv_room(size);
    int made = 0;
    if (before && !mv_guard_copy(before, (const void *)frame->rsi, size) && fill(frame->rsi, size)) {
        flat(witness, frame->rsi, size, 0, 0);
        witness->message.flags = unit;
        mv_witness_announce(self, witness, MV_WITNESS_RECORDS);
        long result = mv_syscall_interruptible(args, __NR_read, &self->attention);
        uint64_t got = result < 0 ? 0 : (uint64_t)result;
        mv_store_release32(&witness->length, (uint32_t)got); /* what comes back may look like records */
        mv_guard_copy((void *)(frame->rsi + got), before + got, size - got);
        frame->rax = (uint64_t)result;
        made = 1;
    }
    if (before && before != small)
        mv_sys2(__NR_munmap, (long)before, (long)size);
    return made;
}

static int through_ring(struct mv_thread *self, struct mv_frame *frame, struct mv_witness *witness) {
    const uint64_t args[6] = {frame->rdi, frame->rsi, frame->rdx, 0, 0, 0};
    long result;
    if ((self->call > __NR_write && self->call != __NR_readv && self->call != __NR_writev) ||
        !mv_ring_next(self, &witness->ring, &witness->place))
        return 0;
    mv_witness_announce(self, witness, MV_WITNESS_RING);
    if (!mv_ring_call(self, self->call, args, &witness->place, &result)) {
        withdraw(witness);
        return 0;
    }
    frame->rax = (uint64_t)result;
    return 1;
}

static int moves_between(uint32_t call) {
    return call == __NR_sendfile || call == __NR_splice;
}

int mv_witness_call(struct mv_thread *self, struct mv_frame *frame) {
    struct mv_witness *witness = &mv_log_header_of(self->log)->witness;
    int reads = self->call == __NR_read;
    enum mv_watched kind = mv_watch_kind(frame->rdi);
    if (moves_between(self->call) &&
        (kind == MV_WATCHED_SHARED ||
         (self->call == __NR_splice && mv_watch_kind(frame->rdx) == MV_WATCHED_SHARED)))
        mv_witness_announce(self, witness, MV_WITNESS_SHARED);
    switch (kind) {
    case MV_WATCHED_SOCKET:
    case MV_WATCHED_SHARED:
        return sends_or_receives(self, frame, witness);
    case MV_WATCHED_COUNTER:
        return reads && frame->rdx >= COUNTER && reads_records(self, frame, witness, COUNTER, COUNTER);
    case MV_WATCHED_EVENTS:
        return reads && frame->rdx >= EVENT && frame->rdx <= MOST &&
               reads_records(self, frame, witness, frame->rdx, 0);
    case MV_WATCHED_SIGNALS:
        return reads && frame->rdx >= SIGNAL && frame->rdx <= MOST &&
               reads_records(self, frame, witness, frame->rdx - frame->rdx % SIGNAL, SIGNAL);
    case MV_WATCHED_PIPE:
        return through_ring(self, frame, witness);
    default:
        return 0;
    }
}

/* How much of the dead leader's buffer was read: a counter, signals or events, up to one that is none. */
static int64_t records_in(const struct mv_witness *witness) {
    uint64_t size = witness->iov[1], unit = witness->message.flags, at = 0;
    if (witness->length != UNTOLD)
        return witness->length ? (int64_t)witness->length : -1;
    uint8_t *buffer = mv_room(size);
    if (!buffer || !mv_remains_read(buffer, witness->iov[0], size))
        return -1;
    if (unit) {
        while (at + unit <= size &&
               *(const uint64_t *)(buffer + at)) /* begins with a sum, a signal's number */
            at += unit;
    } else {
        while (at + EVENT <= size && *(const uint32_t *)(buffer + at + 4))
            at += EVENT + *(const uint32_t *)(buffer + at + 12);
    }
    mv_sys2(__NR_munmap, (long)buffer, (long)size);
    return at && at <= size ? (int64_t)at : -1;
}

int mv_witness_is_shared(const struct mv_log_header *header) {
    return header->witness.sequence == header->intent.sequence && header->witness.kind == MV_WITNESS_SHARED;
}

int64_t mv_witness_tells(const struct mv_log_header *header, struct mv_message_header *message) {
    const struct mv_witness *witness = &header->witness;
    const struct mv_intent *intent = &header->intent;
    if (witness->sequence != intent->sequence || witness->call != intent->call || witness->fd != intent->fd)
        return -2;
    *message = witness->message;
    switch (witness->kind) {
    case MV_WITNESS_MESSAGE:
        return witness->length == UNTOLD ? -1 : (int64_t)witness->length;
    case MV_WITNESS_SHARED:
        return -2;
    case MV_WITNESS_RING:
        return mv_ring_tells(witness->ring, witness->place, intent->sequence);
    default:
        return records_in(witness);
    }
}
