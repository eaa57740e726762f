#include "calls/guard.h"

extern const struct mv_guard_entry __start_mv_guard[] __attribute__((visibility("hidden")));
extern const struct mv_guard_entry __stop_mv_guard[] __attribute__((visibility("hidden")));

uint64_t mv_guard_fixup(uint64_t ip) {
    for (const struct mv_guard_entry *entry = __start_mv_guard; entry < __stop_mv_guard; entry++)
        if ((uint64_t)&entry->fault + (uint64_t)(int64_t)entry->fault == ip)
            return (uint64_t)&entry->resume + (uint64_t)(int64_t)entry->resume;
    return 0;
}

#define EACH_BYTE 0x0101010101010101ull

uint32_t mv_guard_string(const char *text, uint32_t limit) {
    uint32_t length = 0;

    while (length < limit) {
        // Aligned words never straddle a page, so a readable first byte makes its whole word readable.
        uint32_t skip = (uint32_t)((uintptr_t)(text + length) & 7);
        uint64_t word;

        if (mv_guard_load64(text + length - skip, &word))
            return length;
        if (skip)
            word = word >> 8 * skip | ~0ull << (64 - 8 * skip);
        // A borrow reaches only bytes above a zero: the lowest bit that is set here tells the first of them.
        uint64_t zeros = (word - EACH_BYTE) & ~word & EACH_BYTE << 7;
        uint32_t more = zeros ? (uint32_t)__builtin_ctzll(zeros) / 8 + 1 : 8 - skip;
        if (more > limit - length)
            return limit;
        length += more;
        if (zeros)
            return length;
    }
    return length;
}
