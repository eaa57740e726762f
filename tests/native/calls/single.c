// The short way of calls with one segment (calls/single.h) yields what the general walk does, for every row
// and any arguments: the leader takes the one, the follower perhaps the other.
#include "calls/single.h"
#include "calls/segments.h"
#include "harness.h"

#include <string.h>

#include "../rng.h"

#define ROUNDS  2000
#define NUMBERS 512

static uint64_t argument(struct rng *r) {
    static const uint64_t corners[] = {
        0, 1, 3, 4096, 0x7fffffff, 0x80000000, 0xffffffff, ~0ull, MAX_RW_COUNT + 1};
    switch (rng_below(r, 4)) {
    case 0:
        return 0;
    case 1:
        return corners[rng_below(r, sizeof corners / sizeof *corners)];
    case 2:
        return rng_below(r, 100);
    default:
        return rng_next(r) >> rng_below(r, 64);
    }
}

static int same(const struct mv_segment *a, int count_a, const struct mv_segment *b, int count_b) {
    return count_a == count_b &&
           (count_a <= 0 || (a->addr == b->addr && a->len == b->len && a->arg == b->arg && a->how == b->how &&
                             a->index == b->index));
}

static void one_call(const struct mv_call_row *row, const uint64_t args[6], long result) {
    struct mv_call_row walked = *row;
    struct mv_segment fast[2], slow[2];
    walked.straight = MV_STRAIGHT_NOT;
    memset(fast, 0, sizeof fast);
    memset(slow, 0, sizeof slow);
    CHECK(same(fast, mv_call_in_segments(row, args, fast, 2), slow,
               mv_call_in_segments(&walked, args, slow, 2)));
    CHECK(same(fast, mv_call_out_segments(row, args, result, 0, fast, 2), slow,
               mv_call_out_segments(&walked, args, result, 0, slow, 2)));
}

// With the other pointers null, which is what makes a call single.
static int rounds_of(const struct mv_call_row *row, struct rng *r) {
    uint32_t memory = MV_CALL_IN_ARGS(row->flags) | MV_CALL_OUT_ARGS(row->flags);
    uint32_t others = row->straight & (MV_STRAIGHT_IN | MV_STRAIGHT_OUT)
                          ? memory & ~(1u << MV_STRAIGHT_ARG(row->straight))
                          : memory;
    int singles = 0;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t args[6];
        for (uint32_t i = 0; i < 6; i++)
            args[i] = others >> i & 1 ? 0 : argument(r);
        singles += mv_is_single(row, args);
        one_call(row, args, (long)argument(r) - (long)rng_below(r, 3));
    }
    return singles;
}

int main(void) {
    struct rng r = {20261126};
    int rows = 0;
    harness_start();
    test_begin();
    for (uint64_t number = 0; number < NUMBERS; number++) {
        const struct mv_call_row *row = mv_call_find(number);
        if (!row || !(row->straight & MV_STRAIGHT_SINGLE))
            continue;
        rows++;
        CHECK(rounds_of(row, &r) == ROUNDS);
    }
    CHECK(rows > 50);
    test_end("a_call_with_one_segment_yields_it_by_either_way");
    return failures != 0;
}
