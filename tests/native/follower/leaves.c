/* A server whose main thread ends by itself, when a client says "leave"; the others go on. Every line is
 * answered. */
#include "lines.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t said = PTHREAD_COND_INITIALIZER;
static int leaves;
static const char *port;

static void *lines(void *number) {
    int connection = (int)(long)number;
    char line[64];
    while (line_from(connection, line)) {
        if (!strcmp(line, "leave")) {
            pthread_mutex_lock(&lock);
            leaves = 1;
            pthread_cond_signal(&said);
            pthread_mutex_unlock(&lock);
        }
        say(connection, "ok\n");
    }
    close(connection);
    return NULL;
}

static void *accept_all(void *unused) {
    (void)unused;
    exit(serve_all(port, lines));
}

int main(int argc, char **argv) {
    pthread_t thread;
    port = argv[argc - 1];
    if (pthread_create(&thread, NULL, accept_all, NULL))
        return 1;
    pthread_mutex_lock(&lock);
    while (!leaves)
        pthread_cond_wait(&said, &lock);
    pthread_mutex_unlock(&lock);
    pthread_exit(NULL);
}
