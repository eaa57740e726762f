/* One stream for many threads: lines of several parts under flockfile, and single ones under the stream's own
 * lock. */
#include "hard.h"

static FILE *lines, *parts;

static long print_parts(struct connection *own, int member, long n) {
    (void)own;
    for (long i = 0; i < n; i++) {
        if (i % 2 || ftrylockfile(parts))
            flockfile(parts);
        (void)fprintf(parts, "member %d", member);
        flockfile(parts); /* it may be taken again */
        (void)fputs(", line ", parts);
        funlockfile(parts);
        (void)fprintf(parts, "%ld\n", i);
        funlockfile(parts);
    }
    return n;
}

static long print(struct connection *own, int member, long n) {
    (void)own;
    for (long i = 0; i < n; i++) {
        (void)fprintf(lines, "member %d, line %ld, %.2f\n", member, i, (double)i / 3);
        (void)fputs("one more\n", lines);
        if (i % 8 == 0)
            (void)fflush(lines);
    }
    return n;
}

void stdio_start(void) {
    CHECK((lines = fopen("lines", "a")) != NULL);
    CHECK((parts = fopen("parts", "a")) != NULL);
}

const struct command stdio_commands[] = {
    {"parts", NULL, print_parts, NULL}, {"print", NULL, print, NULL}, {NULL, NULL, NULL, NULL}};
