/* Thunks: what stands for the trampoline of a call that was trapped instead of rewritten: [original address
 * after the syscall][endbr64; jmp *-20(%rip)], found by that address.
 *
 * Where code may not be made writable (W^X: systemd's MemoryDenyWriteExecute, SELinux execmod) the same
 * memory is mapped twice, executable here and writable there. A fork's child then makes a copy of its own. */
#include "../sys.h"
#include "signals.h"

#include <linux/memfd.h>
#include <sys/mman.h>

#define SPAN   65536u
#define THUNKS (SPAN / sizeof(struct mv_thunk))

static struct mv_thunk *thunks, *writable; /* the same, or two mappings of one memory */
static uint32_t lock;

static long map_file(int fd, uint64_t at, int prot) {
    return mv_sys6(__NR_mmap, (long)at, SPAN, prot, MAP_SHARED | (at ? MAP_FIXED : 0), fd, 0);
}

static int new_file(void) {
    int fd = (int)mv_sys2(__NR_memfd_create, (long)"mvedsua thunks", MFD_CLOEXEC);
    if (fd >= 0)
        mv_sys2(__NR_ftruncate, fd, SPAN);
    return fd;
}

static void open_thunks(void) {
    long code = mv_sys6(__NR_mmap, 0, SPAN, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!mv_is_error(code) && mv_sys3(__NR_mprotect, code, SPAN, PROT_READ | PROT_WRITE | PROT_EXEC) == 0) {
        thunks = writable = (struct mv_thunk *)code;
        return;
    }
    if (!mv_is_error(code))
        mv_sys2(__NR_munmap, code, SPAN);
    int fd = new_file();
    long data = fd < 0 ? -1 : map_file(fd, 0, PROT_READ | PROT_WRITE);
    code = fd < 0 ? -1 : map_file(fd, 0, PROT_READ | PROT_EXEC);
    if (fd >= 0)
        mv_sys1(__NR_close, fd);
    if (mv_is_error(data) || mv_is_error(code))
        return;
    writable = (struct mv_thunk *)data;
    thunks = (struct mv_thunk *)code;
}

static void write_thunk(struct mv_thunk *thunk, uint64_t site_next) {
    static const uint8_t code[16] = {0xf3, 0x0f, 0x1e, 0xfa, 0xff, 0x25, 0xee, 0xff,
                                     0xff, 0xff, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc};
    if (writable == thunks)
        mv_sys3(__NR_mprotect, (long)thunks, SPAN, PROT_READ | PROT_WRITE | PROT_EXEC);
    for (unsigned b = 0; b < sizeof code; b++)
        thunk->code[b] = code[b];
    thunk->site_next = site_next;
    if (writable == thunks)
        mv_sys3(__NR_mprotect, (long)thunks, SPAN, PROT_READ | PROT_EXEC);
}

const struct mv_thunk *mv_thunk_for(uint64_t site_next) {
    const struct mv_thunk *found = NULL;
    while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
        __builtin_ia32_pause();
    if (!thunks)
        open_thunks();
    for (uint32_t i = 0; thunks && !found && i < THUNKS; i++) {
        uint32_t at = (uint32_t)((site_next >> 1) + i) % THUNKS;
        if (!thunks[at].site_next)
            write_thunk(&writable[at], site_next);
        if (thunks[at].site_next == site_next)
            found = &thunks[at];
    }
    __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
    return found;
}

uint64_t mv_thunk_original(uint64_t pc) {
    uint64_t offset = pc - (uint64_t)thunks;
    return thunks && offset < SPAN ? thunks[offset / sizeof *thunks].site_next : 0;
}

/* In a fork's only thread: another one may have held the lock, and shared memory is still the parent's. */
void mv_thunks_after_fork(void) {
    __atomic_store_n(&lock, 0, __ATOMIC_RELAXED);
    if (thunks == writable)
        return;
    int fd = new_file();
    long copy = fd < 0 ? -1 : map_file(fd, 0, PROT_READ | PROT_WRITE);
    if (!mv_is_error(copy)) {
        uint64_t *to = (uint64_t *)copy;
        for (uint32_t i = 0; i < SPAN / sizeof *to; i++)
            to[i] = ((const uint64_t *)thunks)[i];
        map_file(fd, (uint64_t)thunks, PROT_READ | PROT_EXEC);
        map_file(fd, (uint64_t)writable, PROT_READ | PROT_WRITE);
        mv_sys2(__NR_munmap, copy, SPAN);
    }
    if (fd >= 0)
        mv_sys1(__NR_close, fd);
}
