/* The log's memory: small while readers keep up, bounded when they don't, given back afterwards. */
#include "support.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB (1ull << 20)

static void consume_all(struct mv_log_reader *r) {
    const struct mv_event *event;
    while (mv_log_peek(r, &event) == 1)
        mv_log_consume(r);
}

static void a_reader_that_keeps_up_holds_the_log_below_1_mib(void) {
    struct bench_log log;
    struct mv_log_reader r;
    struct mv_log_keeper keeper = {.number = 2, .lives = 1};
    open_log(&log, 256 * MIB, &keeper);
    CHECK_EQUAL(start_reader(&log, &r, 0), 0);
    for (int i = 0; i < 300000; i++) {
        CHECK(put(&log, 1024, 64));
        consume_all(&r);
        if (i % 1000 == 0)
            CHECK_EQUAL(mv_log_keep(&log.writer, NULL), -1);
    }
    CHECK(log.writer.bytes > 300u * MIB);
    CHECK(held_bytes(log.fd) <= MIB);
    CHECK(((struct mv_log_header *)log.base)->high <= MIB);
    CHECK_EQUAL(keeper.word, 0); /* the keeper was never woken */
}

static void a_lag_grows_the_log_and_the_memory_comes_back_when_it_is_read(void) {
    struct bench_log log;
    struct mv_log_reader r;
    struct mv_log_keeper keeper = {.number = 2, .lives = 1};
    open_log(&log, 256 * MIB, &keeper);
    CHECK_EQUAL(start_reader(&log, &r, 0), 0);
    for (int i = 0; i < 64 * 1024; i++)
        CHECK(put(&log, 1024, 0));
    CHECK_EQUAL(keeper.word, 1); /* growth wakes the keeper */
    CHECK(held_bytes(log.fd) > 64u * MIB);
    CHECK(log.budget.held > 64u * MIB);
    consume_all(&r);
    /* The writer is idle: the keeper frees and punches by itself. */
    for (int i = 0; i < 100 && mv_log_keep(&log.writer, NULL) >= 0; i++)
        ;
    CHECK(held_bytes(log.fd) <= MIB);
    CHECK(log.budget.held <= MIB);
    for (int i = 0; i < 5000; i++) { /* and the log goes on, from the bottom again */
        CHECK(put(&log, 1024, 0));
        consume_all(&r);
    }
    mv_log_keep(&log.writer, NULL);
    CHECK(held_bytes(log.fd) <= MIB);
    CHECK(((struct mv_log_header *)log.base)->high <= MIB);
}

/* The keeper's last look at a log finds the reader in any of its chunks. */
static void an_idle_log_is_cut_back_to_the_floor_wherever_the_reader_was(void) {
    const uint64_t floor = 3ull * MV_LOG_CHUNK;
    for (uint32_t behind = 0; behind <= 5; behind++) {
        struct bench_log log;
        struct mv_log_reader r;
        struct mv_log_keeper keeper = {.number = 2, .lives = 1};
        open_log(&log, 256 * MIB, &keeper);
        CHECK_EQUAL(start_reader(&log, &r, 0), 0);
        for (int i = 0; i < 8 * 1024; i++)
            CHECK(put(&log, 1024, 0));
        CHECK(log.budget.held > floor);
        const struct mv_event *event;
        while (mv_log_header_of(&log.writer)->bytes - r.bytes > (uint64_t)behind * MV_LOG_CHUNK &&
               mv_log_peek(&r, &event) == 1)
            mv_log_consume(&r);
        int due = 0;
        for (int i = 0; i < 100 && due >= 0; i++)
            due = mv_log_keep(&log.writer, NULL);
        consume_all(&r);
        for (int i = 0; i < 100 && due >= 0; i++) /* only as it asked for: nobody wakes it */
            due = mv_log_keep(&log.writer, NULL);
        CHECK(log.budget.held <= floor);
        CHECK(held_bytes(log.fd) <= floor + MV_LOG_CHUNK / 2);
    }
}

