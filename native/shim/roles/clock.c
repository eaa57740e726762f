/* vDSO calls in the leader and the follower: published and replayed as the system call of the same meaning.
 *
 * A server reads the clock several times a request, so the usual case (a time that came back well) has a
 * short way: one segment of 16 bytes, written and read in the very format of the general way (payload.h). The
 * rest is done by the general way on the shim stack, because the hook's caller may have a small one. */
#include "../calls/table.h"
#include "../log/barriers.h"
#include "../order/order.h"
#include "../sys.h"
#include "../update/update.h"
#include "reconcile.h"
#include "record.h"
#include "roles.h"

#include <mvedsua/payload.h>

typedef long vdso_function(uint64_t, uint64_t, uint64_t);

struct mv_hook_call {
    const struct mv_call_row *row;
    uint64_t site;
    uint64_t args[6];
    vdso_function *original;
    long result;
};

/* Clocks without a number of the kernel's. */
enum { OF_TIME = 14, OF_TIMEOFDAY = 15 };

/* Leader: an event begins; readings that follow each other are one moment's (order/moment.c). */
static void comes(struct mv_thread *self) {
    if (self->moment && mv_moment_goes_on(self))
        mv_store_release32(&self->in_event, MV_IN_HOOK);
    else
        mv_order_come(self, MV_IN_HOOK);
}

static void has_read(struct mv_thread *self, uint32_t clock, uint64_t second) {
    if (mv_threads_exist && mv_moment_is_due(self, clock, second))
        mv_moment_begin(self);
}

static void generally(struct mv_thread *self) {
    struct mv_hook_call *hook = self->hook;
    if (mv.role == MV_ROLE_FOLLOWER) {
        if (mv_follower_replay(self, hook->row, hook->args, hook->site, &hook->result) == MV_REPLAYED)
            return;
    }
    /* The kernel, not the vDSO: that may fall back to a system call of its own, which would enter the shim on
     * this very stack. (getcpu never does; and a server that forbids itself that call has never made it.) */
    long call = hook->row - mv_call_find(0), first = (long)hook->args[0];
    if (call == __NR_clock_gettime || call == __NR_clock_getres)
        first = mv_clock_real((int32_t)first);
    hook->result = call == __NR_getcpu && hook->original
                       ? hook->original(hook->args[0], hook->args[1], hook->args[2])
                       : mv_sys3(call, first, (long)hook->args[1], (long)hook->args[2]);
    int leads = mv.role == MV_ROLE_LEADER && self->log && mv_leader_publishing();
    if (leads && call == __NR_time)
        has_read(self, OF_TIME, (uint64_t)hook->result);
    if (leads)
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
    struct mv_event *event = mv_leader_reserve_with_words(self, 0, sizeof(struct time_payload));
    if (!event)
        return 0;
    const uint64_t *time = (const uint64_t *)(argument ? b : a);
    has_read(self, argument ? (uint32_t)a : OF_TIMEOFDAY, time[0]);
    struct time_payload *payload = (struct time_payload *)(event + 1);
    payload->header = (struct mv_payload_segment){.length = 16, .arg = (uint8_t)argument};
    payload->words[0] = time[0];
    payload->words[1] = time[1];
    uint64_t order = mv_threads_exist ? mv_order_leave(self, 0, (uint64_t *)(payload + 1)) : 0;
    mv_log_complete(self->log, event, call, 0, 0, site, 0, (const uint64_t[6]){a, b}, order);
    mv_leader_check(self);
    return 1;
}

static int replay_time(struct mv_thread *self, uint32_t call, uint64_t a, uint64_t b, int argument) {
    const struct mv_event *event;
    if (!self->replaying || (mv_rules_image && mv_reconcile_names(self, call)))
        return 0;
    if (mv_threads_exist)
        mv_order_arrive(self);
    if (mv_log_peek(&self->reader, &event) != 1)
        return 0;
    const struct time_payload *payload = (const struct time_payload *)(event + 1);
    if (event->call != call || event->flags || event->result || event->in_size || event->order_size ||
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
    if (mv.updating)
        mv_update_refuses(call);
    if (__builtin_expect(self->arriving != 0, 0))
        return mv_arriving_clock(self, call, a, b, c);
    mv_hook_begin(self);
    if (mv_threads_exist && mv.role == MV_ROLE_LEADER)
        comes(self);
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
    struct mv_hook_call hook = {mv_call_find(call), site, {a, b, c, 0, 0, 0}, (vdso_function *)original, 0};
    self->hook = &hook;
    mv_call_on_shim_stack(generally, self, self->stack_top - sizeof(struct mv_frame));
    mv_hook_end_settled(self);
    return hook.result;
}
