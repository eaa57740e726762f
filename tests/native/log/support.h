/* What the log's C tests share: a session memory of their own, seeded randomness, payloads that check
 * themselves, and a list of named tests, each run in a process of its own (so that a fault fails one test).
 */
#ifndef LOG_TESTS_SUPPORT_H
#define LOG_TESTS_SUPPORT_H

#define _GNU_SOURCE
#include <stdbool.h>
#include <stdint.h>

#include "../../../native/shim/log/log.h"
#include "../rng.h"

/* The record number `sequence` of a log written with `seed`: its sizes and every byte of its payloads follow
 * from the two; `largest` bounds a payload. Most are small, some larger than a chunk. */
struct plan {
    uint32_t in_size, out_size;
    uint16_t call;
};
struct plan plan_record(uint64_t seed, uint64_t sequence, uint32_t largest);
void fill_record(struct mv_event *event, uint64_t seed, uint64_t sequence, struct plan plan);
bool record_as_planned(const struct mv_event *event, uint64_t seed, uint64_t sequence, struct plan plan);

int make_memory(void);                                /* a memfd of one log's span */
void *map_log(int fd, uint64_t offset, int writable); /* writable: cursors and sleepers only when 0 */
uint64_t held_bytes(int fd);                          /* memory behind the file: st_blocks */

/* One log in one process, writer and readers. */
struct bench_log {
    int fd;
    uint8_t *base;
    struct mv_log_budget budget;
    struct mv_log_writer writer;
};
void open_log(struct bench_log *log, uint64_t limit, struct mv_log_keeper *keeper);
struct mv_event *put(struct bench_log *log, uint32_t in_size,
                     uint32_t out_size); /* published; NULL: refused */
int start_reader(struct bench_log *log, struct mv_log_reader *r, uint32_t index);

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            fail(__FILE__, __LINE__, #condition);                                                            \
    } while (0)
#define CHECK_EQUAL(actual, expected)                                                                        \
    check_equal(__FILE__, __LINE__, #actual, (int64_t)(actual), (int64_t)(expected))
_Noreturn void fail(const char *file, int line, const char *what);
void check_equal(const char *file, int line, const char *what, int64_t actual, int64_t expected);
_Noreturn void skip(const char *reason);

struct test {
    const char *name;
    void (*run)(void);
};
extern const struct test refusal_tests[], model_tests[], memory_tests[], death_tests[];

extern uint64_t test_seed; /* LOG_TEST_SEED, or from the clock; printed with every failure */

#endif
