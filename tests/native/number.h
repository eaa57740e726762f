/* Numbers of a command line or of a file: the whole text, or the program ends and says which text was none.
 */
#ifndef MVEDSUA_TESTS_NUMBER_H
#define MVEDSUA_TESTS_NUMBER_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static inline void number_refused(const char *text) {
    (void)fprintf(stderr, "not a number: '%s'\n", text);
    exit(2);
}

static inline long number(const char *text) {
    char *end = NULL;
    errno = 0;
    long value = strtol(text, &end, 0);
    if (errno || end == text || (*end && *end != '\n'))
        number_refused(text);
    return value;
}

static inline double real_number(const char *text) {
    char *end = NULL;
    errno = 0;
    double value = strtod(text, &end);
    if (errno || end == text || *end)
        number_refused(text);
    return value;
}

#endif
