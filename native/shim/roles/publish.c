/* Publishing: one record for each call that was made. A log that is full, or a call that no follower can
 * replay, ends followers here: the leader waits for nobody. */
#include "../calls/payload.h"
#include "../calls/table.h"
#include "../log/barriers.h"
#include "../order/order.h"
#include "../signals/signals.h"
#include "../sys.h"
#include "record.h"
#include "roles.h"

#define TRIES 10

/* What somebody that went has held is free, but perhaps in other threads' logs, or just in the keeper's
 * hands: it is looked for before the next one goes. */
static int reclaim(uint64_t bytes) {
    const int64_t nap[2] = {0, 100000};
    for (uint32_t tries = 0; tries < TRIES; tries++) {
        if (tries)
            mv_sys2(__NR_nanosleep, (long)nap, 0);
        mv_slots_give_back();
        for (uint32_t slot = 0; slot < MV_MAX_THREADS; slot++)
            if (mv_load_acquire32(&mv_writers[slot].running) && mv_log_give_back(&mv_writers[slot], bytes))
                return 1;
    }
    return 0;
}

/* Tracers first. 0: nobody is left for whom to publish. */
static int drop_slowest(void) {
    if (mv_tracers_drop() || (mv_leader_unfollowed() && mv.followed))
        return 1;
    mv_end_slowest(MV_REASON_LOG_LIMIT, 0, "the follower fell so far behind that the log limit is used up");
    return mv.followed != 0;
}

static int drop_somebody(struct mv_thread *self) {
    uint32_t reader = self->log->lost_reader;
    if (self->log->refusal != MV_LOG_CURSOR_LOST || reader >= MV_VERSIONS)
        return drop_slowest();
    mv_end_follower(reader, MV_REASON_CORRUPT, 0, "a reader's cursor in the event log is damaged");
    mv_leader_unfollowed();
    return mv.followed != 0;
}

/* There is room for a new thread's log, once those who held it have gone. 0: nobody is left to follow. */
int mv_leader_log_room(void) {
    while (!reclaim(MV_LOG_CHUNK))
        if (!drop_slowest())
            return 0;
    return 1;
}

/* mv_leader_room's rare part. */
struct mv_event *mv_leader_make_room(struct mv_thread *self, uint64_t in_size, uint64_t out_size) {
    struct mv_event *event = NULL;
    if (in_size + out_size >= MV_RECORD_MAX)
        self->log->refusal = MV_LOG_TOO_BIG;
    while (!event && self->log->refusal != MV_LOG_TOO_BIG && drop_somebody(self))
        if (!(event = mv_leader_reserve_with_words(self, (uint32_t)in_size, (uint32_t)out_size)) &&
            reclaim(in_size + out_size + MV_ORDER_ROOM + 2ull * MV_LOG_CHUNK))
            event = mv_leader_reserve_with_words(self, (uint32_t)in_size, (uint32_t)out_size);
    if (!event && self->log->refusal == MV_LOG_TOO_BIG)
        mv_end_followers(MV_REASON_LOG_LIMIT, 0, "one event is larger than the log limit: raise --log-limit");
    return event;
}

/* Looked at every 256 records: is a killed keeper to be replaced, has a follower fallen behind by more than
 * the limit? */
void mv_leader_check_limits(struct mv_thread *self) {
    uint64_t limit = mv.control->lag_limit_bytes;
    int thorough = !(self->log->sequence & 4095);
    if (mv_keeper_lost())
        mv_keeper_start();
    if (thorough && !self->death_linked) /* it was parked while glibc changed its list */
        mv_thread_link_death(self);
    mv_tracers_check(self, thorough);
    for (uint32_t version = 0; limit && version < MV_VERSIONS; version++) {
        const struct mv_log_cursor *cursor = mv_cursor_of(self->slot, version);
        uint64_t consumed = mv_load_relaxed64(&cursor->bytes);
        if ((mv.followed >> version & 1) && cursor->active && self->log->bytes > consumed &&
            self->log->bytes - consumed > limit)
            mv_end_follower(version, MV_REASON_LAG_LIMIT, 0,
                            "the follower fell behind by more than --lag-limit");
    }
    mv_leader_unfollowed();
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

static void publish_siginfo(struct mv_thread *self, uint16_t call, const struct mv_siginfo *info,
                            const uint64_t args[6]) {
    struct mv_event *event = mv_leader_room(self, 128, 0);
    if (!event)
        return;
    __builtin_memcpy(event + 1, info, 128);
    /* Whoever sent it had noted that before. (One that crashed tells nothing but its death.) */
    uint64_t words = call == MV_CALL_SIGNAL && mv_threads_exist
                         ? mv_order_news(self, (uint64_t *)((uint8_t *)(event + 1) + 128))
                         : 0;
    mv_log_complete(self->log, event, call, 0, 0, 0, 0, args, words);
}

/* Is this thread at work on its log, or in a call whose intent must stay until its record? On the shim stack,
 * in the code of a hook (which runs on the program's), or behind a call that returns twice. A record may be
 * half written then, and its extent half entered. (But not where a call waits to be made, or has been
 * interrupted: a signal is delivered as a call returns.) */
static int is_publishing(const struct mv_thread *self, const struct mv_ucontext *uc) {
    uint64_t pc = uc->rip;
    int not_made = (pc >= (uint64_t)mv_interruptible_check && pc <= (uint64_t)mv_interruptible_syscall) ||
                   (pc == (uint64_t)mv_interruptible_after && (int64_t)uc->rax == -4 /* EINTR */);
    return !not_made && (mv_on_shim_stack(self, uc->rsp) || mv_within(pc, mv_raw_syscall + 1, mv_raw_end) ||
                         (self->hooked && mv_within(pc, mv_text_start, mv_text_end)));
}

/* A crash is told before the kernel writes a core or frees the memory. (Not that of a vfork child, which
 * borrows all this.) */
void mv_leader_death(struct mv_thread *self, int number, const struct mv_siginfo *info,
                     const struct mv_ucontext *uc) {
    if (!self->log || !mv_leader_has_follower() || (uint32_t)mv_sys0(__NR_getpid) != mv.pid)
        return;
    if (number != 4 && number != 5 && number != 6 && number != 7 && number != 8 && number != 11) {
        /* Not a crash: somebody wants the server to end, and its follower with it. */
        mv_end_followers(MV_REASON_LEADER_EXITED, number, "the server was ended by a signal");
        return;
    }
    if (!is_publishing(self, uc)) /* else the robust list tells */
        publish_siginfo(self, MV_CALL_DEATH, info,
                        (const uint64_t[6]){(uint64_t)number, info->rest[0], uc->rip});
    mv.control->reason = MV_REASON_LEADER_DIED;
    mv.control->reason_code = number;
}

void mv_leader_signal(struct mv_thread *self, int number, const struct mv_siginfo *info) {
    if (self->log && mv_leader_publishing())
        publish_siginfo(self, MV_CALL_SIGNAL, info, (const uint64_t[6]){(uint64_t)number});
}
