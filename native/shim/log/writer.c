/* The producer's side: start, stop, and the slow parts of reserve and publish. */
#include "chunks.h"

#include "../sys.h"

#include <linux/mman.h>

#define FUTEX_WAKE_SHARED 1
#define HURRY_NAP_NS      100000
#define HURRY_TRIES       1000

static struct mv_log_cursor *cursor_of(void *base, uint32_t reader) {
    return (struct mv_log_cursor *)((uint8_t *)base + MV_CURSOR_OFFSET(reader));
}

/* Against a keeper that is in the middle of a step: it ends one when it sees `hurry`, after a chunk at most.
 */
static int lock_keeping(struct mv_log_writer *w) {
    mv_store_release32(&w->hurry, 1);
    int locked = mv_chunks_lock(w, &w->keeping, NULL);
    for (int i = 0; i < HURRY_TRIES && !locked; i++) {
        const int64_t nap[2] = {0, HURRY_NAP_NS};
        mv_sys2(__NR_nanosleep, (long)nap, 0);
        locked = mv_chunks_lock(w, &w->keeping, NULL);
    }
    mv_store_release32(&w->hurry, 0);
    return locked;
}

/* The first session in this process: nothing is known of what the span holds, so nothing may be left in it.
 */
static int adopt(struct mv_log_writer *w, void *accounts) {
    if (!accounts) {
        long mapped = mv_sys6(__NR_mmap, 0, MV_LOG_ACCOUNTS_SIZE, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (mv_is_error(mapped))
            return (int)mapped;
        accounts = (void *)mapped;
    }
    long error =
        mv_sys3(__NR_madvise, (long)(w->base + MV_LOG_DATA), MV_LOG_SPAN - MV_LOG_DATA, 9 /* MADV_REMOVE */);
    if (mv_is_error(error))
        return (int)error;
    w->accounts = accounts;
    w->top = 1;
    mv_store_relaxed64(&mv_log_header_of(w)->held, 0);
    w->started = 1;
    return 0;
}

/* A later session: what was in use is free again, and stays charged while it is resident. */
static void free_all(struct mv_log_writer *w) {
    for (uint32_t chunk = 1, top = mv_chunks_top(w); chunk < top; chunk++)
        if (mv_load_acquire8(&w->accounts->state[chunk]) == MV_CHUNK_USED)
            mv_store_release8(&w->accounts->state[chunk], MV_CHUNK_READY);
}

static void enter(struct mv_log_writer *w, uint32_t first, uint32_t count, uint64_t order) {
    for (uint32_t i = 0; i < count; i++)
        mv_store_relaxed64(&w->accounts->order[first + i], order);
    w->accounts->length[first] = count;
    w->current = first;
    w->position = (uint64_t)first * MV_LOG_CHUNK;
    w->end = w->position + (uint64_t)count * MV_LOG_CHUNK - sizeof(struct mv_event);

    struct mv_log_header *header = mv_log_header_of(w);
    uint64_t end = w->position + (uint64_t)count * MV_LOG_CHUNK;
    if (end > mv_load_relaxed64(&header->high)) {
        mv_store_release64(&header->high, end); /* before any `published` beyond the old one */
        if (end > MV_LOG_DATA + (uint64_t)MV_CHUNKS_FLOOR * MV_LOG_CHUNK)
            mv_store_release32(&w->grown, 1);
    }
}

static void write_header(struct mv_log_header *header, uint32_t version, uint32_t slot, uint64_t generation,
                         uint64_t start) {
    mv_store_release64(&header->magic, 0);
    mv_store_relaxed64(&header->published, start);
    mv_store_relaxed64(&header->sequence, 0);
    mv_store_relaxed64(&header->bytes, 0);
    mv_store_relaxed32(&header->intent.call, MV_INTENT_NONE);
    mv_store_relaxed64(&header->witness.sequence, ~0ull);
    header->abi = MV_ABI_VERSION;
    header->record_size = sizeof(struct mv_event);
    header->version = version;
    header->slot = slot;
    header->generation = generation;
    header->limit = MV_LOG_SPAN;
    header->start = start;
    header->unused = 0;
    mv_store_release64(&header->magic, MV_LOG_MAGIC);
    __asm__ volatile("" ::: "memory"); /* the check reads other types than were stored */
    mv_store_release64(&header->check, mv_log_header_check(header));
}

int mv_log_writer_start(struct mv_log_writer *w, void *base, uint32_t version, uint32_t slot,
                        uint64_t generation, struct mv_log_budget *budget, void *accounts,
                        struct mv_log_keeper *keeper) {
    if (version >= MV_VERSIONS || slot >= MV_MAX_THREADS || (uintptr_t)base % MV_PAGE ||
        (w->started && w->base != base))
        return -22; /* EINVAL */
    if (!lock_keeping(w))
        return -16; /* EBUSY */
    w->base = base;
    w->budget = budget;
    w->keeper = keeper;
    int error = w->started ? 0 : adopt(w, accounts);
    if (!error) {
        free_all(w);
        w->low = 1;
        w->posted_low = 1;
        w->collecting = 0;
        w->sequence = w->bytes = 0;
        for (uint32_t i = 0; i < MV_MAX_READERS; i++)
            mv_log_drop_reader(base, i);
        mv_store_relaxed32(&((struct mv_log_sleepers *)(w->base + MV_SLEEPERS_OFFSET))->bits, 0);
        mv_store_relaxed64(&mv_log_header_of(w)->high, 0);
        uint32_t first = mv_chunks_take(w, 1);
        if (first) {
            enter(w, first, 1, 1);
            w->head = w->tail = first;
            write_header(mv_log_header_of(w), version, slot, generation, w->position);
            mv_store_release32(&w->running, 1);
        } else {
            error = -12; /* ENOMEM: the budget has no room for one chunk */
        }
    }
    mv_store_release32(&w->keeping, 0);
    return error;
}

void mv_log_writer_stop(struct mv_log_writer *w) {
    mv_store_release32(&w->running, 0);
    if (!w->keeper) {
        mv_log_keep(w, NULL);
        return;
    }
    mv_chunks_call_keeper(w);
}

void mv_log_expect_reader(struct mv_log_writer *w, uint32_t reader, uint32_t owner_pid) {
    struct mv_log_cursor *cursor = cursor_of(w->base, reader);
    mv_store_relaxed64(&cursor->position, mv_load_relaxed64(&mv_log_header_of(w)->published));
    mv_store_relaxed64(&cursor->sequence, w->sequence);
    mv_store_relaxed64(&cursor->bytes, w->bytes);
    mv_store_relaxed32(&cursor->owner, owner_pid);
    mv_store_release32(&cursor->active, MV_CURSOR_ACTIVE);
}

static void write_jump(struct mv_log_writer *w, uint64_t at, uint64_t target) {
    struct mv_event *jump = (struct mv_event *)(w->base + at);
    mv_word *words = (mv_word *)jump;
    for (unsigned i = 0; i < sizeof *jump / 8; i++)
        words[i] = 0;
    jump->size = sizeof *jump;
    jump->call = MV_CALL_JUMP;
    jump->sequence = w->sequence;
    jump->args[0] = target;
    __asm__ volatile("" ::: "memory"); /* the check reads other types than were stored */
    jump->check = mv_event_check(jump);
}

/* `high` falls when the topmost chunks are free again. Readers stand below: they are in chunks that are in
 * use. */
static void lower_high(struct mv_log_writer *w) {
    uint32_t chunk = (uint32_t)(mv_load_relaxed64(&mv_log_header_of(w)->high) / MV_LOG_CHUNK);
    while (chunk > 1 && mv_load_acquire8(&w->accounts->state[chunk - 1]) != MV_CHUNK_USED)
        chunk--;
    mv_store_release64(&mv_log_header_of(w)->high, (uint64_t)chunk * MV_LOG_CHUNK);
}

/* An extent that was entered for a reservation which was then forgotten is left again: nothing in it was ever
 * visible, and the JUMP to it stands at `published`, where the next record or JUMP will overwrite it. */
static void forget_reservation(struct mv_log_writer *w, uint64_t published) {
    if (w->position == published) {
        w->tail = w->current;
        return;
    }
    mv_chunks_release(w, w->current);
    w->current = w->tail;
    w->position = published;
    w->end = ((uint64_t)w->tail + w->accounts->length[w->tail]) * MV_LOG_CHUNK - sizeof(struct mv_event);
}

int mv_log_extend(struct mv_log_writer *w, uint64_t size) {
    uint64_t published = mv_load_relaxed64(&mv_log_header_of(w)->published);
    uint64_t chunks = (size + sizeof(struct mv_event) + MV_LOG_CHUNK - 1) / MV_LOG_CHUNK;
    if (chunks > MV_LOG_CHUNKS || chunks * MV_LOG_CHUNK > w->budget->limit) {
        w->refusal = MV_LOG_TOO_BIG;
        return 0;
    }
    mv_fault(MV_FAULT_LOG_FULL);
    forget_reservation(w, published);
    if (mv_chunks_collect(w, NULL) < 0) {
        w->refusal = MV_LOG_CURSOR_LOST;
        return 0;
    }
    uint32_t first = mv_chunks_take(w, (uint32_t)chunks);
    if (!first) {
        w->refusal = MV_LOG_OVER_BUDGET;
        return 0;
    }
    mv_store_relaxed32(&w->accounts->next[w->tail], first);
    enter(w, first, (uint32_t)chunks, mv_load_relaxed64(&w->accounts->order[w->tail]) + 1);
    mv_fault(MV_FAULT_LOG_GROWN);
    lower_high(w);
    write_jump(w, published, w->position);
    mv_fault(MV_FAULT_LOG_JUMP);
    return 1;
}

void mv_log_wake(struct mv_log_writer *w) {
    struct mv_log_sleepers *sleepers = (struct mv_log_sleepers *)(w->base + MV_SLEEPERS_OFFSET);
    uint32_t *wake = &mv_log_header_of(w)->wake;
    mv_exchange32(&sleepers->bits, 0); /* so that the next publications don't wake again what is on its way */
    mv_store_release32(wake, mv_load_relaxed32(wake) + 1);
    mv_sys3(__NR_futex, (long)wake, FUTEX_WAKE_SHARED, MV_MAX_READERS);
}
