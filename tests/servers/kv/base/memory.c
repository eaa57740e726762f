#include "memory.h"

#include <stdlib.h>

#include "log.h"

static void *there(void *block, size_t size) {
    if (!block) {
        log_line(LOG_ERROR, "out of memory for %zu bytes", size);
        abort();
    }
    return block;
}

void *memory_new(size_t size) {
    return there(malloc(size), size);
}

void *memory_zeroed(size_t count, size_t size) {
    return there(calloc(count, size), count * size);
}

void *memory_resized(void *block, size_t size) {
    return there(realloc(block, size), size);
}
