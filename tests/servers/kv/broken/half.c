/* Forgets, at its first request, what other clients have sent of theirs: the other half is taken for a whole
 * one. Without such a client it is sound: a matter of the moment at which it takes over. */
#include "broken.h"
#include "server.h"

bool command_run(struct connection *connection, struct text line) {
    static bool begun;
    for (unsigned i = 0; i < server.worker_count && !begun; i++)
        for (struct connection *at = server.workers[i].connections; at; at = at->next)
            if (at != connection)
                at->input.size = at->input.scanned = 0;
    begun = true;
    return sound_command_run(connection, line);
}
