/* The event log: one producer, up to MV_MAX_READERS readers, records of any size, elastic memory.
 *
 * The writer fills a chunk with records and ends it with a JUMP to the next one. The next chunk is the lowest
 * that every active reader has left; so a reader that keeps up leaves the log in two or three chunks, and one
 * that lags makes it grow, up to a budget. The writer never waits for anybody.
 *
 * No function here allocates, blocks (but mv_log_wait) or calls libc; all return values are stated below
 * each. A writer belongs to one thread, a reader to one thread; only mv_log_keep() runs beside a writer, on
 * the keeper's side, in the same address space. Async-signal-safe as long as the interrupted code of the same
 * thread is not inside a function of the same writer or reader. */
#ifndef MV_LOG_H
#define MV_LOG_H

#include "../../include/mvedsua/shared.h"
#include "../fault/fault.h"
#include "barriers.h"

/* ---- writer --------------------------------------------------------------------------------------- */

/* Bytes that the logs of one version may hold, and do hold. Zero `held` once; shared by all writers. */
struct mv_log_budget {
    uint64_t held;
    uint64_t limit;
};

/* Why mv_log_reserve() returned NULL. */
enum mv_log_refusal {
    MV_LOG_REFUSED_NOT = 0,
    MV_LOG_OVER_BUDGET = 1, /* a reader lags too far: the budget is used up */
    MV_LOG_TOO_BIG = 2,     /* the record alone is larger than the budget */
    MV_LOG_CURSOR_LOST = 3, /* the cursor of reader `lost_reader` is damaged */
};

struct mv_log_accounts; /* chunks.h: the state of every chunk; MV_LOG_ACCOUNTS_SIZE bytes */
#define MV_LOG_ACCOUNTS_SIZE (17ull * MV_LOG_CHUNKS)

/* Who keeps the logs of a process: it populates chunks ahead of the writers, and punches spare ones. */
struct mv_log_keeper {
    uint32_t word;   /* futex. 0: it sleeps or is about to; a writer that grows makes it 1, and wakes it */
    uint32_t number; /* of this one: at least 2, and another one's than any before */
    uint32_t lives;  /* futex: cleared by the kernel at its end (CLONE_CHILD_CLEARTID) */
};

struct mv_log_writer {
    uint8_t *base; /* of the log's span; what reserve and publish touch stands first */
    uint64_t position;
    uint64_t end; /* last position at which the current extent still has room for its JUMP */
    uint64_t sequence;
    uint64_t bytes;

    /* The rest is for the functions of this folder. */
    struct mv_log_accounts *accounts;
    struct mv_log_budget *budget;
    struct mv_log_keeper *keeper; /* or NULL */
    uint32_t head;                /* first chunk of the oldest extent in use (guarded by `collecting`) */
    uint32_t tail;                /* first chunk of the extent where `published` stands */
    uint32_t current;             /* first chunk of the extent where `position` stands */
    uint32_t low;                 /* no free chunk lies below */
    uint32_t posted_low;          /* the same, as the keeper and collectors lower it */
    uint32_t top;                 /* all chunks from here on have never been touched in this generation */
    uint32_t collecting;  /* lock (chunks.h), only ever tried: whoever holds it frees passed extents */
    uint32_t keeping;     /* lock of mv_log_keep() and of start/stop */
    uint32_t hurry;       /* start wants `keeping` */
    uint32_t running;     /* 1 between start and stop */
    uint32_t started;     /* 1 once accounts describe the memory */
    uint32_t grown;       /* raised by the writer at growth, taken by the keeper */
    uint32_t keep_pause;  /* keeper: milliseconds until the next look */
    uint32_t refusal;     /* enum mv_log_refusal of the last reserve that returned NULL */
    uint32_t lost_reader; /* for MV_LOG_CURSOR_LOST */
};

