/* sendmmsg and recvmmsg: the kernel stores each message's length in the program's own vector as it is sent or
 * received. A followed leader puts a length there before that no message has; so the vector tells how far the
 * call got. What was there comes back where there was no message. */
#include "batch.h"
#include "../calls/guard.h"
#include "../log/barriers.h"
#include "../sys.h"
#include "roles.h"
#include "settle.h"
#include "watch.h"
#include "witness.h"

#define UNTOLD 0xffffffffu
#define MOST   1024u /* messages; the kernel's own limit for sending */

struct element { /* struct mmsghdr */
    struct mv_message_header message;
    uint32_t length, padding;
};

struct mv_batch {
    uint64_t size; /* of the mapping */
    uint64_t count;
    struct {
        struct mv_received *received; /* NULL: it was sent; or can't be read */
        uint64_t length;
    } messages[];
};

static int exchange(struct element *vector, uint32_t first, uint32_t end, uint32_t *saved, int restore) {
    int bad = 0;
    for (uint32_t i = first; i < end && !bad; i++) {
        static const uint32_t untold = UNTOLD;
        bad = !restore && mv_guard_load32(&vector[i].length, &saved[i]);
        bad = bad || mv_guard_copy(&vector[i].length, restore ? &saved[i] : &untold, 4);
    }
    return !bad;
}

static void passed(const struct element *element, int sent) {
    struct mv_message_header message = {0};
    if (!mv_guard_copy(&message, &element->message, sizeof message) && message.control)
        mv_rights_passed(&message, sent);
}

int mv_batch_call(struct mv_thread *self, struct mv_frame *frame) {
    struct mv_witness *witness = &mv_log_header_of(self->log)->witness;
    struct element *vector = (struct element *)frame->rsi;
    uint32_t count = (uint32_t)frame->rdx, saved[MOST];
    if (!count || count > MOST || !exchange(vector, 0, count, saved, 0))
        return 0;
    for (uint32_t i = 0; self->call == __NR_sendmmsg && i < count; i++)
        passed(&vector[i], 1);
    mv_witness_announce(self, witness, MV_WITNESS_BATCH);
    long result = mv_make_call(self, frame);
    uint32_t done = result < 0 ? 0 : (uint32_t)result;
    for (uint32_t i = 0; self->call == __NR_recvmmsg && i < done; i++)
        passed(&vector[i], 0);
    mv_store_release32(&witness->length, done); /* what comes back may look like lengths */
    exchange(vector, done, count, saved, 1);
    frame->rax = (uint64_t)result;
    return 1;
}

/* How many messages; `vector` is the dead leader's. */
static int64_t counted(const struct mv_witness *witness, const struct element *vector, uint64_t most) {
    uint64_t count = 0;
    if (witness->length != UNTOLD)
        return witness->length;
    while (count < most && vector[count].length != UNTOLD)
        count++;
    return (int64_t)count;
}

struct mv_batch *mv_batch_gather(const struct mv_log_header *header, int64_t *count) {
    const struct mv_witness *witness = &header->witness;
    const struct mv_intent *intent = &header->intent;
    uint64_t most = (uint32_t)intent->length, size = most * sizeof(struct element);
    struct mv_batch *batch = NULL;
    *count = -2;
    if (witness->sequence != intent->sequence || witness->kind != MV_WITNESS_BATCH)
        return NULL;
    struct element *vector = mv_room(size);
    if (!vector)
        return NULL;
    if (mv_remains_read(vector, intent->buffer, size)) {
        *count = counted(witness, vector, most);
        uint64_t room = sizeof *batch + (uint64_t)*count * sizeof batch->messages[0];
        batch = *count ? mv_room(room) : NULL;
        if (batch) {
            batch->size = room;
            batch->count = (uint64_t)*count;
        }
        for (int64_t i = 0; batch && i < *count; i++) {
            batch->messages[i].length = vector[i].length;
            if (intent->call == __NR_recvmmsg)
                batch->messages[i].received = mv_gather(&vector[i].message, NULL, vector[i].length);
        }
    }
    mv_sys2(__NR_munmap, (long)vector, (long)size);
    return batch;
}

int mv_batch_give(struct mv_batch *batch, const struct mv_frame *frame, int received) {
    struct element *vector = (struct element *)frame->rsi;
    int whole = 1;
    for (uint64_t i = 0; i < batch->count && i < (uint32_t)frame->rdx; i++) {
        uint32_t length = (uint32_t)batch->messages[i].length;
        if (received)
            whole &= batch->messages[i].received &&
                     mv_scatter_message(batch->messages[i].received, &vector[i].message);
        whole &= !mv_guard_copy(&vector[i].length, &length, sizeof length);
    }
    whole &= batch->count <= (uint32_t)frame->rdx;
    mv_sys2(__NR_munmap, (long)batch, (long)batch->size);
    return whole;
}
