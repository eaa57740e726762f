/* The requests of check-load, by protocol. Each has an answer that is known in advance. */
#ifndef MVEDSUA_BENCH_CHECK_LOAD_H
#define MVEDSUA_BENCH_CHECK_LOAD_H

#include <stddef.h>
#include <stdint.h>

enum { REQUEST_SIZE = 512, ANSWER_SIZE = 16384 };

/* In an expected answer: decimal digits, which captured then holds (a job's id) ... */
#define ANY_NUMBER "\001"
/* ... and whatever stands up to an empty line, that line included (HTTP's header). */
#define ANY_HEADER "\002"

struct exchange {
    char request[REQUEST_SIZE], expected[ANSWER_SIZE];
    size_t request_length, expected_length;
};

/* What a connection's requests are made from. */
struct client {
    int number;
    uint64_t counter, captured;
};

/* Steps below `first` are made once, when the load begins; the others in turn for ever. */
struct protocol {
    const char *name;
    int first, steps;
    void (*make)(struct client *client, int step, struct exchange *exchange);
};

/* NULL when there is none of that name. */
const struct protocol *protocol_of(const char *name);

/* How an answer that has arrived so far compares with the expected one. */
enum match { MATCH_PARTIAL, MATCH_WHOLE, MATCH_WRONG };
enum match match_answer(const struct exchange *exchange, const char *got, size_t length, uint64_t *captured);

#endif
