/* Random interleavings in one thread, against a model: what must be readable is known exactly. */
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STEPS   4000
#define LARGEST (600u << 10)

struct follower {
    bool running;
    struct mv_log_reader reader;
    uint64_t next;
};

static void read_some(struct follower *f, uint64_t seed, uint64_t most, uint64_t published) {
    const struct mv_event *event;
    for (uint64_t i = 0; i < most; i++) {
        int result = mv_log_peek(&f->reader, &event);
        CHECK_EQUAL(result, f->next < published);
        if (!result)
            return;
        CHECK(record_as_planned(event, seed, f->next, plan_record(seed, f->next, LARGEST)));
        if (i % 7 == 3) { /* peek is repeatable */
            const struct mv_event *again;
            CHECK_EQUAL(mv_log_peek(&f->reader, &again), 1);
            CHECK(again == event);
        }
        mv_log_consume(&f->reader);
        f->next++;
    }
}

static void one_interleaving(uint64_t seed) {
    struct rng r = {seed};
    struct bench_log log;
    struct mv_log_keeper keeper = {.number = 2, .lives = 1};
    const uint64_t limit = (2 + rng_below(&r, 64)) << 20;
    open_log(&log, limit, rng_below(&r, 2) ? &keeper : NULL);
    struct follower followers[MV_MAX_READERS];
    memset(followers, 0, sizeof followers);
    uint8_t *view = map_log(log.fd, 0, 0);
    for (int step = 0; step < STEPS; step++) {
        unsigned i = (unsigned)rng_below(&r, MV_MAX_READERS);
        struct follower *f = &followers[i];
        uint64_t published = log.writer.sequence;
        switch (rng_below(&r, 16)) {
        case 0: /* joins, in the middle */
            if (f->running)
                break;
            if (rng_below(&r, 2))
                mv_log_expect_reader(&log.writer, i, 1);
            CHECK_EQUAL(mv_log_reader_start(&f->reader, view, MV_LOG_SPAN, 0, 3, 7, i, 1), 0);
            f->running = true;
            f->next = published;
            break;
        case 1: /* stops, or is dropped */
            if (!f->running || rng_below(&r, 4))
                break;
            if (rng_below(&r, 2))
                mv_log_reader_stop(&f->reader);
            else
                mv_log_drop_reader(log.base, i);
            f->running = false;
            break;
        case 2:
            mv_log_keep(&log.writer, NULL);
            break;
        case 3: /* reserved, damaged, forgotten */
            (void)mv_log_reserve(&log.writer, (uint32_t)rng_below(&r, LARGEST / 8) * 8, 64);
            break;
        case 4:
        case 5:
        case 6:
        case 7:
        case 8:
            if (f->running)
                read_some(f, seed, rng_below(&r, 12), published);
            break;
        default: {
            struct plan plan = plan_record(seed, published, LARGEST);
            /* reserve more than is used: shrink at publication */
            struct mv_event *event =
                mv_log_reserve(&log.writer, plan.in_size, plan.out_size + (uint32_t)rng_below(&r, 100) * 8);
            if (!event) {
                CHECK_EQUAL(log.writer.refusal, MV_LOG_OVER_BUDGET);
                for (unsigned j = 0; j < MV_MAX_READERS; j++)
                    if (followers[j].running) {
                        mv_log_drop_reader(log.base, j);
                        followers[j].running = false;
                    }
                CHECK(mv_log_reserve(&log.writer, plan.in_size, plan.out_size) != NULL || limit < (4 << 20));
                break;
            }
            event->out_size = plan.out_size;
            fill_record(event, seed, published, plan);
            mv_log_publish(&log.writer, event);
            CHECK_EQUAL(event->check, mv_event_check(event));
        }
        }
        CHECK(log.budget.held <= limit);
    }
    for (unsigned i = 0; i < MV_MAX_READERS; i++)
        if (followers[i].running) {
            read_some(&followers[i], seed, ~0ull, log.writer.sequence);
            CHECK_EQUAL(followers[i].next, log.writer.sequence);
            CHECK(mv_log_read_all_consumed(&followers[i].reader));
            CHECK_EQUAL(followers[i].reader.cursor->sequence, log.writer.sequence);
        }
    mv_log_writer_stop(&log.writer);
    mv_log_keep(&log.writer, NULL);
    CHECK_EQUAL(log.budget.held, 0);
    CHECK(held_bytes(log.fd) <= MV_LOG_CHUNK);
    close(log.fd);
}

static void any_interleaving_delivers_every_record_once_and_in_order(void) {
    const char *rounds = getenv("LOG_TEST_ROUNDS");
    for (uint64_t i = 0, n = rounds ? strtoull(rounds, NULL, 0) : 12; i < n; i++)
        one_interleaving(test_seed + i);
}

/* Tests for the equality that publish() relies on: it doesn't call mv_event_check(). */
static void published_headers_carry_the_check_of_the_contract(void) {
    struct bench_log log;
    open_log(&log, 8 << 20, NULL);
    for (uint64_t i = 0; i < 5000; i++) {
        struct plan plan = plan_record(test_seed, i, 2000);
        struct mv_event *event = mv_log_reserve(&log.writer, plan.in_size, plan.out_size);
        memset(event + 1, 0xff, plan.in_size + plan.out_size);
        fill_record(event, test_seed, i, plan);
        mv_log_publish(&log.writer, event);
        CHECK_EQUAL(event->check, mv_event_check(event));
        CHECK_EQUAL(event->size, sizeof *event + plan.in_size + plan.out_size);
        CHECK_EQUAL(event->order_size, 0);
    }
}

const struct test model_tests[] = {
    {"any_interleaving_delivers_every_record_once_and_in_order",
     any_interleaving_delivers_every_record_once_and_in_order},
    {"published_headers_carry_the_check_of_the_contract", published_headers_carry_the_check_of_the_contract},
    {0, 0},
};
