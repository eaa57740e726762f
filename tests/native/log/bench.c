/* log-bench: nanoseconds for one published record, without payload and with 1 KiB and 16 KiB copied in.
 * The producer alone: a reader's cursor follows it at the same pace (moved once a chunk), so that chunks are
 * reused as with a reader that keeps up, but nobody else takes time (the thread's own CPU time is what
 * counts). "copy" is the floor: the same bytes copied to the same memory. Prints the median of the rounds. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 11

static double nanoseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
    return (*(double *)a > *(double *)b) - (*(double *)a < *(double *)b);
}

static double publish(struct bench_log *log, uint32_t payload, uint64_t count) {
    static uint8_t source[64 << 10];
    struct mv_log_cursor *cursor = (struct mv_log_cursor *)(log->base + MV_CURSOR_OFFSET(0));
    uint64_t end = 0;
    double begin = nanoseconds();
    for (uint64_t i = 0; i < count; i++) {
        struct mv_event *event = mv_log_reserve(&log->writer, payload, 0);
        if (!event)
            exit(1);
        event->call = 1;
        event->flags = 0;
        event->result = (int64_t)i;
        event->site = 0x401000;
        event->stamp = 0;
        for (unsigned a = 0; a < 6; a++)
            event->args[a] = i + a;
        if (payload)
            memcpy(event + 1, source, payload);
        mv_log_publish(&log->writer, event);
        if (log->writer.end != end) {
            end = log->writer.end;
            mv_store_release64(&cursor->position, log->writer.position);
        }
    }
    return (nanoseconds() - begin) / (double)count;
}

/* The floor: the payload copied to the same memory, and nothing else. */
static double copy_only(struct bench_log *log, uint32_t payload, uint64_t count) {
    static uint8_t source[64 << 10];
    uint64_t at = 0;
    double begin = nanoseconds();
    for (uint64_t i = 0; i < count; i++) {
        memcpy(log->base + MV_LOG_DATA + at, source, payload);
        __asm__ volatile("" ::: "memory");
        at = at + 2ull * payload > 2ull * MV_LOG_CHUNK ? 0 : at + payload;
    }
    return (nanoseconds() - begin) / (double)count;
}

static void print(const char *what, uint32_t payload, double rounds[ROUNDS]) {
    qsort(rounds, ROUNDS, sizeof *rounds, ascending);
    printf("%s payload=%u ns=%.1f min=%.1f max=%.1f\n", what, payload, rounds[ROUNDS / 2], rounds[0],
           rounds[ROUNDS - 1]);
}

int main(void) {
    static const uint32_t payloads[] = {0, 64, 1024, 16384};
    struct bench_log log;
    open_log(&log, 64 << 20, NULL);
    mv_log_expect_reader(&log.writer, 0, 1);
    for (unsigned p = 0; p < sizeof payloads / sizeof *payloads; p++) {
        uint64_t count = payloads[p] > 4096 ? 20000 : 200000;
        double published[ROUNDS], copied[ROUNDS];
        publish(&log, payloads[p], count);
        for (int i = 0; i < ROUNDS; i++) {
            published[i] = publish(&log, payloads[p], count);
            copied[i] = copy_only(&log, payloads[p], count);
        }
        print("publish", payloads[p], published);
        print("copy", payloads[p], copied);
    }
    return 0;
}
