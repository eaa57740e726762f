/* A read or write whose outcome the kernel leaves in memory before the call returns: io_submit makes it on
 * the spot where the file knows no other way (pipes, terminals), and the completion stands in a ring in the
 * process's memory then, which outlives the process in its keeper. A kill can't come in between.
 *
 * Each log has a ring of its own, made at its thread's first such call and kept. It is moved to a place of
 * the shim's, so that the program's mappings lie in the leader where they lie in its follower, which has no
 * rings.
 *
 * What differs from the call itself: an interrupted one is completed with EINTR, and has to be made again by
 * whoever asked. */
#include "ring.h"
#include "../log/barriers.h"
#include "../roles/roles.h"
#include "../sys.h"

#include <linux/aio_abi.h>

#define SPAN  (256u << 10) /* of one ring, at most (its size grows with the number of processors) */
#define EINTR (-4L)
/* What has positions is never meant; should it be after all, then nothing may stand there. */
#define NOWHERE (1ll << 62)

struct ring {
    uint32_t id, count;
    uint32_t head, tail; /* head: ours; tail: the kernel's */
    uint32_t magic, compatible, incompatible, header_length;
    struct io_event events[];
};

static uint8_t *room; /* SPAN for each log */
static uint64_t
    rings[MV_MAX_THREADS]; /* address, which is also the kernel's name for it; 0: not made; 1: can't be */

static void reserve(void *at) {
    long flags = 0x4022 /* PRIVATE, ANONYMOUS, NORESERVE */ | (at ? 0x10 /* FIXED */ : 0);
    long result = mv_sys6(__NR_mmap, (long)at, (long)MV_MAX_THREADS * SPAN, 0, flags, -1, 0);
    room = mv_is_error(result) ? NULL : (uint8_t *)result;
}

void mv_ring_start(void) {
    if (!room)
        reserve(NULL);
}

void mv_ring_forget(void) {
    for (uint32_t slot = 0; slot < MV_MAX_THREADS; slot++)
        rings[slot] = 0;
    if (room)
        reserve(room);
}

int mv_ring_is(uint64_t address) {
    return room && address >= (uint64_t)room && address < (uint64_t)room + (uint64_t)MV_MAX_THREADS * SPAN;
}

static uint64_t make(uint32_t slot) {
    aio_context_t context = 0;
    if (!room || mv_is_error(mv_sys2(__NR_io_setup, 1, (long)&context)) || !context)
        return 1;
    uint64_t size = sizeof(struct ring) + ((const struct ring *)context)->count * sizeof(struct io_event);
    size = (size + MV_PAGE - 1) & ~(uint64_t)(MV_PAGE - 1);
    long at = size > SPAN ? -1
                          : mv_sys5(__NR_mremap, (long)context, (long)size, (long)size,
                                    1 | 2 /* MAYMOVE, FIXED */, (long)(room + (uint64_t)slot * SPAN));
    if (!mv_is_error(at))
        return (uint64_t)at;
    mv_sys1(__NR_io_destroy, (long)context);
    return 1;
}

int mv_ring_next(const struct mv_thread *self, uint64_t *ring, uint64_t *place) {
    uint64_t *own = &rings[self->slot];
    if (!*own)
        *own = make(self->slot);
    if (*own == 1)
        return 0;
    *ring = *own;
    *place = mv_load_acquire32(&((const struct ring *)*own)->tail);
    return 1;
}

int mv_ring_call(struct mv_thread *self, uint32_t call, const uint64_t args[6], uint64_t *place,
                 long *result) {
    struct ring *ring = (struct ring *)rings[self->slot];
    int writes = call == __NR_write || call == __NR_writev;
    int vector = call == __NR_readv || call == __NR_writev;
    struct iocb wanted = {.aio_data = self->log->sequence,
                          .aio_fildes = (uint32_t)args[0],
                          .aio_buf = args[1],
                          .aio_nbytes = args[2],
                          .aio_offset = NOWHERE};
    const struct iocb *list = &wanted;
    const uint64_t submission[6] = {(uint64_t)ring, 1, (uint64_t)&list};
    wanted.aio_lio_opcode =
        vector ? (writes ? IOCB_CMD_PWRITEV : IOCB_CMD_PREADV) : (writes ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD);
    for (;;) {
        *result = mv_syscall_interruptible(submission, __NR_io_submit, &self->attention);
        if (*result != 1)
            return *result == -MV_ERESTART;
        uint32_t head = ring->head, tail = mv_load_acquire32(&ring->tail);
        *result = ring->events[head].res;
        mv_store_release32(&ring->head, tail);
        if (*result != EINTR)
            return 1;
        *result = -MV_ERESTART;
        if (self->attention & (MV_ATTEND_UNMASK - 1))
            return 1;
        mv_store_release64(place, tail); /* the process was stopped, and goes on */
    }
}

int64_t mv_ring_tells(uint64_t ring, uint64_t place, uint64_t sequence) {
    uint32_t tail = 0;
    struct io_event event = {.data = ~sequence};
    if (!mv_remains_read(&tail, ring + offsetof(struct ring, tail), sizeof tail) || tail == place ||
        !mv_remains_read(&event, ring + sizeof(struct ring) + place * sizeof event, sizeof event))
        return -1;
    return event.data == sequence && event.res > 0 ? event.res : -1;
}
