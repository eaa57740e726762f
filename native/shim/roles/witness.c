/* The witness: a call on a descriptor that no counter of the kernel tells of (Unix sockets, UDP, eventfd,
 * timerfd) is made so that the kernel itself leaves its outcome in memory before the call returns, where a
 * kill can't take it away.
 *
 * What sends or receives goes as a batch of one message: the kernel stores the message's length in it, in the
 * log's first page. A length that no message has is put there before. A counter's read gives 8 bytes that are
 * never all 0; so 0 is put into the program's buffer before the call, and what was there comes back if the
 * call fails. A descriptor that isn't what it was taken for (one that was received over a socket) costs a
 * failing call, and is not watched any more. */
#include "witness.h"
#include "../calls/guard.h"
#include "../log/barriers.h"
#include "../sys.h"
#include "roles.h"

#define ENOTSOCK    (-88L)
#define UNTOLD      0xffffffffu
#define COUNTER     8u
#define SOCK_STREAM 1

uint8_t mv_watched[MV_WATCHED_MAX];

void mv_watch(int64_t fd, enum mv_watched kind) {
    if (fd >= 0 && fd < (int64_t)MV_WATCHED_MAX)
        mv_watched[fd] = (uint8_t)kind;
}

static enum mv_watched kind_of(uint64_t fd) {
    return fd < MV_WATCHED_MAX ? (enum mv_watched)mv_watched[fd] : MV_WATCHED_NOT;
}

/* A call has made descriptors. Each call that does so is here, or makes none that is watched: no number keeps
 * what it meant before. */
void mv_watch_opened(uint32_t call, const uint64_t args[6], long result) {
    enum mv_watched kind = MV_WATCHED_NOT;
    int32_t pair[2] = {-1, -1};
    switch (call) {
    case __NR_socket:
        if (!((args[0] == 2 || args[0] == 10) && (args[1] & 0xf) == SOCK_STREAM &&
              (args[2] == 0 || args[2] == 6)))
            kind = MV_WATCHED_SOCKET;
        break;
    case __NR_accept:
    case __NR_accept4:
    case __NR_dup:
    case __NR_dup2:
    case __NR_dup3:
    case __NR_fcntl:
        kind = kind_of(args[0]);
        break;
    case __NR_eventfd:
    case __NR_eventfd2:
    case __NR_timerfd_create:
        kind = MV_WATCHED_COUNTER;
        break;
    case __NR_socketpair:
    case __NR_pipe:
    case __NR_pipe2:
        if (mv_guard_copy(pair, (const void *)args[call == __NR_socketpair ? 3 : 0], sizeof pair))
            return;
        kind = call == __NR_socketpair ? MV_WATCHED_SOCKET : MV_WATCHED_NOT;
        mv_watch(pair[0], kind);
        mv_watch(pair[1], kind);
        return;
    default:
        break;
    }
    mv_watch(result, kind);
}

static void announce(const struct mv_thread *self, struct mv_witness *witness, uint32_t batch) {
    witness->length = UNTOLD;
    witness->batch = batch;
    witness->call = self->call;
    witness->fd = (int32_t)mv_thread_frame(self)->rdi;
    mv_store_release64(&witness->sequence, self->log->sequence);
}

static long batch_of_one(struct mv_thread *self, struct mv_witness *witness, uint32_t call, uint64_t fd,
                         uint64_t flags) {
    const uint64_t args[6] = {fd, (uint64_t)&witness->message, 1, flags, 0, 0};
    announce(self, witness, 1);
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
    long result = batch_of_one(self, witness, call, frame->rdi, flags);
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

static int counts(struct mv_thread *self, struct mv_frame *frame, struct mv_witness *witness) {
    static const uint8_t none[COUNTER];
    const uint64_t args[6] = {frame->rdi, frame->rsi, frame->rdx, 0, 0, 0};
    uint8_t before[COUNTER];
    if (self->call != __NR_read || frame->rdx < COUNTER ||
        mv_guard_copy(before, (const void *)frame->rsi, COUNTER) ||
        mv_guard_copy((void *)frame->rsi, none, COUNTER))
        return 0;
    flat(witness, frame->rsi, COUNTER, 0, 0);
    announce(self, witness, 0);
    long result = mv_syscall_interruptible(args, __NR_read, &self->attention);
    uint64_t got = result < 0 ? 0 : (uint64_t)result;
    if (got < COUNTER) {
        mv_store_release64(&witness->sequence, ~0ull); /* what comes back may be taken for a count */
        mv_guard_copy((void *)(frame->rsi + got), before + got, COUNTER - got);
    }
    frame->rax = (uint64_t)result;
    return 1;
}

int mv_witness_call(struct mv_thread *self, struct mv_frame *frame) {
    struct mv_witness *witness = &mv_log_header_of(self->log)->witness;
    switch (kind_of(frame->rdi)) {
    case MV_WATCHED_SOCKET:
        return sends_or_receives(self, frame, witness);
    case MV_WATCHED_COUNTER:
        return counts(self, frame, witness);
    default:
        return 0;
    }
}

int64_t mv_witness_tells(const struct mv_log_header *header, struct mv_message_header *message) {
    const struct mv_witness *witness = &header->witness;
    const struct mv_intent *intent = &header->intent;
    uint64_t value = 0;
    if (witness->sequence != intent->sequence || witness->call != intent->call || witness->fd != intent->fd)
        return -2;
    *message = witness->message;
    if (witness->batch)
        return witness->length == UNTOLD ? -1 : (int64_t)witness->length;
    return mv_remains_read(&value, witness->iov[0], COUNTER) && value ? (int64_t)COUNTER : -1;
}