static void a_full_budget_refuses_and_leaves_the_log_whole(void) {
    struct bench_log log;
    struct mv_log_reader r;
    open_log(&log, 2 * MIB, NULL);
    CHECK_EQUAL(start_reader(&log, &r, 1), 0);
    uint64_t published = 0;
    while (put(&log, 4096, 0))
        published++;
    CHECK_EQUAL(log.writer.refusal, MV_LOG_OVER_BUDGET);
    CHECK(log.budget.held <= 2 * MIB);
    CHECK(published * 4200 > 2 * MIB - 2ULL * MV_LOG_CHUNK);
    CHECK(!put(&log, 4096, 0));
    const struct mv_event *event;
    for (uint64_t i = 0; i < published; i++) {
        CHECK_EQUAL(mv_log_peek(&r, &event), 1);
        CHECK_EQUAL(event->sequence, i);
        mv_log_consume(&r);
    }
    CHECK_EQUAL(mv_log_peek(&r, &event), 0);
    CHECK(put(&log, 4096, 0)); /* room again */
    CHECK_EQUAL(mv_log_peek(&r, &event), 1);
    CHECK_EQUAL(event->sequence, published);
}

static void a_dropped_reader_no_longer_holds_anything(void) {
    struct bench_log log;
    struct mv_log_reader r;
    open_log(&log, 2 * MIB, NULL);
    CHECK_EQUAL(start_reader(&log, &r, 1), 0);
    while (put(&log, 4096, 0))
        ;
    mv_log_drop_reader(log.base, 1);
    for (int i = 0; i < 5000; i++)
        CHECK(put(&log, 4096, 0));
}

static void a_record_may_be_larger_than_a_chunk_and_not_larger_than_the_budget(void) {
    struct bench_log log;
    struct mv_log_reader r;
    open_log(&log, 8 * MIB, NULL);
    CHECK_EQUAL(start_reader(&log, &r, 0), 0);
    for (int i = 0; i < 40; i++) {
        CHECK(put(&log, 3 * MIB, 8));
        CHECK(put(&log, 64, 8));
        const struct mv_event *event;
        for (int j = 0; j < 2; j++) {
            CHECK_EQUAL(mv_log_peek(&r, &event), 1);
            CHECK(record_as_planned(event, 1, event->sequence, (struct plan){j ? 64 : 3 * MIB, 8, 1}));
            mv_log_consume(&r);
        }
    }
    CHECK(!mv_log_reserve(&log.writer, 8 * MIB, 0));
    CHECK_EQUAL(log.writer.refusal, MV_LOG_TOO_BIG);
    CHECK(!mv_log_reserve(&log.writer, 0xfffffff8u, 0xfffffff8u));
    CHECK_EQUAL(log.writer.refusal, MV_LOG_TOO_BIG);
    CHECK(put(&log, 64, 0));
}

static void forgotten_reservations_hold_nothing(void) {
    struct bench_log log;
    open_log(&log, 8 * MIB, NULL);
    mv_log_expect_reader(&log.writer, 0, 1);
    CHECK(put(&log, 64, 0));
    for (uint32_t halves = 1; halves < 14; halves++) /* each needs a new extent */
        CHECK(mv_log_reserve(&log.writer, halves * (MIB / 2), 0));
    CHECK(!mv_log_reserve(&log.writer, 31 * (MIB / 4), 0)); /* with the chunk in use, too much */
    CHECK_EQUAL(log.writer.refusal, MV_LOG_OVER_BUDGET);
    CHECK(put(&log, 64, 0));
    struct mv_log_reader r;
    const struct mv_event *event;
    CHECK_EQUAL(start_reader(&log, &r, 0), 0);
    for (uint64_t i = 0; i < 2; i++) {
        CHECK_EQUAL(mv_log_peek(&r, &event), 1);
        CHECK(record_as_planned(event, 1, i, (struct plan){64, 0, 1}));
        mv_log_consume(&r);
    }
}

