/* A damaged log is refused by name, and never followed out of the log. */
#include "support.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int try_start(struct bench_log *log, uint64_t size, uint32_t version, uint32_t slot,
                     uint64_t generation, uint32_t index) {
    struct mv_log_reader r;
    return mv_log_reader_start(&r, log->base, size, version, slot, generation, index, 1);
}

static void each_wrong_expectation_has_its_name(void) {
    struct bench_log log;
    open_log(&log, 4 << 20, NULL);
    CHECK_EQUAL(try_start(&log, MV_LOG_SPAN, 0, 3, 7, 0), 0);
    CHECK_EQUAL(try_start(&log, MV_LOG_SPAN, 1, 3, 7, 0), -MV_LOG_BAD_VERSION);
    CHECK_EQUAL(try_start(&log, MV_LOG_SPAN, 0, 4, 7, 0), -MV_LOG_BAD_SLOT);
    CHECK_EQUAL(try_start(&log, MV_LOG_SPAN, 0, 3, 8, 0), -MV_LOG_BAD_GENERATION);
    CHECK_EQUAL(try_start(&log, MV_LOG_SPAN, 0, 3, 7, MV_MAX_READERS), -MV_LOG_BAD_READER);
    CHECK_EQUAL(try_start(&log, 1 << 20, 0, 3, 7, 0), -MV_LOG_TRUNCATED);
    CHECK_EQUAL(try_start(&log, 100, 0, 3, 7, 0), -MV_LOG_TRUNCATED);
    struct mv_log_header *h = (struct mv_log_header *)log.base;
    h->magic++;
    CHECK_EQUAL(try_start(&log, MV_LOG_SPAN, 0, 3, 7, 0), -MV_LOG_BAD_MAGIC);
    h->magic--;
    h->abi++;
    CHECK_EQUAL(try_start(&log, MV_LOG_SPAN, 0, 3, 7, 0), -MV_LOG_BAD_ABI);
    h->abi--;
    h->record_size += 8;
    CHECK_EQUAL(try_start(&log, MV_LOG_SPAN, 0, 3, 7, 0), -MV_LOG_BAD_RECORD_SIZE);
    h->record_size -= 8;
    h->limit *= 2;
    h->check = mv_log_header_check(h);
    CHECK_EQUAL(try_start(&log, MV_LOG_SPAN, 0, 3, 7, 0), -MV_LOG_BAD_LIMIT);
    h->limit /= 2;
    h->start += 4;
    h->check = mv_log_header_check(h);
    CHECK_EQUAL(try_start(&log, MV_LOG_SPAN, 0, 3, 7, 0), -MV_LOG_BAD_START);
}

static void every_flipped_byte_of_the_log_header_is_found(void) {
    struct bench_log log;
    open_log(&log, 4 << 20, NULL);
    for (unsigned byte = 0; byte < 64; byte++)
        for (unsigned bits = 1; bits < 256; bits++) {
            log.base[byte] ^= (uint8_t)bits;
            CHECK(try_start(&log, MV_LOG_SPAN, 0, 3, 7, 0) < 0);
            log.base[byte] ^= (uint8_t)bits;
        }
    CHECK_EQUAL(try_start(&log, MV_LOG_SPAN, 0, 3, 7, 0), 0);
}

/* The part that changes all the time has no check; but whatever stands there, no reader leaves the log. */
static void no_value_of_the_changing_fields_leads_out_of_the_log(void) {
    struct bench_log log;
    open_log(&log, 4 << 20, NULL);
    mv_log_expect_reader(&log.writer, 0, 1);
    for (int i = 0; i < 20; i++)
        CHECK(put(&log, 64, 8));
    uint8_t saved[512 - 64], cursor[32];
    memcpy(saved, log.base + 64, sizeof saved);
    memcpy(cursor, log.base + MV_CURSOR_OFFSET(0), sizeof cursor);
    for (unsigned byte = 64; byte < 512; byte++)
        for (unsigned bits = 1; bits < 256; bits++) {
            log.base[byte] ^= (uint8_t)bits;
            struct mv_log_reader r;
            int fault = start_reader(&log, &r, 0), count = 0;
            const struct mv_event *event;
            while (!fault && count <= 20 && mv_log_peek(&r, &event) == 1) {
                mv_log_consume(&r);
                count++;
            }
            CHECK(count <= 20);
            munmap((void *)r.base, MV_LOG_SPAN);
            memcpy(log.base + 64, saved, sizeof saved);
            memcpy(log.base + MV_CURSOR_OFFSET(0), cursor, sizeof cursor);
        }
}

