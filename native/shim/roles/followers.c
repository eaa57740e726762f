/* The leader's followers: whose cursors it respects, who of them lags too far, and their end.
 *
 * The leader waits for nobody. Whoever ends a follower clears its word of control.publishing; the leader
 * finds that now and then, or as it needs room, and forgets its cursors. Without followers, and without
 * tracers, it is solo at its next call. */
#include "../log/barriers.h"
#include "../sys.h"
#include "roles.h"

int mv_leader_has_follower(void) {
    return mv.role == MV_ROLE_LEADER && mv_is_followed();
}

static void drop_readers(uint32_t readers) {
    for (uint32_t slot = 0; slot < MV_MAX_THREADS; slot++)
        for (uint32_t reader = 0; mv_writers[slot].running && reader < MV_MAX_READERS; reader++)
            if (readers >> reader & 1)
                mv_log_drop_reader(mv_log_base(mv.version, slot), reader);
}

/* Others that still see LEADER publish into logs that nobody reads. */
static void to_solo(void) {
    mv.role = MV_ROLE_SOLO;
    mv_fast_calls_for_role();
    mv.followed = 0;
    drop_readers(~0u);
    mv_lent_take_back(1);
    mv_install_defaults();
    mv.control->publishes = 0;
    mv.control->stage = MV_STAGE_SINGLE_LEADER;
    mv_control_changed();
}

/* (Another word than its own is no follower's: a damaged one must not hold the logs for ever.) */
static uint32_t ended(void) {
    uint32_t versions = 0, followed = mv_load_acquire32(&mv.followed);
    for (uint32_t version = 0; version < MV_VERSIONS; version++)
        if ((followed >> version & 1) &&
            mv_load_acquire32(&mv.control->publishing[version]) != (uint32_t)mv.followers[version].generation)
            versions |= 1u << version;
    return versions;
}

/* The log of a thread that is about to be made is kept for all followers. One may be found ended meanwhile,
 * by another thread, which has looked through the logs before this one was there: either that one finds this
 * cursor, or this one finds the bit gone. */
void mv_expect_followers(struct mv_log_writer *log) {
    uint32_t followed = mv_load_acquire32(&mv.followed);
    for (uint32_t version = 0; version < MV_VERSIONS; version++)
        if (followed >> version & 1)
            mv_log_expect_reader(log, version, mv.followers[version].pid);
    mv_fence_full();
    uint32_t gone = followed & ~mv_load_acquire32(&mv.followed);
    for (uint32_t version = 0; version < MV_VERSIONS; version++)
        if (gone >> version & 1)
            mv_log_drop_reader(log->base, version);
}

/* Any thread, any number of times. 1: what followers held that have ended is free now. */
int mv_leader_unfollowed(void) {
    if (mv.role != MV_ROLE_LEADER)
        return 0;
    uint32_t versions = mv.followed ? ended() : 0;
    if (!mv_is_followed() &&
        (!mv.control->tracing || !mv.control->publishes /* publishing may not even have begun */)) {
        to_solo();
        return 1;
    }
    if (!versions)
        return 0;
    uint32_t left = __atomic_and_fetch(&mv.followed, ~versions, __ATOMIC_SEQ_CST);
    drop_readers(versions); /* behind it: mv_expect_followers */
    if (!left) {
        mv_lent_take_back(1);
        mv.control->stage = MV_STAGE_SINGLE_LEADER;
    }
    mv_control_changed();
    return 1;
}

void mv_end_follower(uint32_t version, enum mv_reason reason, int code, const char *text) {
    if (!mv_member_end(version, mv.followers[version].generation, reason, code, text))
        return;
    struct mv_text line = {.used = 0};
    mv_member_ended(version);
    if (mv.followers[version].pid)
        mv_sys2(__NR_kill, mv.followers[version].pid, 9);
    mv_text_add(&line, "follower ended: ");
    mv_text_add(&line, text);
    mv_say(MV_WARNING, &line);
}

/* All of them: what the leader does, or is about to, none can replay. */
void mv_end_followers(enum mv_reason reason, int code, const char *text) {
    for (uint32_t version = 0; version < MV_VERSIONS; version++)
        if (mv.followed >> version & 1)
            mv_end_follower(version, reason, code, text);
    mv_leader_unfollowed();
}

void mv_leader_unsupported(const char *name) {
    struct mv_text text = {.used = 0};
    if (!mv_leader_has_follower())
        return;
    mv_text_add(&text, "the server called ");
    mv_text_add(&text, name);
    mv_text_add(&text, ", which can't be replayed by a follower yet; the server goes on alone");
    mv_end_followers(MV_REASON_UNSUPPORTED, 0, text.bytes);
}

/* ---- who holds what ---------------------------------------------------------------------------------- */

const struct mv_log_cursor *mv_cursor_of(uint32_t slot, uint32_t reader) {
    return (const struct mv_log_cursor *)(mv_log_base(mv.version, slot) + MV_CURSOR_OFFSET(reader));
}

/* Has a follower not read an ended thread's log to its end? Its slot can't be used anew then. */
int mv_still_read(uint32_t slot) {
    const struct mv_log_header *header = (const struct mv_log_header *)mv_log_base(mv.version, slot);
    for (uint32_t version = 0; version < MV_VERSIONS; version++) {
        const struct mv_log_cursor *cursor = mv_cursor_of(slot, version);
        if ((mv.followed >> version & 1) && cursor->active &&
            mv_load_acquire64(&cursor->position) != header->published)
            return 1;
    }
    return 0;
}

/* What a follower has not read, over all threads. */
struct lag {
    uint64_t bytes, events;
};
static struct lag lag_of(uint32_t version) {
    struct lag lag = {0, 0};
    for (uint32_t slot = 0; slot < MV_MAX_THREADS; slot++) {
        const struct mv_log_cursor *cursor = mv_cursor_of(slot, version);
        if (!mv_writers[slot].running || !cursor->active)
            continue;
        uint64_t bytes = mv_load_relaxed64(&mv_log_header_of(&mv_writers[slot])->bytes),
                 events = mv_writers[slot].sequence, read = mv_load_relaxed64(&cursor->bytes),
                 replayed = mv_load_relaxed64(&cursor->sequence);
        lag.bytes += bytes > read ? bytes - read : 0;
        lag.events += events > replayed ? events - replayed : 0;
    }
    return lag;
}

uint64_t mv_lag_events(uint32_t version) {
    return lag_of(version).events;
}

/* The one that is furthest behind gives way; the others are as good as before. */
void mv_end_slowest(enum mv_reason reason, int code, const char *text) {
    uint32_t slowest = MV_VERSIONS;
    uint64_t most = 0;
    for (uint32_t version = 0; version < MV_VERSIONS; version++) {
        uint64_t lag = mv.followed >> version & 1 ? lag_of(version).bytes : 0;
        if ((mv.followed >> version & 1) && (slowest == MV_VERSIONS || lag > most)) {
            slowest = version;
            most = lag;
        }
    }
    if (slowest < MV_VERSIONS)
        mv_end_follower(slowest, reason, code, text);
    mv_leader_unfollowed();
}
