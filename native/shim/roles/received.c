/* What a call received that no record tells of: gathered from the dead leader's buffers, wherever they lay,
 * and put into this process's own, where the same call names them. */
#include "../calls/guard.h"
#include "../calls/segments.h"
#include "../calls/table.h"
#include "../sys.h"
#include "roles.h"
#include "settle.h"

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
    if (received->controllen)
        mv_remains_read(received->control, message->control, received->controllen);
    return received;
}

static uint64_t put(void *to, uint64_t room, const void *from, uint64_t size) {
    return mv_guard_copy(to, from, lesser(room, size));
}

/* 1: all of it has a place. Frees it. */
int mv_scatter(struct mv_received *received, const struct mv_thread *self, const struct mv_frame *frame) {
    const uint64_t args[6] = {frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9};
    struct mv_segment targets[MV_SEGMENTS_MAX];
    uint32_t room = 0;
    uint64_t done = 0, bad = 0;
    int count =
        mv_call_out_targets(mv_call_find(self->call), args, (long)received->size, targets, MV_SEGMENTS_MAX);
    for (int i = 0; i < count; i++) {
        struct mv_segment *to = &targets[i];
        switch (to->how & MV_HOW_MASK) {
        case MV_HOW_NAME:
            bad |= put(to->addr, to->len, received->name, lesser(received->namelen, sizeof received->name));
            break;
        case MV_HOW_CONTROL:
            bad |= put(to->addr, to->len, received->control, received->controllen);
            break;
        case MV_HOW_NAMELEN:
        case MV_HOW_CONTROLLEN:
        case MV_HOW_FLAGS:
            break; /* once the name has been put */
        default:
            if (to->arg != 1)
                break; /* recvfrom's address: below */
            bad |= put(to->addr, to->len, received->data + done, received->size - done);
            done += lesser(to->len, received->size - done);
        }
    }
    if (self->call == __NR_recvmsg) {
        struct mv_message_header *message = (struct mv_message_header *)frame->rsi;
        uint64_t name = 0;
        bad |= (uint64_t)mv_guard_load64(&message->name, &name);
        if (name)
            bad |= put(&message->namelen, 4, &received->namelen, 4);
        bad |= put(&message->controllen, 8, &received->controllen, 8) |
               put(&message->flags, 4, &received->flags, 4);
    } else if (self->call == __NR_recvfrom && frame->r8 && frame->r9 &&
               !mv_guard_load32((const void *)frame->r9, &room)) {
        bad |= put((void *)frame->r8, room, received->name, lesser(received->namelen, sizeof received->name));
        bad |= put((void *)frame->r9, 4, &received->namelen, 4);
    }
    int whole = !bad && done == received->size;
    mv_sys2(__NR_munmap, (long)received, (long)(sizeof *received + received->size));
    return whole;
}
