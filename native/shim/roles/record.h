/* A leader's record: room for it, its completion, and the look at limits that follows. Inline, because it is
 * most of what a followed server's calls cost. Only for the thread whose log it is. */
#ifndef MV_ROLES_RECORD_H
#define MV_ROLES_RECORD_H

#include "../log/log.h"
#include "../order/order.h"
#include "../signals/signals.h"
#include "roles.h"

#define MV_RECORD_MAX (1ull << 31)

struct mv_event *mv_leader_make_room(struct mv_thread *self, uint64_t in_size, uint64_t out_size);
void mv_leader_check_limits(struct mv_thread *self);

/* Once threads exist there is room for order words behind the payload. */
static inline struct mv_event *mv_leader_reserve_with_words(struct mv_thread *self, uint32_t in_size,
                                                            uint32_t out_size) {
    uint32_t words = __builtin_expect(mv_threads_exist, 0) ? MV_ORDER_ROOM : 0;
    struct mv_event *event = mv_log_reserve(self->log, in_size, out_size + words);
    if (words && event)
        event->out_size = out_size;
    return event;
}

/* A reservation. NULL: the call is not published, whoever read has been ended. */
static inline struct mv_event *mv_leader_room(struct mv_thread *self, uint64_t in_size, uint64_t out_size) {
    struct mv_event *event = NULL;
    if (__builtin_expect(in_size + out_size < MV_RECORD_MAX, 1))
        event = mv_leader_reserve_with_words(self, (uint32_t)in_size, (uint32_t)out_size);
    return __builtin_expect(event != NULL, 1) ? event : mv_leader_make_room(self, in_size, out_size);
}

/* After each publication: limits and keeper, now and then. */
static inline void mv_leader_check(struct mv_thread *self) {
    if (__builtin_expect(!(self->log->sequence & 255), 0))
        mv_leader_check_limits(self);
}

static inline void mv_leader_complete(struct mv_thread *self, struct mv_event *event, uint32_t call,
                                      const uint64_t args[6], long result, uint64_t site, uint32_t flags) {
    /* Only a call in the frame has an exit at which a handler can run; a hook (vDSO, pthread) has none. */
    if (__builtin_expect((self->attention & MV_ATTEND_SIGNAL) && !self->hooked, 0)) {
        flags |= MV_EVENT_SIGNAL_FOLLOWS;
        self->signal_announced = 1;
    }
    uint64_t stamp = self->stamp;
    self->stamp = 0;
    uint64_t order = 0;
    if (__builtin_expect(mv_threads_exist, 0))
        order = mv_order_complete(self, call, args, result,
                                  (uint64_t *)((uint8_t *)(event + 1) + event->in_size + event->out_size));
    mv_log_complete(self->log, event, call, flags, result, site, stamp, args, order);
    mv_leader_check(self);
}

/* Before the object's number is taken: the record's words. */
static inline struct mv_event *mv_leader_begin_order(struct mv_thread *self, uint32_t kind, long result,
                                                     uint64_t *words) {
    struct mv_event *event = mv_leader_room(self, 0, 0);
    if (kind == MV_ORDER_WAIT)
        self->timed_out = result == 110 /* ETIMEDOUT */;
    *words = event && mv_threads_exist ? mv_order_leave(self, 0, (uint64_t *)(event + 1)) : 0;
    return event;
}

static inline void mv_leader_publish_order(struct mv_thread *self, struct mv_event *event, uint64_t words,
                                           uint32_t kind, uint64_t object, uint32_t clock, uint32_t value,
                                           long result) {
    uint64_t stamp = (uint64_t)clock << 32 | value;
    mv_log_complete(self->log, event, MV_CALL_ORDER, 0, result, 0, stamp,
                    (const uint64_t[6]){kind, object, clock, value}, words);
}

#endif
