#include "calls/guard.h"

extern const struct mv_guard_entry __start_mv_guard[] __attribute__((visibility("hidden")));
extern const struct mv_guard_entry __stop_mv_guard[] __attribute__((visibility("hidden")));

uint64_t mv_guard_fixup(uint64_t ip) {
    for (const struct mv_guard_entry *entry = __start_mv_guard; entry < __stop_mv_guard; entry++)
        if ((uint64_t)&entry->fault + (uint64_t)(int64_t)entry->fault == ip)
            return (uint64_t)&entry->resume + (uint64_t)(int64_t)entry->resume;
    return 0;
}

uint32_t mv_guard_string(const char *text, uint32_t limit) {
    uint32_t length = 0;

    while (length < limit) {
        // Aligned words never straddle a page, so a readable first byte makes its whole word readable.
        uint32_t skip = (uint32_t)((uintptr_t)(text + length) & 7);
        uint64_t word;

        if (mv_guard_load64(text + length - skip, &word))
            return length;
        word >>= 8 * skip;
        for (uint32_t i = skip; i < 8; i++, word >>= 8) {
            length++;
            if ((word & 0xff) == 0 || length == limit)
                return length;
        }
    }
    return length;
}
