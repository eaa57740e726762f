/* The keeper's step: memory comes and goes here, not in the leader. */
#include "chunks.h"

#include "../sys.h"

#define MADV_POPULATE_WRITE_ 23    /* Linux 5.14 */
#define AHEAD                16u   /* chunks (4 MiB) that lie ready for a writer that is growing */
#define AHEAD_PAUSE          5u    /* ms */
#define LONGEST_PAUSE        1000u /* ms */
#define QUIET_PAUSE          80u   /* ms: a log that did not grow for longer is cut back to the floor */

/* Free chunks that may stay resident. The proportional part keeps a lag that swings from being punched and
 * populated over and over. */
static uint32_t spare_allowed(uint32_t used) {
    return MV_CHUNKS_FLOOR - 1 + used / 8;
}

static int interrupted(const struct mv_log_writer *w) {
    return mv_load_relaxed32(&w->hurry) || !mv_load_relaxed32(&w->running);
}

/* EMPTY → READY. Charged first; a quarter of the budget is left to writers that need it now. */
static int populate(struct mv_log_writer *w, uint32_t chunk) {
    uint64_t limit = w->budget->limit;
    if (mv_load_relaxed64(&w->budget->held) + MV_LOG_CHUNK > limit - limit / 4 ||
        !mv_chunks_charge(w, MV_LOG_CHUNK))
        return 0;
    mv_fault(MV_FAULT_KEEPER_CHARGED);
    long error = mv_sys3(__NR_madvise, (long)(w->base + (uint64_t)chunk * MV_LOG_CHUNK), MV_LOG_CHUNK,
                         MADV_POPULATE_WRITE_);
    mv_fault(MV_FAULT_KEEPER_POPULATED);
    mv_chunks_raise_top(w, chunk + 1);
    if (!mv_is_error(error) && mv_swap8(&w->accounts->state[chunk], MV_CHUNK_EMPTY, MV_CHUNK_READY))
        return 1;
    mv_chunks_refund(w, MV_LOG_CHUNK); /* the writer took (and charged) it meanwhile, or there is no memory */
    return !mv_is_error(error);
}

/* After stop: everything goes back. */
static void give_all_back(struct mv_log_writer *w) {
    for (uint32_t chunk = 1, top = mv_chunks_top(w); chunk < top && !mv_load_relaxed32(&w->hurry); chunk++) {
        if (mv_load_acquire8(&w->accounts->state[chunk]) == MV_CHUNK_USED)
            mv_store_release8(&w->accounts->state[chunk], MV_CHUNK_READY);
        mv_chunks_punch(w, chunk);
    }
}

/* Returns 1 when the log is larger than one that keeps up: another step soon. The reader may leave its last
 * chunks while the writer is idle, and nobody else would look at them then. */
static int balance(struct mv_log_writer *w, const struct mv_log_keeper *me) {
    mv_chunks_collect(w, me);
    const uint8_t *state = w->accounts->state;
    uint32_t used = 0, spare = 0;
    for (uint32_t chunk = 1, top = mv_chunks_top(w); chunk < top; chunk++)
        used += mv_load_acquire8(&state[chunk]) == MV_CHUNK_USED;
    /* Only a growing log is given more than it has: others stay in the chunks that they are in. */
    int growing = (int)mv_exchange32(&w->grown, 0);
    uint32_t allowed = spare_allowed(used), wanted = growing ? AHEAD : 0;
    if (allowed < wanted)
        allowed = wanted;
    if (growing)
        w->keep_pause = 0;
    else if (used <= MV_CHUNKS_FLOOR && w->keep_pause >= QUIET_PAUSE)
        allowed = MV_CHUNKS_FLOOR - used;
    for (uint32_t chunk = 1; chunk < MV_LOG_CHUNKS && !interrupted(w); chunk++) {
        if (chunk >= mv_chunks_top(w) && spare >= wanted)
            break;
        uint8_t s = mv_load_acquire8(&state[chunk]);
        if (s == MV_CHUNK_EMPTY && spare < wanted) {
            if (!populate(w, chunk))
                wanted = 0; /* no memory: leave it at that */
            else
                spare++;
        } else if (s == MV_CHUNK_READY && ++spare > allowed) {
            mv_chunks_punch(w, chunk);
        }
    }
    return growing || used + (spare < allowed ? spare : allowed) > MV_CHUNKS_FLOOR;
}

int mv_log_keep(struct mv_log_writer *w, const struct mv_log_keeper *me) {
    if (!mv_load_acquire32(&w->started) || !mv_chunks_lock(w, &w->keeping, me))
        return -1;
    int pause = -1;
    if (!mv_load_acquire32(&w->running)) {
        give_all_back(w);
    } else if (balance(w, me)) {
        /* A lag that stays costs ever fewer looks. */
        uint32_t longer = w->keep_pause * 2 < LONGEST_PAUSE ? w->keep_pause * 2 : LONGEST_PAUSE;
        w->keep_pause = w->keep_pause == 0 || mv_load_relaxed32(&w->grown) ? AHEAD_PAUSE : longer;
        pause = (int)w->keep_pause;
    } else {
        w->keep_pause = 0;
    }
    mv_store_release32(&w->keeping, 0);
    return pause;
}
