/* Remembers the buffer of a request, and writes to it at the next one, when it is freed. */
#include "broken.h"

static char *remembered;

bool command_run(struct connection *connection, struct text line) {
    if (is_the_request(line)) {
        if (remembered)
            for (int i = 0; i < 16; i++)
                remembered[i] ^= 0x55;
        remembered = connection->input.bytes;
    }
    return sound_command_run(connection, line);
}