static void every_flipped_byte_of_a_record_header_is_found(void) {
    struct bench_log log;
    open_log(&log, 4 << 20, NULL);
    mv_log_expect_reader(&log.writer, 0, 1);
    uint8_t *event = (uint8_t *)put(&log, 24, 40);
    const struct mv_event *found;
    struct mv_log_reader r;
    CHECK_EQUAL(start_reader(&log, &r, 0), 0);
    for (unsigned byte = 0; byte < sizeof(struct mv_event); byte++)
        for (unsigned bits = 1; bits < 256; bits++) {
            event[byte] ^= (uint8_t)bits;
            CHECK_EQUAL(mv_log_peek(&r, &found), -MV_LOG_BAD_CHECK);
            CHECK_EQUAL(mv_log_peek(&r, &found), -MV_LOG_BAD_CHECK);
            event[byte] ^= (uint8_t)bits;
        }
    CHECK_EQUAL(mv_log_peek(&r, &found), 1);
}

static struct mv_event *only_record(struct bench_log *log, struct mv_log_reader *r) {
    open_log(log, 4 << 20, NULL);
    mv_log_expect_reader(&log->writer, 0, 1);
    struct mv_event *event = put(log, 24, 40);
    CHECK_EQUAL(start_reader(log, r, 0), 0);
    return event;
}

/* What a correct check vouches for may still be wrong: a writer with an error, not a damaged memory. */
static void a_wrong_record_with_a_right_check_has_its_name(void) {
    struct bench_log log;
    struct mv_log_reader r;
    const struct mv_event *found;
    struct mv_event *event = only_record(&log, &r);
    const struct mv_event good = *event;
#define EXPECT(change, fault)                                                                                \
    do {                                                                                                     \
        *event = good;                                                                                       \
        change;                                                                                              \
        event->check = mv_event_check(event);                                                                \
        CHECK_EQUAL(mv_log_peek(&r, &found), -(fault));                                                      \
    } while (0)
    EXPECT(event->size = 0, MV_LOG_BAD_SIZE);
    EXPECT(event->size = 96, MV_LOG_BAD_SIZE);
    EXPECT(event->size = 0xfffffff8, MV_LOG_BAD_SIZE);
    EXPECT(event->size += 4, MV_LOG_BAD_SIZE);
    EXPECT(event->in_size += 8, MV_LOG_BAD_PAYLOAD);
    EXPECT(event->in_size += 4; event->out_size -= 4, MV_LOG_BAD_PAYLOAD);
    EXPECT(event->in_size = 0xfffffff8; event->out_size = 72, MV_LOG_BAD_PAYLOAD);
    EXPECT(event->order_size = 1, MV_LOG_BAD_PAYLOAD);
    EXPECT(event->sequence = 1, MV_LOG_BAD_SEQUENCE);
    EXPECT(event->call = MV_CALL_JUMP, MV_LOG_BAD_JUMP); /* one with payload */
    *event = good;
    CHECK_EQUAL(mv_log_peek(&r, &found), 1);
    struct mv_log_header *h = (struct mv_log_header *)log.base;
    mv_log_consume(&r);
    h->published -= 8;
    CHECK_EQUAL(mv_log_peek(&r, &found), -MV_LOG_BACKWARDS);
    h->published = MV_LOG_SPAN;
    CHECK_EQUAL(mv_log_peek(&r, &found), -MV_LOG_BAD_PUBLISHED);
    h->high = MV_LOG_SPAN + MV_LOG_CHUNK;
    CHECK_EQUAL(mv_log_peek(&r, &found), -MV_LOG_BAD_HIGH);
}

