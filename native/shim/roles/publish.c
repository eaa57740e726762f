/* Publishing: one record for each call that was made, and the end of publishing.
 *
 * The leader waits for nobody. Whoever ends the follower clears control.publishing; the leader finds that at
 * its next call, and goes solo unless a tracer reads on. A log that is full, or a call that no follower can
 * replay, ends the follower here. */
#include "../calls/payload.h"
#include "../calls/table.h"
#include "../log/barriers.h"
#include "../signals/signals.h"
#include "../sys.h"
#include "roles.h"

int mv_leader_publishing(void) {
    return *(const volatile mv_word *)&mv.control->publishing != 0; /* and `tracing`, behind it */
}

int mv_leader_has_follower(void) {
    return mv.role == MV_ROLE_LEADER && mv.control->publishing && mv.control->follower_pid != 0;
}

static void drop_readers(uint32_t first, uint32_t end) {
    for (uint32_t slot = 0; slot < MV_MAX_THREADS; slot++)
        if (mv_writers[slot].running)
            for (uint32_t reader = first; reader < end; reader++)
                mv_log_drop_reader(mv_log_base(mv.version, slot), reader);
}

/* Others that still see LEADER publish into logs that nobody reads. */
static void to_solo(void) {
    mv.role = MV_ROLE_SOLO;
    mv_fast_calls_for_role();
    mv.followed = 0;
    drop_readers(0, MV_MAX_READERS);
    mv_lent_take_back(1);
    mv_install_defaults();
    mv.control->publishes = 0;
    mv.control->stage = MV_STAGE_SINGLE_LEADER;
    mv.control->follower_pid = 0;
    mv_control_changed();
}

/* Any thread, any number of times. */
void mv_leader_unfollowed(void) {
    if (mv.role != MV_ROLE_LEADER)
        return;
    if (!mv.control->tracing || !mv.control->publishes) { /* (publishing may not even have begun) */
        to_solo();
    } else if (mv.followed) {
        mv.followed = 0;
        drop_readers(MV_FOLLOWER, MV_FOLLOWER + 1);
        mv_lent_take_back(1);
        mv.control->stage = MV_STAGE_SINGLE_LEADER;
        mv.control->follower_pid = 0;
        mv_control_changed();
    }
}

void mv_end_follower(enum mv_reason reason, int code, const char *text) {
    if (mv_publishing_end_because(reason, code, text)) {
        struct mv_text line = {.used = 0};
        mv.control->follower_state = 3;
        if (mv.follower_pid)
            mv_sys2(__NR_kill, mv.follower_pid, 9);
        mv_text_add(&line, "follower ended: ");
        mv_text_add(&line, text);
        mv_say(MV_WARNING, &line);
    }
    if (!mv.control->publishing)
        mv_leader_unfollowed();
}

void mv_leader_unsupported(const char *name) {
    struct mv_text text = {.used = 0};
    if (!mv_leader_has_follower())
        return;
    mv_text_add(&text, "the server called ");
    mv_text_add(&text, name);
    mv_text_add(&text, ", which can't be replayed by a follower yet; the server goes on alone");
    mv_end_follower(MV_REASON_UNSUPPORTED, 0, text.bytes);
}

/* Why there is no room, and the end of the follower. */
static void log_refused(struct mv_thread *self) {
    switch (self->log->refusal) {
    case MV_LOG_CURSOR_LOST:
        mv_end_follower(MV_REASON_CORRUPT, 0, "a reader's cursor in the event log is damaged");
        break;
    case MV_LOG_TOO_BIG:
        mv_end_follower(MV_REASON_LOG_LIMIT, 0, "one event is larger than the log limit: raise --log-limit");
        break;
    default:
        mv_end_follower(MV_REASON_LOG_LIMIT, 0,
                        "the follower fell so far behind that the log limit is used up");
    }
}

