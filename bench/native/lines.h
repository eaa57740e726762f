/* A server of one connection after the other, for programs that a bench tells what to measure. */
#ifndef MVEDSUA_BENCH_LINES_H
#define MVEDSUA_BENCH_LINES_H

#include <stddef.h>

/* Answers each line that comes to 127.0.0.1:`port` by one line: what `answer` puts into `reply`, which has
 * `room` bytes. `line` is without its line feed. Returns at the line "quit"; ends the program, saying why,
 * when the port can't be had. */
void serve_lines(long port, void (*answer)(const char *line, char *reply, size_t room));

#endif
