/* A server whose main thread waits for the one that serves. The answer to each line is its number. */
#include "server.h"

#include <pthread.h>

static void answer(char *reply, const char *line) {
    static int count;
    (void)line;
    (void)snprintf(reply, 256, "%d\n", ++count);
}

static void *work(void *port) {
    serve(port, answer);
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t worker;
    if (pthread_create(&worker, NULL, work, argv[argc - 1]))
        return 1;
    return pthread_join(worker, NULL);
}
