/* A server that reads clocks: in its main thread ("main", one connection after another) or in a thread for
 * each connection ("thread"). Its lines: gettimeofday, clock_gettime, time, getcpu   reads it again and
 * again, until another line comes; answers with a sum of all that it has read
 */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/time.h>
#include <time.h>

#include "lines.h"

static uint64_t gettimeofday_reading(void) {
    struct timeval now;
    gettimeofday(&now, NULL);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_usec;
}

static uint64_t clock_gettime_reading(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t time_reading(void) {
    return (uint64_t)time(NULL);
}

static uint64_t getcpu_reading(void) {
    return (uint64_t)sched_getcpu();
}

static const struct {
    const char *name;
    uint64_t (*read)(void);
} readings[] = {{"gettimeofday", gettimeofday_reading},
                {"clock_gettime", clock_gettime_reading},
                {"time", time_reading},
                {"getcpu", getcpu_reading}};

static void *lines(void *number) {
    int connection = (int)(long)number;
    char line[64], next;
    while (line_from(connection, line)) {
        uint64_t (*reading)(void) = NULL;
        for (size_t i = 0; i < sizeof readings / sizeof *readings; i++)
            if (!strcmp(line, readings[i].name))
                reading = readings[i].read;
        uint64_t sum = 0;
        while (reading && recv(connection, &next, 1, MSG_PEEK | MSG_DONTWAIT) < 0)
            for (int i = 0; i < 20000; i++)
                sum = sum * 31 + reading();
        char answer[32];
        if (snprintf(answer, sizeof answer, "%llx\n", (unsigned long long)sum) > 0)
            say(connection, answer);
    }
    close(connection);
    return NULL;
}

int main(int argc, char **argv) {
    return serve_in(argv[1], argv[argc - 1], lines);
}