/* A reservation; a tracer is given up for it before the follower is. NULL: the call is not published. */
struct mv_event *mv_leader_room(struct mv_thread *self, uint64_t in_size, uint64_t out_size) {
    if (__builtin_expect(in_size + out_size >= 1ull << 31, 0)) {
        self->log->refusal = MV_LOG_TOO_BIG;
        log_refused(self);
        return NULL;
    }
    struct mv_event *event = mv_log_reserve(self->log, (uint32_t)in_size, (uint32_t)out_size);
    if (__builtin_expect(!event && self->log->refusal != MV_LOG_TOO_BIG && mv_tracers_drop(), 0))
        event = mv_log_reserve(self->log, (uint32_t)in_size, (uint32_t)out_size);
    if (__builtin_expect(!event, 0))
        log_refused(self);
    return event;
}

/* A killed keeper is replaced; this thread's log must be told, in case the old one died in the middle of it.
 */
static void check_keeper(struct mv_thread *self) {
    if (mv_keeper_lost())
        mv_keeper_start();
    if (self->keeper_epoch != mv_keeper_epoch) {
        self->keeper_epoch = mv_keeper_epoch;
        mv_log_keeper_lost(self->log, &mv_keeper_word);
    }
}

/* Has the follower fallen behind by more than the limit? Looked at every 256 records; the keeper every 4,096.
 */
static void check_limits(struct mv_thread *self) {
    uint64_t limit = mv.control->lag_limit_bytes;
    int thorough = !(self->log->sequence & 4095);
    if (thorough)
        check_keeper(self);
    mv_tracers_check(self, thorough);
    if (!limit)
        return;
    const struct mv_log_cursor *cursor =
        (const struct mv_log_cursor *)(mv_log_base(mv.version, self->slot) + MV_CURSOR_OFFSET(MV_FOLLOWER));
    uint64_t consumed = __atomic_load_n(&cursor->bytes, __ATOMIC_RELAXED);
    if (cursor->active && self->log->bytes > consumed && self->log->bytes - consumed > limit)
        mv_end_follower(MV_REASON_LAG_LIMIT, 0, "the follower fell behind by more than --lag-limit");
}

void mv_leader_check(struct mv_thread *self) {
    if (__builtin_expect(!(self->log->sequence & 255), 0))
        check_limits(self);
}

/* Copies the in-segments into a reservation with room for whatever the call may bring back. NULL: the
 * follower has been ended. */
struct mv_event *mv_leader_reserve(struct mv_thread *self, const struct mv_call_row *row,
                                   const uint64_t args[6]) {
    struct mv_segment segments[2 * MV_SEGMENTS_MAX];
    struct mv_segment *out = segments + MV_SEGMENTS_MAX;
    int ins = mv_call_in_segments(row, args, segments, MV_SEGMENTS_MAX);
    int outs = mv_call_out_targets(row, args, 1 << 30, out, MV_SEGMENTS_MAX);
    if (ins < 0 || outs < 0) {
        mv_leader_unsupported(row->name);
        return NULL;
    }
    struct mv_event *event = mv_leader_room(self, mv_payload_size(segments, ins), mv_payload_size(out, outs));
    if (event)
        mv_payload_write(event + 1, segments, ins);
    return event;
}

void mv_leader_complete(struct mv_thread *self, struct mv_event *event, uint32_t call, const uint64_t args[6],
                        long result, uint64_t site, uint32_t flags) {
    /* Only a call in the frame has an exit at which a handler can run; a hook (vDSO, pthread) has none. */
    if ((self->attention & MV_ATTEND_SIGNAL) && !self->hooked) {
        flags |= MV_EVENT_SIGNAL_FOLLOWS;
        self->signal_announced = 1;
    }
    uint64_t stamp = self->stamp;
    self->stamp = 0;
    mv_log_complete(self->log, event, call, flags, result, site, stamp, args);
    mv_leader_check(self);
}

/* Publishes a call after it was made. `event`: a reservation with the in-payload, made before the call, or
 * NULL. */
