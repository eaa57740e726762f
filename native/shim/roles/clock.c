/* vDSO calls in the leader and the follower: published and replayed as the system call of the same meaning.
 *
 * A server reads the clock several times a request, so the usual case (a time that came back well) has a
 * short way: one segment of 16 bytes, written and read in the very format of the general way (payload.h). The
 * rest is done by the general way on the shim stack, because the hook's caller may have a small one. */
#include "../calls/table.h"
#include "../log/barriers.h"
#include "../sys.h"
#include "roles.h"

#include <mvedsua/payload.h>

struct mv_hook_call {
    const struct mv_call_row *row;
    uint64_t site;
    uint64_t args[6];
    long result;
};

typedef long vdso_function(uint64_t, uint64_t, uint64_t);

static void generally(struct mv_thread *self) {
    struct mv_hook_call *hook = self->hook;
    if (mv.role == MV_ROLE_FOLLOWER) {
        int promoted = 0;
        hook->result = mv_follower_replay(self, hook->row, hook->args, hook->site, &promoted);
        if (!promoted)
            return;
    }
    /* The kernel, not the vDSO: that may fall back to a system call of its own, which would enter the shim on
     * this very stack. */
    hook->result = mv_sys3((long)(hook->row - mv_call_find(0)), (long)hook->args[0], (long)hook->args[1],
                           (long)hook->args[2]);
    if (mv.role == MV_ROLE_LEADER && self->log && mv_leader_publishing())
        mv_leader_publish(self, hook->row, hook->args, hook->result, hook->site, 0, NULL, NULL);
}

/* Payload of one time: a segment header and two words. */
struct time_payload {
    struct mv_payload_segment header;
    uint64_t words[2];
};
_Static_assert(sizeof(struct time_payload) == MV_PAYLOAD_SPAN(16), "a whole segment");

/* Which argument is the time that comes back; -1: not the usual case. */
static int time_argument(uint32_t call, uint64_t a, uint64_t b) {
    if (call == __NR_clock_gettime)
        return b ? 1 : -1;
    return call == __NR_gettimeofday && a && !b ? 0 : -1;
}

static int publish_time(struct mv_thread *self, uint32_t call, uint64_t site, uint64_t a, uint64_t b,
                        int argument) {
    struct mv_event *event = mv_log_reserve(self->log, 0, sizeof(struct time_payload));
    if (!event)
        return 0;
    struct time_payload *payload = (struct time_payload *)(event + 1);
    const uint64_t *time = (const uint64_t *)(argument ? b : a);
    payload->header = (struct mv_payload_segment){.length = 16, .arg = (uint8_t)argument};
    payload->words[0] = time[0];
    payload->words[1] = time[1];
    mv_log_complete(self->log, event, call, 0, 0, site, 0, (const uint64_t[6]){a, b});
    mv_leader_check(self);
    return 1;
}

static int replay_time(struct mv_thread *self, uint32_t call, uint64_t a, uint64_t b, int argument) {
    const struct mv_event *event;
    if (!self->replaying || mv_log_peek(&self->reader, &event) != 1)
        return 0;
    const struct time_payload *payload = (const struct time_payload *)(event + 1);
    if (event->call != call || event->flags || event->result || event->in_size ||
        event->out_size != sizeof *payload || payload->header.length != 16 ||
        (argument && (uint32_t)event->args[0] != (uint32_t)a))
        return 0; /* whatever it is, the general way tells */
    uint64_t *time = (uint64_t *)(argument ? b : a);
    time[0] = payload->words[0];
    time[1] = payload->words[1];
    mv_log_consume(&self->reader);
    return 1;
}

long mv_role_clock(uint32_t call, uint64_t original, uint64_t site, uint64_t a, uint64_t b, uint64_t c) {
    struct mv_thread *self = mv_self;
    int argument = original ? time_argument(call, a, b) : -1;
    mv_hook_begin(self);
    if (argument >= 0) {
        if (mv.role == MV_ROLE_FOLLOWER && replay_time(self, call, a, b, argument)) {
            mv_hook_end(self);
            return 0;
        }
        if (mv.role == MV_ROLE_LEADER && self->log && mv_leader_publishing() &&
            ((vdso_function *)original)(a, b, c) == 0 && publish_time(self, call, site, a, b, argument)) {
            mv_hook_end(self);
            return 0;
        }
    }
    struct mv_hook_call hook = {mv_call_find(call), site, {a, b, c, 0, 0, 0}, 0};
    self->hook = &hook;
    mv_call_on_shim_stack(generally, self, self->stack_top - sizeof(struct mv_frame));
    mv_hook_end(self);
    return hook.result;
}