static void the_budget_is_shared_by_all_logs_of_a_version(void) {
    struct bench_log one, other;
    open_log(&one, 4 * MIB, NULL);
    open_log(&other, 4 * MIB, NULL);
    mv_log_writer_stop(&other.writer);
    CHECK_EQUAL(mv_log_writer_start(&other.writer, other.base, 0, 4, 7, &one.budget, NULL, NULL), 0);
    mv_log_expect_reader(&one.writer, 0, 1);
    mv_log_expect_reader(&other.writer, 0, 1);
    while (put(&one, 4096, 0))
        ;
    CHECK_EQUAL(one.writer.refusal, MV_LOG_OVER_BUDGET);
    while (put(&other, 4096, 0))
        ;
    CHECK(other.writer.bytes <= MV_LOG_CHUNK);
    CHECK(one.budget.held <= 4 * MIB);
    mv_log_writer_stop(&one.writer); /* gives back */
    CHECK(put(&other, 4096, 0));
}

static void a_later_session_starts_over_with_nothing_left(void) {
    struct bench_log log;
    struct mv_log_reader r;
    open_log(&log, 16 * MIB, NULL);
    for (uint64_t generation = 8; generation < 12; generation++) {
        mv_log_expect_reader(&log.writer, 0, 1);
        while (put(&log, 64 << 10, 0))
            ;
        mv_log_writer_stop(&log.writer);
        CHECK_EQUAL(log.budget.held, 0);
        CHECK(held_bytes(log.fd) < MV_LOG_CHUNK);
        CHECK_EQUAL(mv_log_writer_start(&log.writer, log.base, 0, 3, generation, &log.budget, NULL, NULL), 0);
        CHECK_EQUAL(start_reader(&log, &r, 0), -MV_LOG_BAD_GENERATION);
        CHECK_EQUAL(mv_log_reader_start(&r, log.base, MV_LOG_SPAN, 0, 3, generation, 0, 1), 0);
        CHECK(put(&log, 64, 0));
        const struct mv_event *event;
        CHECK_EQUAL(mv_log_peek(&r, &event), 1);
        CHECK_EQUAL(event->sequence, 0);
        mv_log_reader_stop(&r);
    }
}

/* A keeper killed in the middle of anything: what it held is free. */
static void a_lost_keeper_stops_nobody(void) {
    struct bench_log log;
    struct mv_log_reader r;
    struct mv_log_keeper keeper = {.number = 2, .lives = 1};
    open_log(&log, 64 * MIB, &keeper);
    CHECK_EQUAL(start_reader(&log, &r, 0), 0);
    log.writer.collecting = log.writer.keeping = 2; /* in the middle of both */
    for (int i = 0; i < 8000; i++) {
        CHECK(put(&log, 1024, 0));
        consume_all(&r);
    }
    CHECK(log.budget.held > 4 * MIB);
    CHECK_EQUAL(mv_log_keep(&log.writer, NULL), -1);
    keeper.lives = 0; /* as the kernel leaves it */
    for (int i = 0; i < 1000; i++) {
        CHECK(put(&log, 1024, 0));
        consume_all(&r);
    }
    while (mv_log_keep(&log.writer, NULL) >= 0)
        ;
    CHECK(held_bytes(log.fd) <= MIB);
}

/* Its successor lives, and has the same word. */
static void what_a_keeper_of_before_held_is_free(void) {
    struct bench_log log;
    struct mv_log_keeper keeper = {.number = 3, .lives = 1};
    open_log(&log, 64 * MIB, &keeper);
    log.writer.collecting = log.writer.keeping = 2;
    CHECK_EQUAL(mv_log_keep(&log.writer, &keeper), -1);
    CHECK_EQUAL(log.writer.collecting, 0);
    CHECK_EQUAL(log.writer.keeping, 0);
}

static void nobody_takes_what_a_living_keeper_holds(void) {
    struct bench_log log;
    struct mv_log_keeper keeper = {.number = 2, .lives = 1};
    open_log(&log, 64 * MIB, &keeper);
    log.writer.keeping = 2;
    CHECK_EQUAL(mv_log_writer_start(&log.writer, log.base, 0, 3, 8, &log.budget, NULL, &keeper), -EBUSY);
    CHECK_EQUAL(log.writer.keeping, 2);
    keeper.lives = 0;
    CHECK_EQUAL(mv_log_writer_start(&log.writer, log.base, 0, 3, 8, &log.budget, NULL, &keeper), 0);
}

