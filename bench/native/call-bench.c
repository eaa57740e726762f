/* call-bench ROUNDS CALLS: nanoseconds of four calls that a busy server makes most, to be compared between a
 * native process and one that publishes them. The descriptors are devices: the kernel's own part is short.
 * Prints a line per round: READ WRITE CLOCK GETPPID, in ns; the thread's own time, so that a follower
 * that shares the processor does not count. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "../../tests/native/number.h"

static char text[64];
static int zero, null;

static void make_read(void) {
    if (read(zero, text, sizeof text) != sizeof text)
        exit(1);
}
static void make_write(void) {
    if (write(null, text, sizeof text) != sizeof text)
        exit(1);
}
static void make_clock(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
}
static void make_getppid(void) {
    getppid();
}

static double own_nanoseconds(void) {
    struct rusage used; /* not a CPU-time clock: the vDSO hands that to the kernel, which is another path */
    getrusage(RUSAGE_THREAD, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e9 +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e3;
}

int main(int argc, char **argv) {
    static void (*const calls[])(void) = {make_read, make_write, make_clock, make_getppid};
    if (argc != 3)
        return fputs("usage: call-bench ROUNDS CALLS\n", stderr), 2;
    zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    long count = number(argv[2]);
    for (long round = -1; round < number(argv[1]); round++) { /* round -1 warms up */
        for (unsigned c = 0; c < sizeof calls / sizeof *calls; c++) {
            double begin = own_nanoseconds();
            for (long i = 0; i < count; i++)
                calls[c]();
            if (round >= 0)
                printf("%s%.1f", c ? " " : "", (own_nanoseconds() - begin) / (double)count);
        }
        if (round >= 0)
            putchar('\n');
    }
    return 0;
}
