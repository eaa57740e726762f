/* step-count PID STEPS LIBRARY: where a running thread's instructions go, counted one by one
 * (PTRACE_SINGLESTEP), where neither hardware counters nor callgrind can be had. Prints for each address of
 * the mapping whose path ends in LIBRARY: "OFFSET COUNT", and "total N inside N". Symbols: addr2line -f -e
 * LIBRARY OFFSET. A system call is one step; what the kernel does in it is not counted. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "../../tests/native/number.h"

#define SPAN (8u << 20)

/* The address at which the library's file begins, 0: it is not mapped. */
static uint64_t base_of(int pid, const char *library) {
    char name[64], line[4352];
    (void)snprintf(name, sizeof name, "/proc/%d/maps", pid);
    FILE *maps = fopen(name, "re");
    uint64_t base = 0;
    while (maps && !base && fgets(line, sizeof line, maps)) {
        size_t length = strcspn(line, "\n"), tail = strlen(library);
        if (length > tail && !strncmp(line + length - tail, library, tail))
            base = strtoull(line, NULL, 16);
    }
    if (maps)
        (void)fclose(maps);
    return base;
}

int main(int argc, char **argv) {
    static uint32_t counts[SPAN];
    if (argc != 4)
        return fputs("usage: step-count PID STEPS LIBRARY\n", stderr), 2;
    int pid = (int)number(argv[1]), status;
    long steps = number(argv[2]), inside = 0, taken = 0;
    uint64_t base = base_of(pid, argv[3]);
    if (!base || ptrace(PTRACE_ATTACH, pid, 0, 0) || waitpid(pid, &status, __WALL) != pid)
        return perror("step-count"), 1;
    long signal = 0;
    while (taken < steps) {
        struct user_regs_struct registers;
        ptrace(PTRACE_GETREGS, pid, 0, &registers);
        uint64_t offset = registers.rip - base;
        if (offset < SPAN) {
            counts[offset]++;
            inside++;
        }
        taken++;
        if (ptrace(PTRACE_SINGLESTEP, pid, 0, signal) || waitpid(pid, &status, __WALL) != pid ||
            !WIFSTOPPED(status))
            break;
        signal = WSTOPSIG(status) == SIGTRAP || WSTOPSIG(status) == SIGSTOP ? 0 : WSTOPSIG(status);
    }
    ptrace(PTRACE_DETACH, pid, 0, 0);
    for (uint32_t offset = 0; offset < SPAN; offset++)
        if (counts[offset])
            printf("%#x %u\n", offset, counts[offset]);
    printf("total %ld inside %ld\n", taken, inside);
    return 0;
}
