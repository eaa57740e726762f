/* The consumer's side. The log may be damaged in any way: every offset is checked before it is used. */
#include "log.h"

#define RECORD ((uint64_t)sizeof(struct mv_event))

static int check_header(const struct mv_log_header *h, uint64_t size, uint32_t version, uint32_t slot,
                        uint64_t generation) {
    if (mv_load_acquire64(&h->magic) != MV_LOG_MAGIC)
        return -MV_LOG_BAD_MAGIC;
    if (h->abi != MV_ABI_VERSION)
        return -MV_LOG_BAD_ABI;
    if (h->record_size != RECORD)
        return -MV_LOG_BAD_RECORD_SIZE;
    if (h->version != version)
        return -MV_LOG_BAD_VERSION;
    if (h->slot != slot)
        return -MV_LOG_BAD_SLOT;
    if (h->generation != generation)
        return -MV_LOG_BAD_GENERATION;
    if (h->check != mv_log_header_check(h))
        return -MV_LOG_BAD_HEADER;
    if (h->limit < 2ull * MV_LOG_CHUNK || h->limit > MV_LOG_SPAN || h->limit % MV_LOG_CHUNK)
        return -MV_LOG_BAD_LIMIT;
    if (h->start < MV_LOG_DATA || h->start >= h->limit || h->start % 8)
        return -MV_LOG_BAD_START;
    return h->limit > size ? -MV_LOG_TRUNCATED : 0;
}

/* Takes in how far the writer is. Order: what is read after `published` is at least as new as it. */
static int look(struct mv_log_reader *r) {
    uint64_t published = mv_load_acquire64(&r->header->published);
    uint64_t high = mv_load_relaxed64(&r->header->high);
    uint64_t sequence = mv_load_relaxed64(&r->header->sequence);
    if (high > r->limit || high <= MV_LOG_DATA || high % MV_LOG_CHUNK)
        return -MV_LOG_BAD_HIGH;
    if (published < MV_LOG_DATA || published > high || published % 8)
        return -MV_LOG_BAD_PUBLISHED;
    if (!r->joining && sequence < r->sequence + (published != r->position))
        return -MV_LOG_BACKWARDS;
    r->published = published;
    r->high = high;
    return 0;
}

static int check_offset(const struct mv_log_reader *r, uint64_t offset) {
    return offset >= MV_LOG_DATA && offset % 8 == 0 && offset <= r->high - RECORD;
}

/* A record whose header lies inside the log: is it whole, and the one that is due? */
static int check_record(struct mv_log_reader *r, uint64_t at) {
    const struct mv_event *event = (const struct mv_event *)(r->base + at);
    if (event->check != mv_event_check(event))
        return -MV_LOG_BAD_CHECK;
    uint32_t size = event->size, in = event->in_size, out = event->out_size, order = event->order_size;
    if (size < RECORD || size % 8 || size > r->high - at)
        return -MV_LOG_BAD_SIZE;
    if (in % 8 || out % 8 || order % 8 || order > MV_ORDER_ROOM ||
        RECORD + in + (uint64_t)out + order != size)
        return -MV_LOG_BAD_PAYLOAD;
    if (r->joining) {
        /* `sequence` was loaded beside `published`: the writer may have been between its two stores. */
        if (event->sequence != r->sequence && event->sequence + 1 != r->sequence)
            return -MV_LOG_BAD_SEQUENCE;
    } else if (event->sequence != r->sequence) {
        return -MV_LOG_BAD_SEQUENCE;
    }
    return 0;
}

static int follow_jump(struct mv_log_reader *r, const struct mv_event *jump) {
    uint64_t target = jump->args[0];
    if (jump->size != RECORD || target % MV_LOG_CHUNK || !check_offset(r, target) || target == r->position)
        return -MV_LOG_BAD_JUMP;
    r->position = target;
    int fault = check_record(r, target);
    if (fault)
        return fault;
    return ((const struct mv_event *)(r->base + target))->call == MV_CALL_JUMP ? -MV_LOG_BAD_JUMP : 0;
}

int mv_log_peek(struct mv_log_reader *r, const struct mv_event **event) {
    if (r->position == r->published) {
        int fault = look(r);
        if (fault)
            return fault;
        if (r->position == r->published)
            return 0;
    }
    if (!check_offset(r, r->position))
        return -MV_LOG_BAD_OFFSET;
    int fault = check_record(r, r->position);
    const struct mv_event *found = (const struct mv_event *)(r->base + r->position);
    if (!fault && found->call == MV_CALL_JUMP) {
        uint64_t before = r->position;
        fault = follow_jump(r, found);
        if (fault)
            r->position = before; /* so that the next call says the same */
        found = (const struct mv_event *)(r->base + r->position);
    }
    if (fault)
        return fault;
    r->joining = 0;
    r->sequence = found->sequence;
    r->size = found->size;
    *event = found;
    return 1;
}

void mv_log_consume(struct mv_log_reader *r) {
    mv_log_pass(r);
    mv_store_relaxed64(&r->cursor->sequence, r->sequence);
    mv_store_relaxed64(&r->cursor->bytes, r->bytes);
    mv_store_release64(&r->cursor->position, r->position); /* all loads from the record are done */
}

