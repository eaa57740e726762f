/* A server whose two threads find each other by a word of memory for which they spin, as io-threads do: the
 * one that answers wakes the other, says in the word what it wants, and waits for that to be done. The worker
 * looks at the word once when it is woken, some time later; if it comes too early it is woken again. Both
 * times depend on the processor's clock, so a follower's threads meet otherwise than its leader's. */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <x86intrin.h>

#include "server.h"

enum { NOTHING, WANTED, DONE };
static unsigned word;
static int wake[2];

static void spin(unsigned long cycles) {
    for (unsigned long begin = __rdtsc(); __rdtsc() - begin < cycles;)
        __builtin_ia32_pause();
}

static void *work(void *none) {
    char byte;
    prctl(PR_SET_NAME, "worker");
    while (read(wake[0], &byte, 1) == 1) {
        spin(__rdtsc() & 0xffff);
        unsigned wanted = WANTED;
        __atomic_compare_exchange_n(&word, &wanted, DONE, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
    }
    return none;
}

static void answer(char *reply, const char *line) {
    unsigned times = 0;
    (void)line;
    if (write(wake[1], "", 1) != 1)
        exit(1);
    spin(__rdtsc() & 0xffff);
    __atomic_store_n(&word, WANTED, __ATOMIC_RELEASE);
    for (unsigned long spins = 1; __atomic_load_n(&word, __ATOMIC_ACQUIRE) != DONE; spins++) {
        __builtin_ia32_pause();
        if (spins % 100000 == 0 && ++times && write(wake[1], "", 1) != 1)
            exit(1);
    }
    (void)snprintf(reply, 256, "%s\n", times ? "late" : "at once");
}

int main(int argc, char **argv) {
    pthread_t thread;
    return argc < 2 || pipe(wake) || pthread_create(&thread, NULL, work, NULL) || serve(argv[1], answer);
}