/* Starts a log for a new publishing session: record 0 follows, no reader is active. `base` maps the log's
 * MV_LOG_SPAN bytes writable and shared. `w` is zero-filled before its first use in a process, and kept for
 * later sessions of the same log; a copy made by fork is to be zeroed (its accounts unmapped). `accounts`:
 * MV_LOG_ACCOUNTS_SIZE zero-filled bytes that stay the log's (only touched pages cost memory), or NULL:
 * mapped here, once. `keeper`: NULL when nobody populates and punches (then stop gives the memory back
 * itself). Returns 0, -ENOMEM, -EINVAL (version, slot, alignment) or -EBUSY (a living keeper is still at the
 * last session).
 */
int mv_log_writer_start(struct mv_log_writer *w, void *base, uint32_t version, uint32_t slot,
                        uint64_t generation, struct mv_log_budget *budget, void *accounts,
                        struct mv_log_keeper *keeper);

/* Ends publishing: the memory goes back (by the keeper, if there is one), the budget too. Readers must be
 * gone. */
void mv_log_writer_stop(struct mv_log_writer *w);

/* Makes room for reader `reader` before it runs: from here on nothing that it has not consumed is reused.
 * To be called by the writer's thread, or before it publishes. */
void mv_log_expect_reader(struct mv_log_writer *w, uint32_t reader, uint32_t owner_pid);

/* Stops respecting a reader that has ended; safe beside the writer. `base`: any writable mapping of the log.
 */
static inline void mv_log_drop_reader(void *base, uint32_t reader) {
    struct mv_log_cursor *cursor = (struct mv_log_cursor *)((uint8_t *)base + MV_CURSOR_OFFSET(reader));
    mv_store_release32(&cursor->active, MV_CURSOR_UNUSED);
}

int mv_log_extend(struct mv_log_writer *w, uint64_t size); /* the slow part of reserve */
void mv_log_wake(struct mv_log_writer *w);                 /* the slow part of publish */

/* Frees what all readers of this log have passed, and gives back as much of what is free as it takes for
 * `bytes` more to be in the budget. 1: they are. Safe beside the writer. */
int mv_log_give_back(struct mv_log_writer *w, uint64_t bytes);

static inline struct mv_log_header *mv_log_header_of(const struct mv_log_writer *w) {
    return (struct mv_log_header *)w->base;
}

/* Contiguous room for a record with payloads of up to in_size and out_size bytes (multiples of 8), or NULL
 * (w->refusal says why; the log is as before). The event's sizes are set, everything else is undefined: the
 * caller fills the payloads, may lower in_size before it writes the out-payload and out_size until the end,
 * and completes or forgets it. Only one reservation at a time. */
static inline struct mv_event *mv_log_reserve(struct mv_log_writer *w, uint32_t in_size, uint32_t out_size) {
    uint64_t size = sizeof(struct mv_event) + (uint64_t)in_size + out_size;
    if (__builtin_expect(size > w->end - w->position, 0) && !mv_log_extend(w, size))
        return 0;
    struct mv_event *event = (struct mv_event *)(w->base + w->position);
    event->in_size = in_size;
    event->out_size = out_size;
    return event;
}

/* What word `i - 1` of a record's header contributes to mv_event_check(): that is a chain of rotations by 9,
 * which comes to this, without a word having to wait for the ones before it. */
static inline uint64_t mv_rotated(uint64_t word, unsigned i) {
    unsigned by = 9 * (sizeof(struct mv_event) / 8 - i) % 64;
    return by ? word << by | word >> (64 - by) : word;
}

/* Says what the reserved record is about, makes it visible, wakes sleeping readers, clears the intent. The
 * payload (and behind it order_size bytes of order words) is there already, and its sizes are final.
 *
 * The check is put together from what is in registers: mv_event_check() would load eight bytes that were just
 * stored in pieces, which stalls store forwarding. That the two are equal is a test's matter. */
