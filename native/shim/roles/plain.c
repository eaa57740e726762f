/* read and write in the leader: what a server does most, past the table-driven walk of arguments. The records
 * are the very ones of the general way (one segment, argument 1), so the follower knows no difference. */
#include "../calls/guard.h"
#include "../calls/table.h"
#include "../fault/fault.h"
#include "../sys.h"
#include "roles.h"

#include <mvedsua/payload.h>

#define PLAIN_MAX (1u << 20) /* larger ones take the general way */

static void fill(void *payload, const void *bytes, uint32_t length) {
    struct mv_payload_segment *segment = payload;
    uint8_t *to = (uint8_t *)(segment + 1);
    uint32_t padded = (length + 7) & ~7u;
    *segment = (struct mv_payload_segment){.length = length, .arg = 1};
    if (padded)
        *(uint64_t *)(to + padded - 8) = 0; /* the padding; the copy overwrites the rest */
    uint64_t bad = mv_guard_copy(to, bytes, length);
    for (uint64_t i = length - bad; i < length; i++)
        to[i] = 0; /* memory that the kernel could not read either */
}

/* 1: the call was made and published; 0: not a plain one, nothing was done. The intent is stored already. */
int mv_leader_plain(struct mv_thread *self, struct mv_frame *frame) {
    uint64_t args[6] = {frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9};
    uint64_t count = frame->rdx;
    if (count - 1 >= PLAIN_MAX || !frame->rsi)
        return 0;
    mv_fault(MV_FAULT_BEFORE_CALL);
    long result = mv_syscall_interruptible(args, self->call, &self->attention);
    mv_fault(MV_FAULT_AFTER_CALL);
    frame->rax = (uint64_t)result;
    if (__builtin_expect(result == -MV_ERESTART, 0)) {
        if (self->attention & MV_ATTEND_SIGNAL)
            mv_leader_publish(self, mv_call_find(self->call), args, result, frame->site, MV_EVENT_RESTART,
                              NULL, NULL);
        return 1;
    }
    int writes = self->call == __NR_write;
    uint64_t length = writes ? count : result > 0 ? (uint64_t)result : 0;
    uint32_t size = length ? (uint32_t)MV_PAYLOAD_SPAN(length) : 0;
    struct mv_event *event = mv_leader_room(self, writes ? size : 0, writes ? 0 : size);
    if (!event)
        return 1;
    if (length)
        fill(event + 1, (const void *)frame->rsi, (uint32_t)length);
    mv_leader_complete(self, event, self->call, args, result, frame->site, 0);
    return 1;
}
