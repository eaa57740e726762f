/* Turns that nobody will take any more.
 *
 * A leader's thread that acquires an object takes the next value of its clock, then publishes it. SIGKILL may
 * come between the two, while another thread has published a later value of the same clock: a second reader
 * of a read-write lock, a failed trylock, another lock that hashes to the same clock. In the follower that
 * one would wait for ever, and the failover with it. Such a value is passed over, once it is certain that no
 * log holds it: the leader is dead, so that no record is added any more, and whoever has consumed the record
 * has also taken its turn. */
#include "../roles/roles.h"
#include "order.h"

static int is_turn(const struct mv_event *event, uint32_t clock, uint32_t value) {
    return event->call == MV_CALL_ORDER && (uint32_t)event->args[2] == clock &&
           (uint32_t)event->args[3] == value;
}

/* Does the log hold this turn, unread? Its own thread may go on reading meanwhile: memory that it has
 * left may be punched under our eyes, which shows as a fault. Then the answer is "perhaps": 1. */
static int holds(uint32_t slot, uint32_t clock, uint32_t value) {
    uint8_t *base = mv_log_base(mv.reads, slot);
    const struct mv_log_cursor *cursor = (const struct mv_log_cursor *)(base + MV_CURSOR_OFFSET(mv.version));
    struct mv_log_cursor moved;
    struct mv_log_reader reader = {
        .base = base, .header = (const struct mv_log_header *)base, .cursor = &moved, .limit = MV_LOG_SPAN};
    const struct mv_event *event;
    int found;
    /* Its thread died before it could begin, or had ended before there was a follower. */
    if (reader.header->magic != MV_LOG_MAGIC || reader.header->generation != mv.log_generation ||
        mv_load_acquire32(&cursor->active) == MV_CURSOR_UNUSED)
        return 0;
    reader.position = reader.published = mv_load_acquire64(&cursor->position);
    reader.sequence = mv_load_acquire64(&cursor->sequence);
    while ((found = mv_log_peek(&reader, &event)) > 0) {
        if (is_turn(event, clock, value))
            return 1;
        mv_log_consume(&reader);
    }
    return found < 0;
}

static int unread(uint32_t clock, uint32_t value) {
    for (uint32_t slot = 0; slot < MV_MAX_THREADS; slot++)
        if (mv.control->threads[mv.reads][slot].state != MV_THREAD_FREE && holds(slot, clock, value))
            return 1;
    return 0;
}

int mv_turn_is_lost(uint32_t clock, uint32_t value) {
    if (!mv_leader_dead() || unread(clock, value))
        return 0;
    /* After the logs: a record that is consumed is one whose turn is marked. */
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        if (__atomic_load_n(&area->turn_taking, __ATOMIC_ACQUIRE) && area->turn_clock == clock)
            return 0;
    return 1;
}
