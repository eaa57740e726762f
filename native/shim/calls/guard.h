// Reads and writes of the program's memory that may fault.
//
// A program may hand the kernel any pointer; the kernel answers EFAULT. The shim must not do worse when it
// looks through the same pointer. Each access below is listed in the section mv_guard (address of the
// instruction, address to go on at); the shim's SIGSEGV and SIGBUS handler asks mv_guard_fixup and, given an
// address, resumes there. Without such a handler (unit tests, tools) a bad pointer is an ordinary crash.
#ifndef MVEDSUA_CALLS_GUARD_H
#define MVEDSUA_CALLS_GUARD_H

#include <stdint.h>

struct mv_guard_entry {
    int32_t fault;  // relative to this field
    int32_t resume; // relative to this field
};

#define MV_GUARD_ENTRY(fault, resume)                                                                        \
    ".pushsection mv_guard,\"a\",@progbits\n .balign 4\n .long " #fault " - .\n .long " #resume              \
    " - .\n .popsection\n"

// The address at which execution continues after a fault at `ip`, or 0 when the fault is not one of ours.
// Async-signal-safe.
uint64_t mv_guard_fixup(uint64_t ip);

// Copies `length` bytes, either side of which may be bad memory. Returns the number of bytes not copied (0:
// all of them).
static inline uint64_t mv_guard_copy(void *to, const void *from, uint64_t length) {
    // A fault leaves rcx at the count still to copy, so the same instruction stream serves both outcomes.
    __asm__ volatile("1: rep movsb\n2:\n" MV_GUARD_ENTRY(1b, 2b)
                     : "+D"(to), "+S"(from), "+c"(length)
                     :
                     : "memory");
    return length;
}

// Loads 8 bytes (any alignment). Returns 0, or 1 when the address is bad; then `*value` is 0.
static inline int mv_guard_load64(const void *from, uint64_t *value) {
    uint64_t loaded = 0;
    uint32_t bad = 1;

    __asm__ volatile("1: movq (%[from]), %[loaded]\n xorl %[bad], %[bad]\n2:\n" MV_GUARD_ENTRY(1b, 2b)
                     : [loaded] "+&r"(loaded), [bad] "+&r"(bad)
                     : [from] "r"(from)
                     : "cc", "memory");
    *value = loaded;
    return (int)bad;
}

// The same for 4 bytes.
static inline int mv_guard_load32(const void *from, uint32_t *value) {
    uint32_t loaded = 0;
    uint32_t bad = 1;

    __asm__ volatile("1: movl (%[from]), %[loaded]\n xorl %[bad], %[bad]\n2:\n" MV_GUARD_ENTRY(1b, 2b)
                     : [loaded] "+&r"(loaded), [bad] "+&r"(bad)
                     : [from] "r"(from)
                     : "cc", "memory");
    *value = loaded;
    return (int)bad;
}

// The length of a string including its NUL, at most `limit`; 0 when its first byte can't be read. A string
// that runs into bad memory ends there.
uint32_t mv_guard_string(const char *text, uint32_t limit);

#endif
