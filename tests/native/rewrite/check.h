/* The tests' own few lines: a check that says what it saw, and a line per test. */
#ifndef MVEDSUA_TEST_CHECK_H
#define MVEDSUA_TEST_CHECK_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

static int check_failures;

#define CHECK(condition)                                                                                     \
    ((condition)                                                                                             \
         ? (void)0                                                                                           \
         : (void)(check_failures++, (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition)))

#define CHECK_EQUAL(got, wanted)                                                                             \
    do {                                                                                                     \
        int64_t got_ = (int64_t)(got), wanted_ = (int64_t)(wanted);                                          \
        if (got_ != wanted_) {                                                                               \
            check_failures++;                                                                                \
            (void)fprintf(stderr,                                                                            \
                          "%s:%d: %s is %" PRId64 " (%#" PRIx64 ") instead of %" PRId64 " (%#" PRIx64 ")\n", \
                          __FILE__, __LINE__, #got, got_, (uint64_t)got_, wanted_, (uint64_t)wanted_);       \
        }                                                                                                    \
    } while (0)

#define RUN(test)                                                                                            \
    do {                                                                                                     \
        int before_ = check_failures;                                                                        \
        test();                                                                                              \
        printf("%s rewrite/%s\n", check_failures == before_ ? "ok" : "not ok", #test);                       \
        (void)fflush(stdout);                                                                                \
    } while (0)

#endif
