/* Answers one byte wrong, once, after many requests. */
#include "broken.h"

enum { REQUESTS = 100 };

bool command_run(struct connection *connection, struct text line) {
    static unsigned requests;
    bool goes_on = sound_command_run(connection, line);
    struct chunk *chunk = connection->output.last;
    if (++requests == REQUESTS && chunk && chunk->end - chunk->begin >= 2)
        chunk->bytes[chunk->end - 2] ^= 1;
    return goes_on;
}
