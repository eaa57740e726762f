#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

uint64_t test_seed;

static uint32_t plan_size(struct rng *r, uint32_t largest) {
    uint64_t size;
    switch (rng_below(r, 16)) {
    case 0:
        size = rng_below(r, largest + 1ull);
        break;
    case 1:
    case 2:
        size = rng_below(r, 65536);
        break;
    case 3:
    case 4:
    case 5:
        size = rng_below(r, 4096);
        break;
    case 6:
    case 7:
        size = 0;
        break;
    default:
        size = 1 + rng_below(r, 256);
    }
    if (size > largest)
        size = largest;
    return (uint32_t)((size + 7) & ~7ull);
}

struct plan plan_record(uint64_t seed, uint64_t sequence, uint32_t largest) {
    struct rng r = {seed ^ (sequence * 0x2545f4914f6cdd1dull)};
    struct plan plan;
    plan.in_size = plan_size(&r, largest);
    plan.out_size = plan_size(&r, largest);
    plan.call = (uint16_t)rng_below(&r, 512);
    return plan;
}

static uint64_t word_of(uint64_t seed, uint64_t sequence, uint64_t i) {
    return (seed + sequence) * 0x9e3779b97f4a7c15ull + i * 0xd1342543de82ef95ull;
}

void fill_record(struct mv_event *event, uint64_t seed, uint64_t sequence, struct plan plan) {
    event->call = plan.call;
    event->flags = (uint16_t)(sequence & 15);
    event->result = (int64_t)word_of(seed, sequence, 1);
    event->site = word_of(seed, sequence, 2);
    event->stamp = sequence;
    for (unsigned i = 0; i < 6; i++)
        event->args[i] = word_of(seed, sequence, 3 + i);
    uint64_t *payload = (uint64_t *)(event + 1);
    for (uint64_t i = 0; i < (plan.in_size + (uint64_t)plan.out_size) / 8; i++)
        payload[i] = word_of(seed, sequence, i);
}

bool record_as_planned(const struct mv_event *event, uint64_t seed, uint64_t sequence, struct plan plan) {
    if (event->sequence != sequence || event->call != plan.call || event->in_size != plan.in_size ||
        event->out_size != plan.out_size || event->flags != (sequence & 15) ||
        event->result != (int64_t)word_of(seed, sequence, 1) || event->site != word_of(seed, sequence, 2))
        return false;
    for (unsigned i = 0; i < 6; i++)
        if (event->args[i] != word_of(seed, sequence, 3 + i))
            return false;
    const uint64_t *payload = (const uint64_t *)(event + 1);
    for (uint64_t i = 0; i < (plan.in_size + (uint64_t)plan.out_size) / 8; i++)
        if (payload[i] != word_of(seed, sequence, i))
            return false;
    return true;
}

int make_memory(void) {
    int fd = memfd_create("log-test", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, (off_t)MV_LOG_SPAN)) {
        perror("memfd");
        exit(1);
    }
    return fd;
}

void *map_log(int fd, uint64_t offset, int writable) {
    int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    uint8_t *base = mmap(NULL, MV_LOG_SPAN, protection, MAP_SHARED, fd, (off_t)offset);
    if (base == MAP_FAILED ||
        mprotect(base + MV_PAGE, (size_t)(MV_MAX_READERS + 1) * MV_PAGE, PROT_READ | PROT_WRITE)) {
        perror("mmap");
        exit(1);
    }
    return base;
}

uint64_t held_bytes(int fd) {
    struct stat status;
    CHECK(fstat(fd, &status) == 0);
    return (uint64_t)status.st_blocks * 512;
}

void open_log(struct bench_log *log, uint64_t limit, struct mv_log_keeper *keeper) {
    memset(log, 0, sizeof *log);
    log->fd = make_memory();
    log->base = map_log(log->fd, 0, 1);
    log->budget.limit = limit;
    CHECK_EQUAL(mv_log_writer_start(&log->writer, log->base, 0, 3, 7, &log->budget, NULL, keeper), 0);
}

struct mv_event *put(struct bench_log *log, uint32_t in_size, uint32_t out_size) {
    struct mv_event *event = mv_log_reserve(&log->writer, in_size, out_size);
    if (!event)
        return NULL;
    struct plan plan = {in_size, out_size, 1};
    fill_record(event, 1, log->writer.sequence, plan);
    mv_log_publish(&log->writer, event);
    return event;
}

int start_reader(struct bench_log *log, struct mv_log_reader *r, uint32_t index) {
    return mv_log_reader_start(r, map_log(log->fd, 0, 0), MV_LOG_SPAN, 0, 3, 7, index, (uint32_t)getpid());
}

_Noreturn void fail(const char *file, int line, const char *what) {
    (void)fprintf(stderr, "%s:%d: %s (again: LOG_TEST_SEED=%llu)\n", file, line, what,
                  (unsigned long long)test_seed);
    (void)fflush(stderr);
    _exit(1);
}

void check_equal(const char *file, int line, const char *what, int64_t actual, int64_t expected) {
    if (actual == expected)
        return;
    char text[256];
    (void)snprintf(text, sizeof text, "%s is %lld, expected %lld", what, (long long)actual,
                   (long long)expected);
    fail(file, line, text);
}

_Noreturn void skip(const char *reason) {
    FILE *to = fdopen(3, "w");
    if (to)
        (void)fputs(reason, to), fclose(to);
    _exit(77);
}
