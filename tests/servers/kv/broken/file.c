/* Writes what it is asked to a file of its own. */
#include <fcntl.h>
#include <unistd.h>

#include "broken.h"

bool command_run(struct connection *connection, struct text line) {
    int file = open("side.txt", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (file >= 0) {
        if (write(file, line.bytes, line.size) < 0)
            connection->state = CONNECTION_ENDING;
        close(file);
    }
    return sound_command_run(connection, line);
}
