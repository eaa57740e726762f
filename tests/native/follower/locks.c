/* A server with two locks in its static data: which one it takes for a line, `choice` says, where a test can
 * change it. A second thread makes locks events. */
#include <pthread.h>

#include "server.h"

static volatile char choice[] = "the lock to be taken is 0";
static pthread_mutex_t locks[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};

static void *nothing(void *unused) {
    return unused;
}

static void answer(char *reply, const char *line) {
    pthread_mutex_t *lock = &locks[choice[sizeof choice - 2] - '0'];
    pthread_mutex_lock(lock);
    (void)snprintf(reply, 256, "%s", line);
    pthread_mutex_unlock(lock);
}

int main(int argc, char **argv) {
    pthread_t thread;
    if (argc != 2 || pthread_create(&thread, NULL, nothing, NULL))
        return 1;
    return serve(argv[1], answer);
}
