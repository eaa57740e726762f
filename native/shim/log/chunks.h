/* Which chunk of a log is what. Private to native/shim/log.
 *
 *            take (writer)                    free (collector)
 *   EMPTY ────────────────▶ USED ────────────────────────────▶ READY ──▶ USED …
 *     ▲ └──── populate (keeper) ────────────▶ READY                │
 *     └───────────────────── PUNCHING (keeper; or the writer when over budget) ◀┘
 *
 * Every change but free and the end of punching is a compare-and-swap; so the writer takes a chunk or passes
 * it by, and never waits for the keeper. Memory: EMPTY costs none; every other state is charged to the
 * budget.
 *
 * An extent is one chunk, or a run of adjacent ones for a record larger than a chunk. Extents in use form a
 * list in the order of their use; `order` counts them. Readers pass them in that order. */
#ifndef MV_LOG_CHUNKS_H
#define MV_LOG_CHUNKS_H

#include "log.h"

enum { MV_CHUNK_EMPTY = 0, MV_CHUNK_READY = 1, MV_CHUNK_USED = 2, MV_CHUNK_PUNCHING = 3 };

struct mv_log_accounts {
    uint64_t order[MV_LOG_CHUNKS];  /* of the extent that the chunk belongs to, while USED */
    uint32_t next[MV_LOG_CHUNKS];   /* of an extent's first chunk: the first of the extent used after it */
    uint32_t length[MV_LOG_CHUNKS]; /* of an extent's first chunk: its number of chunks */
    uint8_t state[MV_LOG_CHUNKS];
};
_Static_assert(sizeof(struct mv_log_accounts) == MV_LOG_ACCOUNTS_SIZE, "MV_LOG_ACCOUNTS_SIZE");

/* A log that keeps up has one chunk being written, one being read, one spare: never punched. */
#define MV_CHUNKS_FLOOR 3u

int mv_chunks_charge(struct mv_log_writer *w, uint64_t bytes); /* 1: within the budget */
void mv_chunks_refund(struct mv_log_writer *w, uint64_t bytes);

/* Takes `count` adjacent free chunks; first one's index, or 0: over budget or span. Writer only. */
uint32_t mv_chunks_take(struct mv_log_writer *w, uint32_t count);

/* Makes the chunks of an extent free (but resident). */
void mv_chunks_release(struct mv_log_writer *w, uint32_t first);

/* Frees the extents that all active readers and the writer have left. 1: done; 0: somebody else is at it;
 * -1: w->lost_reader has a damaged cursor (nothing freed). Writer and keeper (`me`: as in mv_log_keep). */
int mv_chunks_collect(struct mv_log_writer *w, const struct mv_log_keeper *me);

/* Takes a lock of the writer's, which says who holds it: a thread of the process, which lives as long as the
 * lock does; or a keeper, which may be killed at any time: what a dead one holds is free. 1: taken; to be
 * given back by storing 0. */
int mv_chunks_lock(const struct mv_log_writer *w, uint32_t *lock, const struct mv_log_keeper *me);

/* READY → EMPTY, its memory given back. 1: done, 0: it was not READY (any more). */
int mv_chunks_punch(struct mv_log_writer *w, uint32_t chunk);

/* Raises the keeper's word, and wakes it if it slept. */
void mv_chunks_call_keeper(struct mv_log_writer *w);

/* All chunks below this index may have been touched. */
static inline uint32_t mv_chunks_top(struct mv_log_writer *w) {
    return mv_load_acquire32(&w->top);
}
void mv_chunks_raise_top(struct mv_log_writer *w, uint32_t end);

#endif
