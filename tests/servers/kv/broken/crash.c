/* Reads through a null pointer. */
#include "broken.h"

static struct connection *volatile nobody;

bool command_run(struct connection *connection, struct text line) {
    if (is_the_request(line))
        connection = nobody->next;
    return sound_command_run(connection, line);
}