void mv_leader_publish(struct mv_thread *self, const struct mv_call_row *row, const uint64_t args[6],
                       long result, uint64_t site, uint16_t flags, const struct mv_call_entry *entry,
                       struct mv_event *event) {
    struct mv_segment segments[2 * MV_SEGMENTS_MAX];
    struct mv_segment *out = segments + MV_SEGMENTS_MAX;
    int ins = 0, outs = 0;
    if (!event && !(flags & MV_EVENT_RESTART) && (row->flags & (MV_CALL_IN | MV_CALL_COMMAND)))
        ins = mv_call_in_segments(row, args, segments, MV_SEGMENTS_MAX);
    if (!(flags & MV_EVENT_RESTART) && (row->flags & (MV_CALL_OUT | MV_CALL_COMMAND)))
        outs = mv_call_out_segments(row, args, result, entry, out, MV_SEGMENTS_MAX);
    if (ins < 0 || outs < 0) {
        mv_leader_unsupported(row->name);
        return;
    }
    uint64_t in_size = event ? event->in_size : ins ? mv_payload_size(segments, ins) : 0;
    uint64_t out_size = outs ? mv_payload_size(out, outs) : 0;
    if (event && out_size > event->out_size) {
        mv_leader_unsupported(row->name);
        return;
    }
    if (!event) {
        event = mv_leader_room(self, in_size, out_size);
        if (!event)
            return;
        if (ins)
            mv_payload_write(event + 1, segments, ins);
    }
    event->out_size = (uint32_t)out_size;
    if (outs)
        mv_payload_write((uint8_t *)(event + 1) + in_size, out, outs);
    mv_leader_complete(self, event, (uint32_t)(row - mv_call_find(0)), args, result, site, flags);
}

static void publish_bare(struct mv_thread *self, uint16_t call, long result, uint64_t a, uint64_t b,
                         uint64_t c, const void *payload, uint32_t size) {
    struct mv_event *event = mv_leader_room(self, size, 0);
    if (!event)
        return;
    for (uint32_t i = 0; i < size; i++)
        ((uint8_t *)(event + 1))[i] = ((const uint8_t *)payload)[i];
    mv_log_complete(self->log, event, call, 0, result, 0, 0, (const uint64_t[6]){a, b, c});
}

/* A crash is told before the kernel writes a core or frees the memory. */
void mv_leader_death(struct mv_thread *self, int number, const struct mv_siginfo *info,
                     const struct mv_ucontext *uc) {
    if (!self->log || !mv_leader_has_follower())
        return;
    if (number != 4 && number != 5 && number != 6 && number != 7 && number != 8 && number != 11) {
        /* Not a crash: somebody wants the server to end, and its follower with it. */
        mv_end_follower(MV_REASON_LEADER_EXITED, number, "the server was ended by a signal");
        return;
    }
    /* Elsewhere on the shim stack a record may be half written, or the call be made whose intent must stay: a
     * signal is delivered as a call returns. Then the robust list tells. */
    uint64_t pc = uc->rip;
    int not_made = (pc >= (uint64_t)mv_interruptible_check && pc <= (uint64_t)mv_interruptible_syscall) ||
                   (pc == (uint64_t)mv_interruptible_after && (int64_t)uc->rax == -4 /* EINTR */);
    if (!mv_on_shim_stack(self, uc->rsp) || not_made)
        publish_bare(self, MV_CALL_DEATH, 0, (uint64_t)number, info->rest[0], uc->rip, info, 128);
    mv.control->reason = MV_REASON_LEADER_DIED;
    mv.control->reason_code = number;
}

void mv_leader_signal(struct mv_thread *self, int number, const struct mv_siginfo *info) {
    if (self->log && mv_leader_publishing())
        publish_bare(self, MV_CALL_SIGNAL, 0, (uint64_t)number, 0, 0, info, 128);
}

void mv_leader_publish_order(struct mv_thread *self, uint32_t kind, uint64_t object, uint32_t clock,
                             uint32_t value, long result) {
    struct mv_event *event = mv_leader_room(self, 0, 0);
    if (!event)
        return;
    uint64_t stamp = (uint64_t)clock << 32 | value;
    mv_log_complete(self->log, event, MV_CALL_ORDER, 0, result, 0, stamp,
                    (const uint64_t[6]){kind, object, clock, value});
}
