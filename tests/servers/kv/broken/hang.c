/* Never comes back from a request. */
#include "broken.h"

bool command_run(struct connection *connection, struct text line) {
    volatile bool hangs = is_the_request(line);
    while (hangs) {
    }
    return sound_command_run(connection, line);
}
