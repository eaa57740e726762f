/* Raw system calls: no libc, no errno; -errno returns. The only way in which the shim talks to the kernel.
 *
 * The instruction stands in the shim's own text, which Syscall User Dispatch lets through; so none of these
 * calls is ever intercepted. Async-signal-safe. */
#ifndef MV_SYS_H
#define MV_SYS_H

#include <asm/unistd.h>
#include <stddef.h>
#include <stdint.h>

static inline long mv_sys6(long nr, long a, long b, long c, long d, long e, long f) {
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

static inline long mv_sys5(long nr, long a, long b, long c, long d, long e) {
    return mv_sys6(nr, a, b, c, d, e, 0);
}
static inline long mv_sys4(long nr, long a, long b, long c, long d) {
    return mv_sys6(nr, a, b, c, d, 0, 0);
}
static inline long mv_sys3(long nr, long a, long b, long c) {
    return mv_sys6(nr, a, b, c, 0, 0, 0);
}
static inline long mv_sys2(long nr, long a, long b) {
    return mv_sys6(nr, a, b, 0, 0, 0, 0);
}
static inline long mv_sys1(long nr, long a) {
    return mv_sys6(nr, a, 0, 0, 0, 0, 0);
}
static inline long mv_sys0(long nr) {
    return mv_sys6(nr, 0, 0, 0, 0, 0, 0);
}

/* Is this return value an error (-4095 … -1)? */
static inline int mv_is_error(long result) {
    return (unsigned long)result >= (unsigned long)-4095L;
}

#endif
