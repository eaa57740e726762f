/* Fuzzing of what reads bytes that others wrote. Each fuzzer is a function of a seed: one case, made from a
 * real file or record by a few seeded changes. fuzz.c runs cases in a child until the time is over, and tells
 * the seed of the case that crashed, hung or broke a property. */
#ifndef MVEDSUA_FUZZ_H
#define MVEDSUA_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "../rng.h"

struct fuzzer {
    const char *name;
    void (*start)(void); /* once per process; may be NULL */
    void (*run)(struct rng *r);
};
extern const struct fuzzer maps_fuzzer, elf_fuzzer, code_fuzzer, log_fuzzer, payload_fuzzer, masks_fuzzer;

/* A number at which parsers go wrong: around 0, around `size`, around a page, a sign or the end of the range;
 * or any. */
uint64_t awkward_number(struct rng *r, uint64_t size);

/* Changes a few bytes, words or runs of `bytes`. */
void mutate(struct rng *r, uint8_t *bytes, size_t size);

/* `size` bytes of memory (a multiple of a page) between pages that nobody may touch. */
uint8_t *guarded_memory(size_t size);

/* Lets guarded accesses (native/shim/calls/guard.h) fault, as the shim's own handler does; but for those that
 * touch what lies before or behind `watched` (size bytes of guarded_memory), which fail the case. */
void survive_guarded_faults(const uint8_t *watched, size_t size);

/* A property of one case: what doesn't hold ends the case as a failure. */
#define EXPECT(condition)                                                                                    \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            fuzz_failed(__FILE__, __LINE__, #condition);                                                     \
    } while (0)
_Noreturn void fuzz_failed(const char *file, int line, const char *what);

#endif
