/* heap PORT: a server with as much memory as it is told, to measure what a copy of it costs.
 *
 * Serves lines (lines.h). "touch MEGABYTES huge|small": has that much memory from now on, every page of it
 * written to, in pages of 2 MiB where the kernel has them or of 4 KiB; answers "touched". "fork": answers how
 * many nanoseconds fork() took; the child ends at once. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../tests/native/number.h"
#include "lines.h"

#define MEGABYTE  (1ul << 20)
#define HUGE_PAGE (2 * MEGABYTE)

static char *memory;
static size_t held;

static const char *touch(const char *words) {
    char *rest;
    size_t size = strtoul(words, &rest, 10) * MEGABYTE;
    int huge = !strcmp(rest, " huge");
    if (!huge && strcmp(rest, " small") != 0)
        return "touch MEGABYTES huge|small";
    if (held)
        munmap(memory, held);
    held = 0;
    if (!size)
        return "touched";
    /* One page more: the part that is used begins where a huge page may. */
    char *at = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return strerror(12);
    memory = at;
    held = size + HUGE_PAGE;
    char *begin = at + (-(unsigned long)at & (HUGE_PAGE - 1));
    if (madvise(at, held, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) && huge)
        return "this kernel has no huge pages";
    for (size_t i = 0; i < size; i += 4096)
        begin[i] = 1;
    return "touched";
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void answer(const char *line, char *reply, size_t room) {
    if (!strncmp(line, "touch ", 6)) {
        (void)snprintf(reply, room, "%s", touch(line + 6));
        return;
    }
    if (strcmp(line, "fork") != 0) {
        (void)snprintf(reply, room, "no such word");
        return;
    }
    double begin = now();
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    double end = now();
    if (child > 0)
        waitpid(child, NULL, 0);
    if (child < 0)
        (void)snprintf(reply, room, "fork failed");
    else
        (void)snprintf(reply, room, "%.0f", end - begin);
}

int main(int argc, char **argv) {
    if (argc != 2)
        return fputs("usage: heap PORT\n", stderr), 2;
    serve_lines(number(argv[1]), answer);
    return 0;
}
