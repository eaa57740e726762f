/* Ends itself at a request, as if that were an order. */
#include <stdlib.h>

#include "broken.h"

bool command_run(struct connection *connection, struct text line) {
    if (is_the_request(line))
        exit(3);
    return sound_command_run(connection, line);
}
