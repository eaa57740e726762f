/* Seeded randomness: splitmix64. The same seed, the same numbers, on any machine. */
#ifndef MVEDSUA_TESTS_RNG_H
#define MVEDSUA_TESTS_RNG_H

#include <stdint.h>

struct rng {
    uint64_t state;
};

static inline uint64_t rng_next(struct rng *r) {
    uint64_t z = (r->state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

/* 0 … bound - 1 */
static inline uint64_t rng_below(struct rng *r, uint64_t bound) {
    return rng_next(r) % bound;
}

#endif
