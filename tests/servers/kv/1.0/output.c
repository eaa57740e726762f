#include "output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/memory.h"

/* Most clients wait for one short answer at a time: their first chunk is small. */
enum { FIRST_CAPACITY = 1000, CAPACITY = 16000, FORMAT_SIZE = 512 };

static struct chunk *add_chunk(struct output *output, size_t wanted) {
    size_t capacity = output->first ? CAPACITY : FIRST_CAPACITY;
    if (capacity < wanted)
        capacity = wanted;
    struct chunk *chunk = memory_new(sizeof *chunk + capacity);
    *chunk = (struct chunk){.capacity = capacity};
    if (output->last)
        output->last->next = chunk;
    else
        output->first = chunk;
    output->last = chunk;
    return chunk;
}

void output_add(struct output *output, struct text text) {
    while (text.size > 0) {
        struct chunk *chunk = output->last;
        if (!chunk || chunk->end == chunk->capacity)
            chunk = add_chunk(output, text.size);
        size_t room = chunk->capacity - chunk->end;
        size_t size = text.size < room ? text.size : room;
        memcpy(chunk->bytes + chunk->end, text.bytes, size);
        chunk->end += size;
        output->size += size;
        text = (struct text){text.bytes + size, text.size - size};
    }
}

void output_format(struct output *output, const char *format, ...) {
    char text[FORMAT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (size > 0)
        output_add(output, (struct text){text, (size_t)size < sizeof text ? (size_t)size : sizeof text - 1});
}

static void drop_first(struct output *output) {
    struct chunk *chunk = output->first;
    output->first = chunk->next;
    if (!output->first)
        output->last = NULL;
    free(chunk);
}

enum output_result output_send(struct output *output, int fd) {
    while (output->first) {
        struct chunk *chunk = output->first;
        ssize_t sent = write(fd, chunk->bytes + chunk->begin, chunk->end - chunk->begin);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return errno == EAGAIN ? OUTPUT_BLOCKED : OUTPUT_BROKEN;
        chunk->begin += (size_t)sent;
        output->size -= (size_t)sent;
        if (chunk->begin < chunk->end)
            return OUTPUT_BLOCKED;
        drop_first(output);
    }
    return OUTPUT_SENT;
}

void output_clear(struct output *output) {
    while (output->first)
        drop_first(output);
    output->size = 0;
}
