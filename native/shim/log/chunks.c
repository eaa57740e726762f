/* Taking, freeing and giving back chunks. */
#include "chunks.h"

#include "../sys.h"

#include <linux/futex.h>
#include <linux/mman.h>

#ifndef MADV_REMOVE
#define MADV_REMOVE 9
#endif

/* How far behind an EMPTY chunk a READY one is looked for: memory that is there already costs no faults. */
#define LOOK_AHEAD 64u

int mv_chunks_charge(struct mv_log_writer *w, uint64_t bytes) {
    uint64_t held;
    do {
        held = mv_load_relaxed64(&w->budget->held);
        if (bytes > w->budget->limit || held > w->budget->limit - bytes)
            return 0;
    } while (!mv_swap64(&w->budget->held, held, held + bytes));
    mv_add64(&mv_log_header_of(w)->held, bytes);
    return 1;
}

void mv_chunks_refund(struct mv_log_writer *w, uint64_t bytes) {
    mv_sub64(&mv_log_header_of(w)->held, bytes);
    mv_sub64(&w->budget->held, bytes);
}

void mv_chunks_raise_top(struct mv_log_writer *w, uint32_t end) {
    uint32_t top = mv_chunks_top(w);
    while (top < end && !mv_swap32(&w->top, top, end))
        top = mv_chunks_top(w);
}

static void post_low(struct mv_log_writer *w, uint32_t chunk) {
    uint32_t low = mv_load_relaxed32(&w->posted_low);
    while (chunk < low && !mv_swap32(&w->posted_low, low, chunk))
        low = mv_load_relaxed32(&w->posted_low);
}

int mv_chunks_punch(struct mv_log_writer *w, uint32_t chunk) {
    uint8_t *state = &w->accounts->state[chunk];
    if (!mv_swap8(state, MV_CHUNK_READY, MV_CHUNK_PUNCHING))
        return 0;
    mv_fault(MV_FAULT_KEEPER_PUNCHES);
    long error =
        mv_sys3(__NR_madvise, (long)(w->base + (uint64_t)chunk * MV_LOG_CHUNK), MV_LOG_CHUNK, MADV_REMOVE);
    if (mv_is_error(error)) { /* the memory is still there, and so is the charge */
        mv_store_release8(state, MV_CHUNK_READY);
        post_low(w, chunk);
        return 0;
    }
    mv_chunks_refund(w, MV_LOG_CHUNK);
    mv_store_release8(state, MV_CHUNK_EMPTY);
    post_low(w, chunk);
    return 1;
}

/* Over budget while free chunks stand idle elsewhere in this log: the writer gives those back itself, which
 * costs it system calls, but otherwise the follower would end here. */
static int charge_or_reclaim(struct mv_log_writer *w, uint64_t bytes) {
    if (mv_chunks_charge(w, bytes))
        return 1;
    for (uint32_t chunk = mv_chunks_top(w); chunk-- > 1;)
        if (mv_chunks_punch(w, chunk) && mv_chunks_charge(w, bytes))
            return 1;
    return mv_chunks_charge(w, bytes);
}

void mv_chunks_call_keeper(struct mv_log_writer *w) {
    uint32_t *word = w->keeper ? &w->keeper->word : NULL;
    if (word && mv_load_relaxed32(word) == 0 && mv_exchange32(word, 1) == 0)
        mv_sys3(__NR_futex, (long)word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1);
}

#define A_THREAD 1u /* less than any keeper's number */

/* A keeper's number and `lives` are stored before it runs: whoever finds its number in a lock finds them. */
int mv_chunks_lock(const struct mv_log_writer *w, uint32_t *lock, const struct mv_log_keeper *me) {
    uint32_t holder = mv_load_acquire32(lock);
    if (holder == A_THREAD || (holder && w->keeper && holder == mv_load_acquire32(&w->keeper->number) &&
                               mv_load_acquire32(&w->keeper->lives)))
        return 0;
    return mv_swap32(lock, holder, me ? me->number : A_THREAD);
}

/* Free → USED, charged. `grew` is set when memory had to be added. 0: it was not free, or over budget. */
static int take_one(struct mv_log_writer *w, uint32_t chunk, int *over_budget) {
    uint8_t *state = &w->accounts->state[chunk];
    if (mv_swap8(state, MV_CHUNK_READY, MV_CHUNK_USED))
        return 1;
    if (mv_load_acquire8(state) != MV_CHUNK_EMPTY)
        return 0;
    if (!charge_or_reclaim(w, MV_LOG_CHUNK)) {
        *over_budget = 1;
        return 0;
    }
    if (!mv_swap8(state, MV_CHUNK_EMPTY, MV_CHUNK_USED)) {
        mv_chunks_refund(w, MV_LOG_CHUNK); /* the keeper has populated (and charged) it meanwhile */
        return mv_swap8(state, MV_CHUNK_READY, MV_CHUNK_USED);
    }
    mv_chunks_raise_top(w, chunk + 1);
    if (mv_load_relaxed64(&mv_log_header_of(w)->held) > (uint64_t)MV_CHUNKS_FLOOR * MV_LOG_CHUNK)
        mv_chunks_call_keeper(w); /* nothing lay ready: it is asleep, or too slow */
    return 1;
}

static int is_free(struct mv_log_writer *w, uint32_t chunk) {
    uint8_t state = mv_load_acquire8(&w->accounts->state[chunk]);
    return state == MV_CHUNK_EMPTY || state == MV_CHUNK_READY;
}

