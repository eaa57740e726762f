/* A thread that is made again in a copy of the process begins with the registers of the thread that makes it.
 * Its own are kept in memory, as the kernel keeps them for a signal's handler (Intel SDM, volume 1, 13.7:
 * XSAVE; volume 2, CPUID leaf 0DH). Without XSAVE: what FXSAVE has. Left out: AMX's tiles, which the kernel
 * grants to whoever asks for them, and user interrupts. */
#include "registers.h"

#include <cpuid.h>

#define LEGACY     576u   /* x87 and SSE, and the header */
#define COMPONENTS 0x2e7u /* x87, SSE, AVX, the three of AVX-512, PKRU */
#define NO_XSAVE   1u     /* (x87 alone is no set that this asks for) */

static uint32_t known; /* which of them this machine has; 0: not looked yet. Each finds the same */

static uint32_t components(void) {
    uint32_t a, b, c, d, enabled, high, found = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (found)
        return found;
    __cpuid(1, a, b, c, d);
    found = NO_XSAVE;
    if (c & bit_OSXSAVE) {
        __asm__("xgetbv" : "=a"(enabled), "=d"(high) : "c"(0));
        found = enabled & 3;
        for (uint32_t i = 2; i < 32; i++) {
            if (!(enabled & COMPONENTS & 1u << i))
                continue;
            __cpuid_count(0xd, i, a, b, c, d);
            if (b >= LEGACY && a + b <= MV_REGISTERS_SIZE)
                found |= 1u << i;
        }
    }
    __atomic_store_n(&known, found, __ATOMIC_RELAXED);
    return found;
}

void mv_registers_save(struct mv_register_state *state) {
    uint32_t these = components();
    if (these == NO_XSAVE) {
        __asm__ volatile("fxsave64 %0" : "=m"(*state));
        return;
    }
    __builtin_memset(state->room + 512, 0, 64); /* XRSTOR wants it so */
    __asm__ volatile("xsave64 %0" : "+m"(*state) : "a"(these), "d"(0));
}

void mv_registers_restore(const struct mv_register_state *state) {
    uint32_t these = components();
    if (these == NO_XSAVE)
        __asm__ volatile("fxrstor64 %0" : : "m"(*state));
    else
        __asm__ volatile("xrstor64 %0" : : "m"(*state), "a"(these), "d"(0));
}
