/* Tracers: readers that watch and compare nothing. The coordinator gives each a cursor and sets its bit in
 * control.tracing; the leader publishes as long as a bit is set, with or without a follower. A tracer that
 * holds more than its share of the log, or whose process is gone, loses its bit: it never ends the follower,
 * and the leader waits for it no more than for anybody. */
#include "../log/barriers.h"
#include "../sys.h"
#include "roles.h"

#define SHARE_MAX (16ull << 20) /* of one log, in bytes */

static struct mv_log_cursor *cursor_of(uint32_t slot, uint32_t reader) {
    return (struct mv_log_cursor *)(mv_log_base(mv.version, slot) + MV_CURSOR_OFFSET(reader));
}

static uint32_t tracing(void) {
    return __atomic_load_n(&mv.control->tracing, __ATOMIC_ACQUIRE);
}

/* Readers whose cursor on an ended thread's log still counts: what they have not read is theirs. */
uint32_t mv_tracers_reading(uint32_t slot) {
    uint32_t readers = 0;
    for (uint32_t reader = MV_FIRST_TRACER; reader < MV_MAX_READERS; reader++)
        if (mv_load_acquire32(&cursor_of(slot, reader)->active) != MV_CURSOR_UNUSED)
            readers |= 1u << reader;
    return readers;
}

/* A log that is just begun: the tracers miss nothing of it. `but`: those that must notice that it is another
 * thread's now. */
void mv_tracers_expect(struct mv_log_writer *writer, uint32_t but) {
    uint32_t bits = tracing() & ~but;
    for (uint32_t reader = MV_FIRST_TRACER; reader < MV_MAX_READERS; reader++)
        if (bits >> reader & 1)
            mv_log_expect_reader(writer, reader, mv.control->coordinator_pid);
}

static void drop(uint32_t reader) {
    __atomic_fetch_and(&mv.control->tracing, ~(1u << reader), __ATOMIC_ACQ_REL);
    for (uint32_t slot = 0; slot < MV_MAX_THREADS; slot++)
        if (mv_writers[slot].running)
            mv_log_drop_reader(mv_log_base(mv.version, slot), reader);
    mv_control_changed();
}

/* The log has no room: 1 when tracers held some of it. */
int mv_tracers_drop(void) {
    uint32_t bits = tracing();
    for (uint32_t reader = MV_FIRST_TRACER; reader < MV_MAX_READERS; reader++)
        if (bits >> reader & 1)
            drop(reader);
    return bits != 0;
}

/* Now and then, by the thread whose log it is. `thorough`: also whether they live. */
void mv_tracers_check(struct mv_thread *self, int thorough) {
    uint64_t share = mv.control->log_limit / 8 < SHARE_MAX ? mv.control->log_limit / 8 : SHARE_MAX;
    for (uint32_t reader = MV_FIRST_TRACER; reader < MV_MAX_READERS; reader++) {
        const struct mv_log_cursor *cursor = cursor_of(self->slot, reader);
        if (mv_load_acquire32(&cursor->active) == MV_CURSOR_UNUSED)
            continue;
        uint64_t consumed = mv_load_relaxed64(&cursor->bytes);
        if (!(tracing() >> reader & 1)) /* it left while this log was begun for it */
            mv_log_drop_reader(mv_log_base(mv.version, self->slot), reader);
        else if ((self->log->bytes > consumed && self->log->bytes - consumed > share) ||
                 (thorough && mv_sys2(__NR_kill, cursor->owner, 0) == -3 /* ESRCH */))
            drop(reader);
    }
}
