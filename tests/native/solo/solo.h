/* A test is a function that returns 0 (kept its promise), 1 (broke it) or 77 (can't be tested here: the last
 * line on stdout says why). `PROGRAM --list` names them, `PROGRAM NAME` runs one. run.sh runs each natively
 * and under the shim: both must end alike and print the same. */
#ifndef SOLO_H
#define SOLO_H

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct solo_test {
    const char *name;
    int (*run)(void);
    struct solo_test *next;
};
void solo_add(struct solo_test *test);

#define TEST(test)                                                                                           \
    static int test(void);                                                                                   \
    static struct solo_test solo_##test = {#test, test, NULL};                                               \
    __attribute__((constructor)) static void solo_add_##test(void) {                                         \
        solo_add(&solo_##test);                                                                              \
    }                                                                                                        \
    static int test(void)

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            printf("%s:%d: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno);                         \
            return 1;                                                                                        \
        }                                                                                                    \
    } while (0)

#define SKIP(reason)                                                                                         \
    do {                                                                                                     \
        puts(reason);                                                                                        \
        return 77;                                                                                           \
    } while (0)

/* The `syscall` instruction itself, -errno result: nothing of libc stands between the test and the shim. */
static inline long raw6(long nr, long a, long b, long c, long d, long e, long f) {
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
#define raw0(nr)             raw6(nr, 0, 0, 0, 0, 0, 0)
#define raw1(nr, a)          raw6(nr, (long)(a), 0, 0, 0, 0, 0)
#define raw2(nr, a, b)       raw6(nr, (long)(a), (long)(b), 0, 0, 0, 0)
#define raw3(nr, a, b, c)    raw6(nr, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define raw4(nr, a, b, c, d) raw6(nr, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

/* Is the shim loaded? For tests of what only the shim does; natively they print what it is expected to. */
int under_the_shim(void);
/* Installs a handler; 0 or -1. */
int handle(int number, void (*handler)(int), int flags);
/* An interval timer of this many microseconds, 0 to stop it. */
void storm(int microseconds);
int64_t now_ns(void);
/* Resident and virtual kilobytes of this process. */
long resident_kb(void);
long virtual_kb(void);
/* Waits for a child: its exit code, or 256 + the signal that killed it. */
int ended(pid_t child);
/* Bounded effort: `full` normally, a fifth of it when SOLO_QUICK is set (UBSan, repeated runs). */
int rounds(int full);

#endif
