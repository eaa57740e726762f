/* getppid-bench ROUNDS CALLS: what interception adds to one getppid, as paired differences in one process.
 *
 * Two copies of the same stub are called in turns: one in this program's text, which the shim rewrites, and
 * one that it has never seen: written through a second mapping of the same pages after they were mapped
 * executable. (A shared executable mapping arms Syscall User Dispatch only where there is a session; this
 * program is run with LD_PRELOAD alone.) Without the shim the two are the same, and the difference tells the
 * noise.
 *
 * Prints a line per round: DIRECT_NS STUB_NS, and first whether the stub was rewritten. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../../tests/native/number.h"

long stub(void);
extern const uint8_t stub_syscall[], stub_end[];
__asm__(
    ".text\n.p2align 6\n.globl stub, stub_syscall, stub_end\n.type stub, @function\n"
    "stub: mov $110, %eax\n"
    "stub_syscall: syscall\n"
    "ret\n"
    ".size stub, .-stub\n"
    "stub_end: .p2align 6\n");

static const uint8_t original[] = {0xb8, 110, 0, 0, 0, 0x0f, 0x05, 0xc3};

static double nanoseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double time_of(long (*call)(void), long calls) {
    double begin = nanoseconds();
    for (long i = 0; i < calls; i++)
        call();
    return (nanoseconds() - begin) / (double)calls;
}

static long (*unseen_stub(void))(void) {
    int fd = memfd_create("unseen", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, 4096))
        return NULL;
    void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    void *alias = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (code == MAP_FAILED || alias == MAP_FAILED)
        return NULL;
    memcpy(alias, original, sizeof original);
    return (long (*)(void))code;
}

int main(int argc, char **argv) {
    if (argc != 3)
        return fputs("usage: getppid-bench ROUNDS CALLS\n", stderr), 2;
    long rounds = number(argv[1]), calls = number(argv[2]);
    long (*direct)(void) = unseen_stub();
    if (!direct || direct() != getppid() || stub() != getppid())
        return fputs("getppid-bench: the direct stub does not work\n", stderr), 1;
    /* Only what stands at `syscall` and behind it may change: the number's mov stays or is displaced with it.
     */
    int rewritten = memcmp((const void *)stub, original, sizeof original) != 0;
    printf("rewritten=%d\n", rewritten);
    time_of(direct, calls);
    time_of(stub, calls);
    for (long i = 0; i < rounds; i++) {
        /* Which of them goes first changes, so that a drift of the clock rate falls out. */
        double first = time_of(i & 1 ? stub : direct, calls), second = time_of(i & 1 ? direct : stub, calls);
        printf("%.2f %.2f\n", i & 1 ? second : first, i & 1 ? first : second);
    }
    return 0;
}
