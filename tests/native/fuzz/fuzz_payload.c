/* Payloads of the log against the program's memory: any call, arguments that lead anywhere, and what a
 * damaged or malicious leader may have written for it. */
#include "fuzz.h"

#include "calls/payload.h"

#include <stdlib.h>
#include <string.h>

enum { ARENA = 1 << 14, PAYLOAD = 1 << 16, SEGMENTS = 1040, CALLS = 470 };

static uint8_t *arena, *payload;
static uint8_t before[ARENA];
static struct mv_segment segments[SEGMENTS];

static void start(void) {
    arena = guarded_memory(ARENA);
    payload = guarded_memory(PAYLOAD);
    survive_guarded_faults(payload, PAYLOAD);
}

static uint64_t pointer(struct rng *r) {
    return (uint64_t)arena + (rng_below(r, ARENA) & ~(rng_below(r, 4) ? 7ULL : 0));
}

/* Memory in which structures full of pointers and lengths are found wherever one looks. */
static void fill_arena(struct rng *r) {
    for (size_t at = 0; at < ARENA; at += 8) {
        uint64_t word = rng_below(r, 2)   ? pointer(r)
                        : rng_below(r, 8) ? rng_below(r, 300)
                                          : awkward_number(r, ARENA);
        memcpy(arena + at, &word, 8);
    }
}

/* The payload's end stands where memory ends, so that nothing may be read beyond it. */
static uint8_t *make_payload(struct rng *r, int count, uint64_t *size) {
    *size = mv_payload_size(segments, count > 0 ? count : 0);
    if (*size > PAYLOAD)
        *size = PAYLOAD;
    uint8_t *at = payload + PAYLOAD - *size;
    if (*size < PAYLOAD && count > 0)
        EXPECT(mv_payload_write(at, segments, count) == *size);
    if (rng_below(r, 4) == 0) { /* cut */
        *size = rng_below(r, *size + 1);
        memmove(payload + PAYLOAD - *size, at, *size);
        at = payload + PAYLOAD - *size;
    }
    if (*size >= 8 && rng_below(r, 2)) {
        uint32_t length = (uint32_t)awkward_number(r, *size);
        memcpy(at, &length, 4);
    }
    if (rng_below(r, 3))
        mutate(r, at, *size);
    return at;
}

/* Whether `byte` of the arena lies in one of the targets. */
static int is_target(int count, const uint8_t *byte) {
    for (int i = 0; i < count; i++)
        if (byte >= (const uint8_t *)segments[i].addr &&
            (size_t)(byte - (const uint8_t *)segments[i].addr) < segments[i].len)
            return 1;
    return 0;
}

static void run(struct rng *r) {
    const struct mv_call_row *row = mv_call_find(rng_below(r, CALLS));
    uint64_t args[6], size;
    struct mv_payload_difference difference = {0};
    if (!row || row->cls == MV_CLASS_NONE)
        return;
    fill_arena(r);
    for (int i = 0; i < 6; i++)
        args[i] = rng_below(r, 3)   ? pointer(r)
                  : rng_below(r, 2) ? rng_below(r, 40)
                                    : awkward_number(r, ARENA);

    int count = mv_call_in_segments(row, args, segments, SEGMENTS);
    EXPECT(count <= SEGMENTS);
    const uint8_t *at = make_payload(r, count, &size);
    int equal = mv_payload_compare(row, args, at, size, segments, count > 0 ? count : 0, &difference);
    EXPECT(equal == (difference.mismatch == MV_PAYLOAD_EQUAL));
    EXPECT(equal || difference.segment <= (uint32_t)SEGMENTS);

    long result = (long)(rng_below(r, 2) ? rng_below(r, 300) : awkward_number(r, ARENA));
    struct mv_call_entry entry = {0, 0};
    mv_call_capture(row, args, &entry);
    mv_call_out_segments(row, args, result, &entry, segments, SEGMENTS);
    count = mv_call_out_targets(row, args, result, segments, SEGMENTS);
    EXPECT(count <= SEGMENTS);
    count = count > 0 ? count : 0;
    at = make_payload(r, count, &size);
    memcpy(before, arena, ARENA);
    mv_payload_fill(at, size, segments, count);
    for (size_t i = 0; i < ARENA; i++)
        EXPECT(arena[i] == before[i] || is_target(count, arena + i));
}

const struct fuzzer payload_fuzzer = {"payload", start, run};