/* A cursor on a running log: the protocol with mv_chunks_collect(), see there. */
static int join(struct mv_log_reader *r) {
    const struct mv_log_header *h = r->header;
    r->joining = 1;
    mv_store_release32(&r->cursor->active, MV_CURSOR_UNUSED);
    for (;;) {
        int fault = look(r);
        if (fault)
            return fault;
        r->position = r->published;
        r->sequence = mv_load_acquire64(&h->sequence);
        r->bytes = mv_load_relaxed64(&h->bytes);
        mv_store_relaxed64(&r->cursor->sequence, r->sequence);
        mv_store_relaxed64(&r->cursor->bytes, r->bytes);
        mv_store_relaxed64(&r->cursor->position, r->position);
        mv_store_release32(&r->cursor->active, MV_CURSOR_JOINING);
        mv_fence_full();
        if (mv_load_acquire64(&h->published) == r->position && mv_load_acquire64(&h->sequence) == r->sequence)
            break; /* the sequence too: it might be the same place a lap later */
        mv_store_release32(&r->cursor->active, MV_CURSOR_UNUSED);
    }
    mv_store_release32(&r->cursor->active, MV_CURSOR_ACTIVE);
    return 0;
}

static int start(struct mv_log_reader *r, void *base, uint64_t size, uint32_t version, uint32_t slot,
                 uint64_t generation, uint32_t index, uint32_t owner_pid, int expected) {
    if (index >= MV_MAX_READERS)
        return -MV_LOG_BAD_READER;
    if (size < MV_LOG_DATA)
        return -MV_LOG_TRUNCATED;
    r->base = base;
    r->header = base;
    r->cursor = (struct mv_log_cursor *)((uint8_t *)base + MV_CURSOR_OFFSET(index));
    r->sleepers = (struct mv_log_sleepers *)((uint8_t *)base + MV_SLEEPERS_OFFSET);
    r->index = index;
    r->size = 0;
    r->joining = 0;
    r->gone = 0;
    int fault = check_header(r->header, size, version, slot, generation);
    if (fault)
        return fault;
    r->limit = r->header->limit;
    if (r->limit > size) /* once more, of the number that counts from here on */
        return -MV_LOG_TRUNCATED;
    mv_store_relaxed32(&r->cursor->owner, owner_pid);
    if (mv_load_acquire32(&r->cursor->active) != MV_CURSOR_ACTIVE)
        return expected ? MV_LOG_NOT_KEPT : join(r);
    r->position = r->cursor->position;
    r->sequence = r->cursor->sequence;
    r->bytes = r->cursor->bytes;
    r->published = r->position; /* look at the first peek */
    fault = look(r);
    if (!fault && !check_offset(r, r->position))
        fault = -MV_LOG_BAD_CURSOR;
    return fault;
}

int mv_log_reader_start(struct mv_log_reader *r, void *base, uint64_t size, uint32_t version, uint32_t slot,
                        uint64_t generation, uint32_t index, uint32_t owner_pid) {
    return start(r, base, size, version, slot, generation, index, owner_pid, 0);
}

int mv_log_reader_go_on(struct mv_log_reader *r, void *base, uint64_t size, uint32_t version, uint32_t slot,
                        uint64_t generation, uint32_t index, uint32_t owner_pid) {
    return start(r, base, size, version, slot, generation, index, owner_pid, 1);
}

void mv_log_reader_stop(struct mv_log_reader *r) {
    mv_and32(&r->sleepers->bits, ~(1u << r->index));
    mv_store_release32(&r->cursor->active, MV_CURSOR_UNUSED);
}

const char *mv_log_fault_text(int fault) {
    switch (fault < 0 ? -fault : fault) {
    case MV_LOG_BAD_MAGIC:
        return "this is no event log (magic number)";
    case MV_LOG_BAD_ABI:
        return "the log has another ABI version";
    case MV_LOG_BAD_RECORD_SIZE:
        return "the log has records of another layout";
    case MV_LOG_BAD_HEADER:
        return "the log's header is damaged (check)";
    case MV_LOG_BAD_VERSION:
        return "the log belongs to the other version";
    case MV_LOG_BAD_SLOT:
        return "the log belongs to another thread";
    case MV_LOG_BAD_GENERATION:
        return "the log belongs to another publishing session";
    case MV_LOG_BAD_LIMIT:
        return "the log's limit is impossible";
    case MV_LOG_BAD_START:
        return "the log's start is impossible";
    case MV_LOG_TRUNCATED:
        return "the log's memory is shorter than its header says";
    case MV_LOG_BAD_CURSOR:
        return "a reader's cursor stands where no record can";
    case MV_LOG_BAD_READER:
        return "no such reader";
    case MV_LOG_BAD_PUBLISHED:
        return "the published offset is impossible";
    case MV_LOG_BAD_HIGH:
        return "the upper end of the chunks in use is impossible";
    case MV_LOG_BACKWARDS:
        return "the published offset went backwards";
    case MV_LOG_BAD_OFFSET:
        return "a record's offset is impossible";
    case MV_LOG_BAD_CHECK:
        return "a record's header is damaged (check)";
    case MV_LOG_BAD_SIZE:
        return "a record's size is impossible";
    case MV_LOG_BAD_PAYLOAD:
        return "a record's payload sizes are impossible";
    case MV_LOG_BAD_SEQUENCE:
        return "another record stands where the next one should (sequence number)";
    case MV_LOG_BAD_JUMP:
        return "a jump to where no record stands";
    default:
        return "no fault";
    }
}
