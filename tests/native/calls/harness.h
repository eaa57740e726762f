// Runs real system calls on an arena and checks what the walkers say about them.
#ifndef HARNESS_H
#define HARNESS_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "calls/payload.h"

#define ARENA_SIZE   65536u
#define MAX_SEGMENTS 4096

// All memory that a tested call may write lies here; the page behind it is inaccessible.
extern uint8_t *arena;

extern int failures;

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            printf("# %s:%d: %s\n", __FILE__, __LINE__, #condition);                                         \
            test_failed = 1;                                                                                 \
        }                                                                                                    \
    } while (0)

extern int test_failed;

// Starts with a fresh arena; ends with the line that the summary counts.
void test_begin(void);
void test_end(const char *name);

// Makes the arena, the guard handler and an inaccessible page. Call first.
void harness_start(void);

// An address at which `size` bytes end where memory ends.
void *at_the_end(size_t size);
// `text` and its end into the arena, or the program ends: it must fit.
void put_string(void *to, const char *text);

struct observed {
    long result;
    int in_count;
    int out_count;
    struct mv_segment in[MAX_SEGMENTS];
    struct mv_segment out[MAX_SEGMENTS];
    uint8_t in_payload[4 * ARENA_SIZE];
    uint64_t in_size;
};

// The call as a leader makes it; then the memory as a follower gets it, which must equal the leader's byte
// for byte. The last observation; valid until the next call.
const struct observed *observe(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
                               uint64_t f);

#define U(value)                      ((uint64_t)(value))
#define OBSERVE0(n)                   observe(n, 0, 0, 0, 0, 0, 0)
#define OBSERVE1(n, a)                observe(n, U(a), 0, 0, 0, 0, 0)
#define OBSERVE2(n, a, b)             observe(n, U(a), U(b), 0, 0, 0, 0)
#define OBSERVE3(n, a, b, c)          observe(n, U(a), U(b), U(c), 0, 0, 0)
#define OBSERVE4(n, a, b, c, d)       observe(n, U(a), U(b), U(c), U(d), 0, 0)
#define OBSERVE5(n, a, b, c, d, e)    observe(n, U(a), U(b), U(c), U(d), U(e), 0)
#define OBSERVE6(n, a, b, c, d, e, f) observe(n, U(a), U(b), U(c), U(d), U(e), U(f))

#endif
