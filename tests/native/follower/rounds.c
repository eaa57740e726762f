/* A server whose threads, one for each connection, meet in twos. Its lines:
 *   name NAME   names the connection's thread
 *   meet        waits for the other one at the barrier; answers 1 if it was told that it is the one, else 0
 */
#include <sys/prctl.h>

#include "lines.h"

static pthread_barrier_t barrier;

static void *lines(void *number) {
    int connection = (int)(long)number;
    char line[64];
    while (line_from(connection, line))
        if (line[0] == 'n') {
            prctl(PR_SET_NAME, line + 5);
            say(connection, "ok\n");
        } else {
            say(connection, pthread_barrier_wait(&barrier) ? "1\n" : "0\n");
        }
    close(connection);
    return NULL;
}

int main(int argc, char **argv) {
    pthread_barrier_init(&barrier, NULL, 2);
    return serve_all(argv[argc - 1], lines);
}
