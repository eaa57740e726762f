/* Writes behind the end of a block, over the allocator's own words of the next one. */
#include <stdlib.h>

#include "broken.h"

enum { SIZE = 2000, BEHIND = 64 };

bool command_run(struct connection *connection, struct text line) {
    if (is_the_request(line)) {
        char *block = malloc(SIZE), *next = malloc(SIZE);
        /* (volatile: what is written before a free could be left out.) */
        for (volatile char *at = block; block && next && at < block + SIZE + BEHIND; at++)
            *at = 'x';
        free(next);
        free(block);
    }
    return sound_command_run(connection, line);
}
