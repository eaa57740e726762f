/* count-instructions PID ADDRESS PASSES LIBRARY: how many instructions of a library a running thread takes
 * from one entry of a function to the next, counted one by one (PTRACE_SINGLESTEP). What the machine does
 * meanwhile doesn't change them.
 *
 * Stops the thread, prints "stopped", and lets it go on once a line comes on standard input. Prints the
 * counts of PASSES passes that follow one another, blanks between them. The library's instructions are those
 * in its own mapping and in executable memory without a file, where the shim's trampolines are. A system call
 * is one instruction; what the kernel does in it is not counted. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "../../tests/native/number.h"

#define RANGES     256
#define STEPS_MOST 20000000L

static struct { uint64_t begin, end; } ranges[RANGES];
static int range_count;

static int ends_with(const char *text, size_t length, const char *tail) {
    size_t of_tail = strlen(tail);
    return length >= of_tail && !strncmp(text + length - of_tail, tail, of_tail);
}

/* "55d0-55d8 r-xp 00001000 fe:00 1234    /path": the fifth blank-separated field is the inode. */
static void read_ranges(int pid, const char *library) {
    char name[64], line[4352];
    (void)snprintf(name, sizeof name, "/proc/%d/maps", pid);
    FILE *maps = fopen(name, "re");
    while (maps && range_count < RANGES && fgets(line, sizeof line, maps)) {
        char *at, *rest;
        uint64_t begin = strtoull(line, &at, 16), end = strtoull(at + 1, &rest, 16);
        size_t length = strcspn(line, "\n");
        const char *path = memchr(rest, '/', length - (size_t)(rest - line));
        int without_file = !path && !memchr(rest, '[', length - (size_t)(rest - line));
        if (rest[3] != 'x' || !(without_file || ends_with(line, length, library)))
            continue;
        ranges[range_count].begin = begin;
        ranges[range_count++].end = end;
    }
    if (maps)
        (void)fclose(maps);
}

static int is_inside(uint64_t at) {
    for (int i = 0; i < range_count; i++)
        if (at >= ranges[i].begin && at < ranges[i].end)
            return 1;
    return 0;
}

/* One instruction; -1: the thread is gone. */
static int step(int pid) {
    static long signal;
    int status;
    if (ptrace(PTRACE_SINGLESTEP, pid, 0, signal) || waitpid(pid, &status, __WALL) != pid ||
        !WIFSTOPPED(status))
        return -1;
    int stopped_by = WSTOPSIG(status);
    signal = stopped_by == SIGTRAP || status >> 16 ? 0 : stopped_by;
    return 0;
}

static int count(int pid, uint64_t address, long passes) {
    long passed = -1, inside = 0;
    for (long steps = 0; steps < STEPS_MOST; steps++) {
        struct user_regs_struct registers;
        ptrace(PTRACE_GETREGS, pid, 0, &registers);
        if (registers.rip == address) {
            if (++passed)
                printf("%s%ld", passed > 1 ? " " : "", inside);
            inside = 0;
            if (passed == passes)
                return putchar('\n'), 0;
        }
        inside += is_inside(registers.rip);
        if (step(pid))
            return fputs("count-instructions: the thread ended\n", stderr), 1;
    }
    return fprintf(stderr, "count-instructions: the function was entered %ld times in %ld instructions\n",
                   passed + 1, STEPS_MOST),
           1;
}

int main(int argc, char **argv) {
    if (argc != 5)
        return fputs("usage: count-instructions PID ADDRESS PASSES LIBRARY\n", stderr), 2;
    int pid = (int)number(argv[1]), status;
    /* Without a signal: SIGSTOP would have to be kept from the program. */
    if (ptrace(PTRACE_SEIZE, pid, 0, 0) || ptrace(PTRACE_INTERRUPT, pid, 0, 0) ||
        waitpid(pid, &status, __WALL) != pid)
        return perror("count-instructions: the process can't be traced"), 1;
    read_ranges(pid, argv[4]);
    puts("stopped");
    (void)fflush(stdout);
    char line[8];
    if (!fgets(line, sizeof line, stdin))
        return 1;
    int failed = count(pid, (uint64_t)number(argv[2]), number(argv[3]));
    ptrace(PTRACE_DETACH, pid, 0, 0);
    return failed;
}