static inline __attribute__((always_inline)) void
mv_log_complete(struct mv_log_writer *w, struct mv_event *event, uint32_t call, uint32_t flags,
                int64_t result, uint64_t site, uint64_t stamp, const uint64_t args[6], uint64_t order_size) {
    struct mv_log_header *header = mv_log_header_of(w);
    uint64_t in_size = event->in_size, out_size = event->out_size, sequence = w->sequence;
    uint64_t size = sizeof *event + in_size + out_size + order_size;
    uint64_t first = size | (uint64_t)call << 32 | (uint64_t)flags << 48;
    uint64_t h = mv_rotated(first ^ in_size << 32, 2) ^ mv_rotated(out_size | order_size << 32, 3) ^
                 mv_rotated(sequence, 4) ^ mv_rotated((uint64_t)result, 5) ^ mv_rotated(site, 6) ^
                 mv_rotated(stamp, 7);
    mv_word *words = (mv_word *)event;
#pragma GCC unroll 6
    for (unsigned i = 0; i < 6; i++) {
        uint64_t argument = args[i];
        h ^= mv_rotated(argument, 8 + i);
        words[7 + i] = argument;
    }
    mv_fault(MV_FAULT_IN_RECORD);
    words[0] = first;
    words[1] = (uint32_t)(h ^ (h >> 32)) | in_size << 32;
    words[2] = out_size | order_size << 32;
    words[3] = sequence;
    words[4] = (uint64_t)result;
    words[5] = site;
    words[6] = stamp;

    w->position += size;
    w->sequence = sequence + 1;
    w->bytes += size;
    mv_fault(MV_FAULT_RECORD_WRITTEN);
    mv_store_relaxed64(&header->sequence, sequence + 1);
    mv_store_relaxed64(&header->bytes, w->bytes);
    mv_store_release64(&header->published, w->position);
    mv_fault(MV_FAULT_PUBLISHED);
    /* After the record: a death between the two leaves an intent whose sequence is below the log's. */
    mv_store_release32(&header->intent.call, MV_INTENT_NONE);

    const struct mv_log_sleepers *sleepers = (const struct mv_log_sleepers *)(w->base + MV_SLEEPERS_OFFSET);
    if (__builtin_expect(mv_load_relaxed32(&sleepers->bits) != 0, 0))
        mv_log_wake(w);
}

/* The same for an event that is filled in already. */
static inline void mv_log_publish(struct mv_log_writer *w, struct mv_event *event) {
    mv_log_complete(w, event, event->call, event->flags, event->result, event->site, event->stamp,
                    event->args, 0);
}

/* ---- keeper --------------------------------------------------------------------------------------- */

/* One step for one log, in a process that shares the writer's memory (CLONE_VM): frees what all readers have
 * passed, populates chunks ahead of a growing writer, punches spare ones. Any number of milliseconds may pass
 * between steps. `me`: the keeper, or NULL: a thread of the writer's process. Returns after how many
 * milliseconds the next step is due, or -1: not before the writer raises the keeper's word.
 *
 * A writer that grows into memory that isn't there yet makes the word 1 and wakes one waiter
 * (FUTEX_PRIVATE_FLAG: the two share their memory). So, in a loop: store 0, take a step for every log, wait
 * on the word while it is 0, no longer than the shortest answer.
 *
 * It may be killed in the middle of anything: chunks that it had in hand are lost to this session. */
int mv_log_keep(struct mv_log_writer *w, const struct mv_log_keeper *me);

/* ---- reader --------------------------------------------------------------------------------------- */

struct mv_log_reader {
    const uint8_t *base;
    const struct mv_log_header *header;
    struct mv_log_cursor *cursor;
    struct mv_log_sleepers *sleepers;
    uint64_t position;  /* of the next record */
    uint64_t published; /* as last seen */
    uint64_t high;      /* as last seen */
    uint64_t limit;     /* no record lies beyond */
    uint64_t sequence;
    uint64_t bytes;
    uint32_t size; /* of the record that peek gave out; 0: none */
    uint32_t index;
    uint32_t joining; /* 1 until the first record tells its sequence (mv_log_reader_start on a running log) */
    uint32_t gone;    /* the owner is dead, though no word tells it */
};

/* Opens a log for reading. `base` maps the log's span; the pages of cursor `index` and of the sleepers must
 * be writable, the rest need not be. `size`: bytes of the span that have memory behind them (the file may be
 * too short). Continues from the cursor when the writer expects this reader; else joins at the end: what is
 * published from now on is seen. `owner_pid` is noted in the cursor.
 * Returns 0 or a negative enum mv_log_fault. */
