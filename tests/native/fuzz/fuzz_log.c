/* The log's reader on a log that somebody has written into: headers and records with and without checks that
 * agree, a cursor anywhere, memory that ends too early. The writer's last good state is restored after each
 * case. */
#include "../log/support.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { RECORDS = 48, CHANGES = 8 };

static struct bench_log written;
static uint8_t *seen; /* the same memory, between pages that nobody may touch */
static uint64_t offsets[RECORDS], end;
static uint8_t clean_front[MV_CURSOR_OFFSET(MV_MAX_READERS) + MV_PAGE];

static struct {
    uint64_t at;
    uint8_t bytes[sizeof(struct mv_event)];
} changed[CHANGES];
static int change_count;

static void start(void) {
    open_log(&written, 64 << 20, NULL);
    mv_log_expect_reader(&written.writer, 0, 1);
    for (int i = 0; i < RECORDS; i++) {
        uint32_t size = i % 9 == 8 ? 300000 : 8 * (uint32_t)i;
        const struct mv_event *event = put(&written, size, 64);
        if (!event)
            abort();
        offsets[i] = (uint64_t)((const uint8_t *)event - written.base);
    }
    end = ((const struct mv_log_header *)written.base)->high;
    memcpy(clean_front, written.base, sizeof clean_front);
    enum { GUARD = 1 << 20 };
    uint8_t *all =
        mmap(NULL, MV_LOG_SPAN + 2UL * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED || mmap(all + GUARD, MV_LOG_SPAN, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                                  written.fd, 0) == MAP_FAILED)
        abort();
    seen = all + GUARD;
}

static uint64_t any_word(struct rng *r) {
    const uint64_t meant[] = {offsets[rng_below(r, RECORDS)], end, MV_LOG_DATA,
                              MV_LOG_CHUNK * rng_below(r, 9), MV_LOG_SPAN};
    return rng_below(r, 2) ? meant[rng_below(r, 5)] : awkward_number(r, end);
}

static void damage_front(struct rng *r) {
    struct mv_log_header *header = (struct mv_log_header *)written.base;
    struct mv_log_cursor *cursor = (struct mv_log_cursor *)(written.base + MV_CURSOR_OFFSET(0));
    uint64_t word = any_word(r);
    switch (rng_below(r, 4)) {
    case 0:
        mutate(r, written.base, 64);
        break;
    case 1: { /* a word of what is written once, with the check of a writer in error */
        static const size_t fields[] = {offsetof(struct mv_log_header, limit),
                                        offsetof(struct mv_log_header, start),
                                        offsetof(struct mv_log_header, generation)};
        memcpy(written.base + fields[rng_below(r, 3)], &word, 8);
        header->check = mv_log_header_check(header);
        break;
    }
    case 2: {
        static const size_t fields[] = {offsetof(struct mv_log_header, published),
                                        offsetof(struct mv_log_header, high),
                                        offsetof(struct mv_log_header, sequence)};
        memcpy(written.base + fields[rng_below(r, 3)], &word, 8);
        break;
    }
    default:
        memcpy((uint8_t *)cursor + 8 * rng_below(r, 4), &word, 8);
    }
}

static void damage_record(struct rng *r) {
    uint64_t at = offsets[rng_below(r, RECORDS)];
    if (rng_below(r, 4) == 0) /* anywhere, payloads too: a cursor may lead there */
        at = MV_LOG_DATA + (rng_below(r, end - MV_LOG_DATA - sizeof(struct mv_event)) & ~7ULL);
    struct mv_event *event = (struct mv_event *)(written.base + at);
    changed[change_count].at = at;
    memcpy(changed[change_count++].bytes, event, sizeof *event);
    switch (rng_below(r, 5)) {
    case 0:
        mutate(r, (uint8_t *)event, sizeof *event);
        break;
    case 1:
        event->size = (uint32_t)any_word(r);
        break;
    case 2:
        event->in_size = (uint32_t)any_word(r);
        event->order_size = rng_below(r, 2) ? 0 : (uint32_t)any_word(r);
        event->out_size = (uint32_t)(event->size - sizeof *event - event->in_size - event->order_size);
        break;
    case 3:
        event->call = MV_CALL_JUMP;
        event->args[0] = any_word(r);
        event->size = sizeof *event;
        event->in_size = event->out_size = event->order_size = 0;
        break;
    default:
        event->sequence = any_word(r);
    }
    if (rng_below(r, 4))
        event->check = mv_event_check(event);
}

static void run(struct rng *r) {
    change_count = 0;
    for (uint64_t i = rng_below(r, CHANGES); i > 0; i--)
        damage_record(r);
    if (rng_below(r, 2))
        damage_front(r);
    uint64_t size = MV_LOG_SPAN;
    if (rng_below(r, 4) == 0)
        size = rng_below(r, 2) ? end : awkward_number(r, end) % (2 * end) & ~(uint64_t)(MV_PAGE - 1);
    if (size != MV_LOG_SPAN) /* what lies beyond can't be touched */
        mprotect(seen + size, MV_LOG_SPAN - size, PROT_NONE);

    struct mv_log_reader reader;
    const struct mv_event *event;
    int fault = size >= sizeof clean_front ? mv_log_reader_start(&reader, seen, size, 0, 3, 7, 0, 1)
                                           : -MV_LOG_TRUNCATED,
        result = fault;
    uint64_t count = 0, sum = 0;
    while (result == 0 && count < 4UL * RECORDS && (result = mv_log_peek(&reader, &event)) == 1) {
        const uint8_t *payload = (const uint8_t *)(event + 1);
        EXPECT((const uint8_t *)event >= seen + MV_LOG_DATA && event->size >= sizeof *event);
        EXPECT(sizeof *event + event->in_size + (uint64_t)event->out_size + event->order_size == event->size);
        if (event->size > sizeof *event) /* its ends: the pages between would only cost memory */
            sum += payload[0] + payload[event->size - sizeof *event - 1];
        mv_log_consume(&reader);
        count++;
        result = 0;
    }
    if (result < 0)
        EXPECT(mv_log_fault_text(result)[0] != 0);
    if (!fault && result < 0)
        EXPECT(mv_log_peek(&reader, &event) == result); /* and says so again */
    __asm__ volatile("" : : "r"(sum));

    if (size != MV_LOG_SPAN)
        mprotect(seen + size, MV_LOG_SPAN - size, PROT_READ | PROT_WRITE);
    while (change_count > 0) {
        change_count--;
        memcpy(written.base + changed[change_count].at, changed[change_count].bytes, sizeof(struct mv_event));
    }
    memcpy(written.base, clean_front, sizeof clean_front);
}

const struct fuzzer log_fuzzer = {"log", start, run};
