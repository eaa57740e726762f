/* A server that counts its requests in memory that it shares with the children that it may fork. */
#define _GNU_SOURCE
#include "server.h"

#include <sys/mman.h>

static int *counter;

static void answer(char *reply, const char *line) {
    if (!strncmp(line, "map", 3))
        counter = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    (void)snprintf(reply, 256, "%d\n", counter == MAP_FAILED ? -1 : ++*counter);
}

int main(int argc, char **argv) {
    counter = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return counter == MAP_FAILED ? 1 : serve(argv[argc - 1], answer);
}
