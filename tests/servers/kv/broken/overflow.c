/* Calls itself at a request until the stack has no room. */
#include <string.h>

#include "broken.h"

enum { FRAME = 4096 };

static size_t descend(struct text line) {
    volatile char frame[FRAME];
    frame[line.size % FRAME] = 1;
    size_t deeper = line.size < SIZE_MAX ? descend((struct text){line.bytes, line.size + 1}) : 0;
    return deeper + (size_t)frame[0];
}

bool command_run(struct connection *connection, struct text line) {
    if (is_the_request(line))
        line.size -= descend(line);
    return sound_command_run(connection, line);
}
