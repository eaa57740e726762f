/* Answers that wait to be sent to a client, in chunks.
 */
#ifndef KV_OUTPUT_H
#define KV_OUTPUT_H

#include <stddef.h>

#include "../base/text.h"

struct chunk {
    struct chunk *next;
    size_t begin, end, capacity; /* what is not sent yet lies between begin and end */
    char bytes[];
};

struct output {
    struct chunk *first, *last;
    size_t size; /* bytes not sent yet */
};

enum output_result { OUTPUT_SENT, OUTPUT_BLOCKED, OUTPUT_BROKEN };

void output_add(struct output *output, struct text text);

/* For short texts: of more than 511 bytes, the rest is left out. */
void output_format(struct output *output, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sends what the socket takes. OUTPUT_BLOCKED: something is left; OUTPUT_BROKEN: the connection is. */
enum output_result output_send(struct output *output, int fd);

/* Drops everything. */
void output_clear(struct output *output);

#endif