static void *keep_on(void *argument) {
    struct bench_log *log = argument;
    for (;;)
        mv_log_keep(&log->writer, NULL);
    return NULL;
}

static void a_restart_does_not_wait_for_the_keeper_to_clear_up(void) {
    struct bench_log log;
    struct mv_log_keeper keeper = {.number = 2, .lives = 1};
    open_log(&log, 512 * MIB, &keeper);
    for (uint64_t generation = 10; generation < 16; generation++) {
        mv_log_expect_reader(&log.writer, 0, 1);
        for (int i = 0; i < 2000; i++)
            CHECK(put(&log, 64 << 10, 0));
        pthread_t other;
        if (generation == 10)
            CHECK(pthread_create(&other, NULL, keep_on, &log) == 0);
        mv_log_writer_stop(&log.writer);
        CHECK_EQUAL(mv_log_writer_start(&log.writer, log.base, 0, 3, generation, &log.budget, NULL, &keeper),
                    0);
        struct mv_log_reader r;
        const struct mv_event *event;
        CHECK_EQUAL(mv_log_reader_start(&r, log.base, MV_LOG_SPAN, 0, 3, generation, 0, 1), 0);
        for (uint64_t i = 0; i < 500; i++) {
            CHECK(put(&log, 4096, 8));
            CHECK_EQUAL(mv_log_peek(&r, &event), 1);
            CHECK(record_as_planned(event, 1, i, (struct plan){4096, 8, 1}));
            mv_log_consume(&r);
        }
        mv_log_reader_stop(&r);
    }
}

static void impossible_starts_are_refused(void) {
    static struct mv_log_writer w;
    struct bench_log log;
    open_log(&log, MIB, NULL);
    CHECK_EQUAL(mv_log_writer_start(&w, log.base, MV_VERSIONS, 0, 1, &log.budget, NULL, NULL), -EINVAL);
    CHECK_EQUAL(mv_log_writer_start(&w, log.base, 0, MV_MAX_THREADS, 1, &log.budget, NULL, NULL), -EINVAL);
    CHECK_EQUAL(mv_log_writer_start(&w, log.base + 8, 0, 0, 1, &log.budget, NULL, NULL), -EINVAL);
    struct mv_log_budget none = {0, 4096};
    CHECK_EQUAL(mv_log_writer_start(&w, log.base, 0, 0, 1, &none, NULL, NULL), -ENOMEM);
}

const struct test memory_tests[] = {
    {"a_reader_that_keeps_up_holds_the_log_below_1_mib", a_reader_that_keeps_up_holds_the_log_below_1_mib},
    {"a_lag_grows_the_log_and_the_memory_comes_back_when_it_is_read",
     a_lag_grows_the_log_and_the_memory_comes_back_when_it_is_read},
    {"an_idle_log_is_cut_back_to_the_floor_wherever_the_reader_was",
     an_idle_log_is_cut_back_to_the_floor_wherever_the_reader_was},
    {"a_full_budget_refuses_and_leaves_the_log_whole", a_full_budget_refuses_and_leaves_the_log_whole},
    {"a_dropped_reader_no_longer_holds_anything", a_dropped_reader_no_longer_holds_anything},
    {"a_record_may_be_larger_than_a_chunk_and_not_larger_than_the_budget",
     a_record_may_be_larger_than_a_chunk_and_not_larger_than_the_budget},
    {"forgotten_reservations_hold_nothing", forgotten_reservations_hold_nothing},
    {"the_budget_is_shared_by_all_logs_of_a_version", the_budget_is_shared_by_all_logs_of_a_version},
    {"a_later_session_starts_over_with_nothing_left", a_later_session_starts_over_with_nothing_left},
    {"a_lost_keeper_stops_nobody", a_lost_keeper_stops_nobody},
    {"what_a_keeper_of_before_held_is_free", what_a_keeper_of_before_held_is_free},
    {"nobody_takes_what_a_living_keeper_holds", nobody_takes_what_a_living_keeper_holds},
    {"a_restart_does_not_wait_for_the_keeper_to_clear_up",
     a_restart_does_not_wait_for_the_keeper_to_clear_up},
    {"impossible_starts_are_refused", impossible_starts_are_refused},
    {0, 0},
};