int mv_log_reader_start(struct mv_log_reader *r, void *base, uint64_t size, uint32_t version, uint32_t slot,
                        uint64_t generation, uint32_t index, uint32_t owner_pid);

/* The same, but never joins: MV_LOG_NOT_KEPT, the writer has given this reader up. Nobody would take back a
 * cursor that it made active then. */
#define MV_LOG_NOT_KEPT 1
int mv_log_reader_go_on(struct mv_log_reader *r, void *base, uint64_t size, uint32_t version, uint32_t slot,
                        uint64_t generation, uint32_t index, uint32_t owner_pid);

/* The next record, JUMPs followed: 1 and *event, valid until consumed; 0: nothing yet; a negative enum
 * mv_log_fault: the log is damaged, and every later call says so again. Never touches memory outside the log.
 */
int mv_log_peek(struct mv_log_reader *r, const struct mv_event **event);

/* Done with the peeked record: its memory may be reused. */
void mv_log_consume(struct mv_log_reader *r);

/* Past the peeked record, for a copy of a reader that looks ahead: the cursor stays. */
static inline void mv_log_pass(struct mv_log_reader *r) {
    r->position += r->size;
    r->bytes += r->size;
    r->sequence++;
    r->size = 0;
}

/* Gives the cursor up. */
void mv_log_reader_stop(struct mv_log_reader *r);

/* Has this reader seen everything that is published? */
static inline int mv_log_read_all_consumed(const struct mv_log_reader *r) {
    return mv_load_acquire64(&r->header->published) == mv_load_relaxed64(&r->cursor->position);
}

/* Has the thread that owns the log died (as the kernel's robust-list walk told)? Records may still be unread.
 */
int mv_log_owner_dead(const struct mv_log_reader *r);

enum mv_log_wake_reason { MV_LOG_EVENT = 1, MV_LOG_OWNER_DEAD = 2, MV_LOG_STOP = 3, MV_LOG_UNTOLD = 4 };

/* Waits until there is something to peek (also: a fault to be told by peek), or the owner is dead and all is
 * read, or *stop != stop_value (stop may be NULL; who changes it wakes it with a shared FUTEX_WAKE), or for a
 * second nothing was told and no word is linked that would tell of a death: the caller looks, and sets
 * `gone`. Spins for about 2 µs, naps four times (200 µs to 1.6 ms), then sleeps. Returns enum
 * mv_log_wake_reason. */
int mv_log_wait(struct mv_log_reader *r, const uint32_t *stop, uint32_t stop_value);

/* "a record's header is damaged", … for a (positive or negative) enum mv_log_fault. */
const char *mv_log_fault_text(int fault);

/* ---- death ---------------------------------------------------------------------------------------- */

struct robust_list_head; /* <linux/futex.h> */

/* Links the words into the calling thread's robust list (`head` as get_robust_list(2) gives it), in glibc's
 * manner, so that glibc's own mutexes can be linked and unlinked around them; `tid` is the kernel's. The
 * words must stay mapped. -EINVAL: the list is not glibc's (futex_offset is not -32). Only the thread itself
 * may call this, or somebody while it stands still outside glibc. */
/* By the kernel, or by the keeper, which names the generation: a keeper that slept through its leader's
 * generation says nothing about the next one's owner of the same log. */
static inline int mv_death_told(const struct mv_log_header *header, uint32_t watcher) {
    const struct mv_death_word *death = &header->death[watcher];
    return (mv_load_acquire32(&death->word) & 0x40000000u /* FUTEX_OWNER_DIED */) != 0 ||
           mv_load_acquire32(&death->told) == (uint32_t)header->generation;
}

int mv_death_link(struct mv_death_word words[MV_WATCHERS], struct robust_list_head *head, uint32_t tid);

/* Takes them out again (before an exit that isn't a death) and stores 0. */
void mv_death_unlink(struct mv_death_word words[MV_WATCHERS]);

#endif
