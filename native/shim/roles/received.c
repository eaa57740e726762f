/* What a call received that no record tells of: gathered from the dead leader's buffers, wherever they lay,
 * and put into this process's own, where the same call names them. */
#include "../calls/guard.h"
#include "../calls/segments.h"
#include "../calls/table.h"
#include "../sys.h"
#include "roles.h"
#include "settle.h"
#include "strangers.h"
#include "streams.h"
#include "watch.h"

#define VECTOR_MAX 1024u /* the kernel's own limit */

void *mv_room(uint64_t size) {
    long at = mv_sys6(__NR_mmap, 0, (long)size, 3, 0x22, -1, 0);
    return mv_is_error(at) ? NULL : (void *)at;
}

static uint64_t lesser(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* `message`: with the dead leader's addresses, as the kernel left it. `flat`: its one buffer, if it has no
 * vector there. NULL: it can't be read. */
struct mv_received *mv_gather(const struct mv_message_header *message, const uint64_t *flat, uint64_t size) {
    static uint64_t vector[VECTOR_MAX][2]; /* only the one thread that promotes is here */
    uint64_t pieces = lesser(message->iovlen, VECTOR_MAX), done = 0;
    struct mv_received *received = mv_room(sizeof *received + size);
    int whole = received != NULL;
    if (flat) {
        vector[0][0] = flat[0];
        vector[0][1] = flat[1];
    } else {
        whole = whole && mv_remains_read(vector, message->iov, pieces * sizeof vector[0]);
    }
    for (uint64_t i = 0; whole && i < pieces && done < size; i++) {
        uint64_t length = lesser(vector[i][1], size - done);
        whole = !length || mv_remains_read(received->data + done, vector[i][0], length);
        done += length;
    }
    if (!whole || done < size) {
        if (received)
            mv_sys2(__NR_munmap, (long)received, (long)(sizeof *received + size));
        return NULL;
    }
    received->size = size;
    received->flags = message->flags;
    received->namelen = message->name ? message->namelen : 0;
    received->controllen = message->control ? lesser(message->controllen, sizeof received->control) : 0;
    if (received->namelen)
        mv_remains_read(received->name, message->name, lesser(received->namelen, sizeof received->name));
    if (received->controllen && mv_remains_read(received->control, message->control, received->controllen)) {
        int32_t fds[MV_RIGHTS_MAX];
        int count = mv_rights_in((uint64_t)received->control, received->controllen, fds);
        for (int i = 0; i < count; i++) {
            mv_stranger_received(fds[i]);
            mv_stream_received(fds[i]);
        }
    }
    return received;
}

static uint64_t put(void *to, uint64_t room, const void *from, uint64_t size) {
    return mv_guard_copy(to, from, lesser(room, size));
}

/* 1: all of it has a place. Frees it. */
int mv_scatter_message(struct mv_received *received, struct mv_message_header *program) {
    struct mv_message_header to = {0};
    uint64_t done = 0, bad = mv_guard_copy(&to, program, sizeof to);
    for (uint64_t i = 0; !bad && i < to.iovlen && done < received->size; i++) {
        uint64_t piece[2] = {0, 0};
        bad = mv_guard_copy(piece, (const void *)(to.iov + i * sizeof piece), sizeof piece);
        uint64_t size = bad ? 0 : lesser(piece[1], received->size - done);
        bad |= put((void *)piece[0], size, received->data + done, size);
        done += size;
    }
    if (!bad && to.name)
        bad = put((void *)to.name, to.namelen, received->name,
                  lesser(received->namelen, sizeof received->name)) |
              put(&program->namelen, 4, &received->namelen, 4);
    if (!bad && to.control)
        bad = put((void *)to.control, to.controllen, received->control, received->controllen);
    bad |=
        put(&program->controllen, 8, &received->controllen, 8) | put(&program->flags, 4, &received->flags, 4);
    int whole = !bad && done == received->size;
    mv_sys2(__NR_munmap, (long)received, (long)(sizeof *received + received->size));
    return whole;
}

/* The same, where a call's own arguments name the places. */
int mv_scatter(struct mv_received *received, const struct mv_thread *self, const struct mv_frame *frame) {
    const uint64_t args[6] = {frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9};
    struct mv_segment targets[MV_SEGMENTS_MAX];
    uint32_t room = 0;
    uint64_t done = 0, bad = 0;
    if (self->call == __NR_recvmsg)
        return mv_scatter_message(received, (struct mv_message_header *)frame->rsi);
    int count =
        mv_call_out_targets(mv_call_find(self->call), args, (long)received->size, targets, MV_SEGMENTS_MAX);
    for (int i = 0; i < count; i++) {
        struct mv_segment *to = &targets[i];
        if (to->arg != 1)
            continue; /* recvfrom's address: below */
        bad |= put(to->addr, to->len, received->data + done, received->size - done);
        done += lesser(to->len, received->size - done);
    }
    if (self->call == __NR_recvfrom && frame->r8 && frame->r9 &&
        !mv_guard_load32((const void *)frame->r9, &room)) {
        bad |= put((void *)frame->r8, room, received->name, lesser(received->namelen, sizeof received->name));
        bad |= put((void *)frame->r9, 4, &received->namelen, 4);
    }
    int whole = !bad && done == received->size;
    mv_sys2(__NR_munmap, (long)received, (long)(sizeof *received + received->size));
    return whole;
}