static void a_jump_to_anywhere_but_a_chunk_is_refused(void) {
    struct bench_log log;
    struct mv_log_reader r;
    const struct mv_event *found;
    open_log(&log, 4 << 20, NULL);
    mv_log_expect_reader(&log.writer, 0, 1);
    CHECK(put(&log, 200 << 10, 0));
    struct mv_event *jump = (struct mv_event *)(log.base + log.writer.position);
    CHECK(put(&log, 200 << 10, 0)); /* in the next chunk */
    CHECK_EQUAL(jump->call, MV_CALL_JUMP);
    CHECK_EQUAL(start_reader(&log, &r, 0), 0);
    CHECK_EQUAL(mv_log_peek(&r, &found), 1);
    mv_log_consume(&r);
    const uint64_t good = jump->args[0];
    const uint64_t wrong[] = {0, 8, good + 8, MV_LOG_DATA - 8, MV_LOG_SPAN, ~0ull, good + MV_LOG_CHUNK};
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        jump->args[0] = wrong[i];
        jump->check = mv_event_check(jump);
        CHECK(mv_log_peek(&r, &found) < 0);
    }
    jump->args[0] = good;
    jump->check = mv_event_check(jump);
    struct mv_event *target = (struct mv_event *)(log.base + good), saved = *target;
    *target = *jump; /* a jump to a jump: could go on for ever */
    target->args[0] = MV_LOG_DATA;
    target->check = mv_event_check(target);
    CHECK_EQUAL(mv_log_peek(&r, &found), -MV_LOG_BAD_JUMP);
    *target = saved;
    CHECK_EQUAL(mv_log_peek(&r, &found), 1);
    CHECK_EQUAL(found->sequence, 1);
}

/* Not even the writer trusts what a reader wrote. */
static void a_damaged_cursor_ends_its_reader_and_not_the_writer(void) {
    struct bench_log log;
    open_log(&log, 4 << 20, NULL);
    struct mv_log_cursor *cursor = (struct mv_log_cursor *)(log.base + MV_CURSOR_OFFSET(2));
    const uint64_t wrong[] = {0, MV_LOG_SPAN, ~0ull, 100ull * MV_LOG_CHUNK};
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        mv_log_expect_reader(&log.writer, 2, 1);
        cursor->position = wrong[i];
        while (put(&log, 8192, 0))
            ;
        CHECK_EQUAL(log.writer.refusal, MV_LOG_CURSOR_LOST);
        CHECK_EQUAL(log.writer.lost_reader, 2);
        mv_log_drop_reader(log.base, 2);
        CHECK(put(&log, 8192, 0));
    }
}

/* `limit` is how far the memory may reach: what `high` says beyond it may not be there. */
static void offsets_that_wrap_around_or_lie_beyond_the_limit_lead_nowhere(void) {
    struct bench_log log;
    struct mv_log_reader r;
    open_log(&log, 4 << 20, NULL);
    mv_log_expect_reader(&log.writer, 0, 1);
    CHECK(put(&log, 24, 40));
    struct mv_log_cursor *cursor = (struct mv_log_cursor *)(log.base + MV_CURSOR_OFFSET(0));
    struct mv_log_header *header = (struct mv_log_header *)log.base;
    for (uint64_t at = 0 - (uint64_t)sizeof(struct mv_event); at != 0; at += 8) {
        cursor->position = at;
        CHECK_EQUAL(start_reader(&log, &r, 0), -MV_LOG_BAD_CURSOR);
        munmap((void *)r.base, MV_LOG_SPAN);
    }
    cursor->position = MV_LOG_DATA;
    header->limit = 2ULL * MV_LOG_CHUNK;
    header->check = mv_log_header_check(header);
    CHECK_EQUAL(start_reader(&log, &r, 0), 0);
    header->high = 3ULL * MV_LOG_CHUNK;
    CHECK_EQUAL(start_reader(&log, &r, 0), -MV_LOG_BAD_HIGH);
}

const struct test refusal_tests[] = {
    {"each_wrong_expectation_has_its_name", each_wrong_expectation_has_its_name},
    {"every_flipped_byte_of_the_log_header_is_found", every_flipped_byte_of_the_log_header_is_found},
    {"no_value_of_the_changing_fields_leads_out_of_the_log",
     no_value_of_the_changing_fields_leads_out_of_the_log},
    {"every_flipped_byte_of_a_record_header_is_found", every_flipped_byte_of_a_record_header_is_found},
    {"a_wrong_record_with_a_right_check_has_its_name", a_wrong_record_with_a_right_check_has_its_name},
    {"a_jump_to_anywhere_but_a_chunk_is_refused", a_jump_to_anywhere_but_a_chunk_is_refused},
    {"a_damaged_cursor_ends_its_reader_and_not_the_writer",
     a_damaged_cursor_ends_its_reader_and_not_the_writer},
    {"offsets_that_wrap_around_or_lie_beyond_the_limit_lead_nowhere",
     offsets_that_wrap_around_or_lie_beyond_the_limit_lead_nowhere},
    {0, 0},
};