static uint32_t take_single(struct mv_log_writer *w) {
    const uint8_t *state = w->accounts->state;
    uint32_t top = mv_chunks_top(w), empty = 0;
    while (w->low < MV_LOG_CHUNKS && mv_load_acquire8(&state[w->low]) == MV_CHUNK_USED)
        w->low++;
    for (uint32_t chunk = w->low; chunk < MV_LOG_CHUNKS; chunk++) {
        uint8_t s = mv_load_acquire8(&state[chunk]);
        int over_budget = 0;
        if (s == MV_CHUNK_READY && take_one(w, chunk, &over_budget))
            return chunk;
        if (s == MV_CHUNK_EMPTY && !empty)
            empty = chunk;
        if (empty && (chunk >= top || chunk - empty >= LOOK_AHEAD))
            break;
    }
    int over_budget = 0;
    for (uint32_t chunk = empty; chunk && chunk < MV_LOG_CHUNKS && !over_budget; chunk++)
        if (is_free(w, chunk) && take_one(w, chunk, &over_budget))
            return chunk;
    return 0;
}

/* First fit; everything at and above `top` is free, so that a run is found unless the span ends. */
static uint32_t take_run(struct mv_log_writer *w, uint32_t count) {
    for (uint32_t first = w->low, chunk = first; chunk < MV_LOG_CHUNKS; chunk++) {
        if (!is_free(w, chunk)) {
            first = chunk + 1;
            continue;
        }
        if (chunk - first + 1 < count)
            continue;
        uint32_t taken = 0;
        int over_budget = 0;
        while (taken < count && take_one(w, first + taken, &over_budget))
            taken++;
        if (taken == count)
            return first;
        for (uint32_t i = 0; i < taken; i++)
            mv_store_release8(&w->accounts->state[first + i], MV_CHUNK_READY);
        if (over_budget)
            return 0;
        chunk = first + taken; /* the keeper had this one in hand: look behind it */
        first = chunk + 1;
    }
    return 0;
}

uint32_t mv_chunks_take(struct mv_log_writer *w, uint32_t count) {
    uint32_t posted = mv_exchange32(&w->posted_low, MV_LOG_CHUNKS);
    if (posted < w->low)
        w->low = posted;
    return count == 1 ? take_single(w) : take_run(w, count);
}

void mv_chunks_release(struct mv_log_writer *w, uint32_t first) {
    for (uint32_t i = 0, count = w->accounts->length[first]; i < count; i++)
        mv_store_release8(&w->accounts->state[first + i], MV_CHUNK_READY);
    post_low(w, first);
}

/* The order of the extent in which `position` stands; 0 when none does (orders begin with 1). */
static uint64_t order_at(struct mv_log_writer *w, uint64_t position) {
    uint64_t chunk = position / MV_LOG_CHUNK;
    if (chunk == 0 || chunk >= MV_LOG_CHUNKS || mv_load_acquire8(&w->accounts->state[chunk]) != MV_CHUNK_USED)
        return 0;
    return mv_load_relaxed64(&w->accounts->order[chunk]);
}

/* The order of the oldest extent that a reader needs; UINT64_MAX: none, 0: its cursor is damaged. */
static uint64_t order_of_reader(struct mv_log_writer *w, uint32_t reader, uint64_t oldest) {
    const struct mv_log_cursor *cursor = (const struct mv_log_cursor *)(w->base + MV_CURSOR_OFFSET(reader));
    for (;;) {
        uint32_t active = mv_load_acquire32(&cursor->active);
        if (active == MV_CURSOR_UNUSED)
            return UINT64_MAX;
        uint64_t position = mv_load_acquire64(&cursor->position);
        uint64_t order = order_at(w, position);
        if (order >= oldest)
            return order;
        if (active == MV_CURSOR_JOINING) /* too late with what it saw: it will find out and try again */
            return UINT64_MAX;
        if (active == mv_load_acquire32(&cursor->active) && position == mv_load_acquire64(&cursor->position))
            return 0; /* not just another reader that took the cursor between the two loads */
    }
}

/* Room for `bytes` more in the budget, which another log of this version may hold without need. Any thread.
 */
int mv_log_give_back(struct mv_log_writer *w, uint64_t bytes) {
    mv_chunks_collect(w, NULL);
    for (uint32_t chunk = mv_chunks_top(w); chunk-- > 1;) {
        uint64_t held = mv_load_relaxed64(&w->budget->held);
        if (bytes <= w->budget->limit && held <= w->budget->limit - bytes)
            return 1;
        mv_chunks_punch(w, chunk);
    }
    return 0;
}

int mv_chunks_collect(struct mv_log_writer *w, const struct mv_log_keeper *me) {
    if (!mv_chunks_lock(w, &w->collecting, me))
        return 0;
    /* A joining reader stores its cursor, fences, then looks at `published` once more; the fence here makes
     * that sound: if its cursor isn't seen below, it sees the `published` that is read here, or a later one.
     */
    mv_fault(MV_FAULT_KEEPER_COLLECTS);
    mv_fence_full();
    uint64_t limit = order_at(w, mv_load_acquire64(&mv_log_header_of(w)->published));
    uint64_t oldest = mv_load_relaxed64(&w->accounts->order[w->head]);
    int result = 1;
    for (uint32_t i = 0; i < MV_MAX_READERS && result == 1; i++) {
        uint64_t order = order_of_reader(w, i, oldest);
        if (order == 0) {
            w->lost_reader = i;
            result = -1;
        } else if (order < limit) {
            limit = order;
        }
    }
    while (result == 1 && mv_load_relaxed64(&w->accounts->order[w->head]) < limit) {
        uint32_t head = w->head;
        w->head = mv_load_relaxed32(&w->accounts->next[head]);
        mv_chunks_release(w, head);
    }
    mv_store_release32(&w->collecting, 0);
    return result;
}
