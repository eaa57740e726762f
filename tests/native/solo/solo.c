#define _GNU_SOURCE
#include "solo.h"

#include <link.h>
#include <sys/time.h>

static struct solo_test *tests;

void solo_add(struct solo_test *test) {
    test->next = tests;
    tests = test;
}

static int find_shim(struct dl_phdr_info *info, size_t size, void *found) {
    (void)size;
    if (strstr(info->dlpi_name, "libmvedsua.so"))
        *(int *)found = 1;
    return 0;
}

int under_the_shim(void) {
    int found = 0;
    dl_iterate_phdr(find_shim, &found);
    return found;
}

int handle(int number, void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    return sigaction(number, &action, NULL);
}

void storm(int microseconds) {
    struct itimerval timer = {{0, microseconds}, {0, microseconds}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static long status_kb(const char *key) {
    char line[256];
    long value = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, key, strlen(key)) == 0)
            value = strtol(line + strlen(key), NULL, 10);
    if (file)
        (void)fclose(file);
    return value;
}

long resident_kb(void) {
    return status_kb("VmRSS:");
}
long virtual_kb(void) {
    return status_kb("VmSize:");
}

int ended(pid_t child) {
    int status;
    if (waitpid(child, &status, 0) != child)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

int rounds(int full) {
    return getenv("SOLO_QUICK") ? (full + 4) / 5 : full;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        (void)fprintf(stderr, "usage: %s --list | TEST\n", argv[0]);
        return 2;
    }
    for (struct solo_test *test = tests; test; test = test->next) {
        if (strcmp(argv[1], "--list") == 0) {
            if (strncmp(test->name, "print_", 6) != 0)
                puts(test->name);
        }
        if (strcmp(argv[1], test->name) == 0)
            return test->run();
    }
    return strcmp(argv[1], "--list") ? 2 : 0;
}
