/* The system calls that the rewriter itself makes: raw, -errno returns, usable before libc is. */
#ifndef MVEDSUA_REWRITE_SYS_H
#define MVEDSUA_REWRITE_SYS_H

#include <stddef.h>
#include <stdint.h>

enum {
    MV_PROT_READ = 1,
    MV_PROT_WRITE = 2,
    MV_PROT_EXEC = 4,
    MV_PAGE = 4096,
    MV_EPERM = 1,
    MV_EACCES = 13,
    MV_EFAULT = 14,
};

static inline long mv_raw(long number, long a, long b, long c, long d, long e, long f) {
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

/* Private anonymous memory, readable and writable; `where` 0 leaves the place to the kernel, another address
 * is taken only if nothing is mapped there. */
static inline long mv_sys_map(uintptr_t where, size_t size) {
    enum { PRIVATE_ANONYMOUS = 0x22, FIXED_NOREPLACE = 0x100000 };
    return mv_raw(9, (long)where, (long)size, MV_PROT_READ | MV_PROT_WRITE,
                  PRIVATE_ANONYMOUS | (where != 0 ? FIXED_NOREPLACE : 0), -1, 0);
}

static inline long mv_sys_unmap(uintptr_t where, size_t size) {
    return mv_raw(11, (long)where, (long)size, 0, 0, 0, 0);
}

static inline long mv_sys_protect(uintptr_t where, size_t size, int prot) {
    return mv_raw(10, (long)where, (long)size, prot, 0, 0, 0);
}

/* Names anonymous memory in /proc/PID/maps; kernels without CONFIG_ANON_VMA_NAME refuse, which is no loss. */
static inline void mv_sys_name(uintptr_t where, size_t size, const char *name) {
    enum { PRCTL = 157, PR_SET_VMA = 0x53564d41, PR_SET_VMA_ANON_NAME = 0 };
    mv_raw(PRCTL, PR_SET_VMA, PR_SET_VMA_ANON_NAME, (long)where, (long)size, (long)name, 0);
}

/*
 * Whether the 8 bytes at `where` can be read. rt_sigprocmask copies the new mask in before it looks at `how`:
 * with an impossible `how` it says EFAULT for an unreadable address and EINVAL for a readable one.
 */
static inline int mv_sys_readable(uintptr_t where) {
    return mv_raw(14, 0x7fffffff, (long)where, 0, 8, 0, 0) != -MV_EFAULT;
}

static inline long mv_sys_open_read(int directory, const char *path) {
    enum { OPENAT = 257, O_CLOEXEC = 02000000 };
    return mv_raw(OPENAT, directory, (long)path, O_CLOEXEC, 0, 0, 0);
}

static inline long mv_sys_read(long fd, void *buffer, size_t size) {
    return mv_raw(0, fd, (long)buffer, (long)size, 0, 0, 0);
}

static inline void mv_sys_close(long fd) {
    mv_raw(3, fd, 0, 0, 0, 0, 0);
}

static inline void mv_sys_futex_wait(uint32_t *word, uint32_t value) {
    mv_raw(202, (long)word, 128 /* FUTEX_WAIT_PRIVATE */, value, 0, 0, 0);
}

static inline void mv_sys_futex_wake(uint32_t *word) {
    mv_raw(202, (long)word, 129 /* FUTEX_WAKE_PRIVATE */, 1, 0, 0, 0);
}

#endif
