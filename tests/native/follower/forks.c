/* A server that forks while threads of its own make calls, and between them take a lock whose order nobody
 * knows: a word that the fork's handlers take, too, as an allocator's do with its locks.
 *
 *   f   makes a child that ends at once, and waits for it; the answer counts them */
#include "server.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

static atomic_int word;

static void take(void) {
    while (atomic_exchange(&word, 1))
        __builtin_ia32_pause();
}

static void give(void) {
    atomic_store(&word, 0);
}

static void *caller(void *unused) {
    for (long count = 0;; count++) {
        take(); /* and makes no call with it: as little as an allocator does */
        give();
        (void)!write(-1, &count, sizeof count);
    }
    return unused;
}

static void answer(char *reply, const char *line) {
    static int made;
    int status = -1;
    (void)line;
    pid_t child = fork();
    if (child == 0)
        _exit(7);
    made += child > 0 && waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7;
    (void)sprintf(reply, "%d\n", made);
}

int main(int argc, char **argv) {
    pthread_t thread;
    if (pthread_atfork(take, give, give))
        return 1;
    for (int i = 0; i < 4; i++)
        if (pthread_create(&thread, NULL, caller, NULL))
            return 1;
    return serve(argv[argc - 1], answer);
}
