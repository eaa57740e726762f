/* Named atomics for memory that another thread or process reads or writes. Everything shared goes through
 * these; a plain access means that nobody else can be there. x86-64 costs: the loads and stores are plain
 * moves, the read-modify-writes are locked instructions and thereby full fences. */
#ifndef MV_LOG_BARRIERS_H
#define MV_LOG_BARRIERS_H

#include <stdint.h>

/* What is read after an acquire load is at least as new as what stood before the release store that it saw.
 */
static inline uint64_t mv_load_acquire64(const uint64_t *p) {
    return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}
static inline uint32_t mv_load_acquire32(const uint32_t *p) {
    return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}
static inline void mv_store_release64(uint64_t *p, uint64_t v) {
    __atomic_store_n(p, v, __ATOMIC_RELEASE);
}
static inline void mv_store_release32(uint32_t *p, uint32_t v) {
    __atomic_store_n(p, v, __ATOMIC_RELEASE);
}

/* No order, but neither torn nor invented by the compiler. */
static inline uint64_t mv_load_relaxed64(const uint64_t *p) {
    return __atomic_load_n(p, __ATOMIC_RELAXED);
}
static inline uint32_t mv_load_relaxed32(const uint32_t *p) {
    return __atomic_load_n(p, __ATOMIC_RELAXED);
}
static inline void mv_store_relaxed64(uint64_t *p, uint64_t v) {
    __atomic_store_n(p, v, __ATOMIC_RELAXED);
}
static inline void mv_store_relaxed32(uint32_t *p, uint32_t v) {
    __atomic_store_n(p, v, __ATOMIC_RELAXED);
}

/* Orders an earlier store before a later load (the one thing that x86-64 does not do by itself). */
static inline void mv_fence_full(void) {
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline uint64_t mv_add64(uint64_t *p, uint64_t v) {
    return __atomic_add_fetch(p, v, __ATOMIC_SEQ_CST);
}
static inline uint64_t mv_sub64(uint64_t *p, uint64_t v) {
    return __atomic_sub_fetch(p, v, __ATOMIC_SEQ_CST);
}
static inline uint32_t mv_or32(uint32_t *p, uint32_t v) {
    return __atomic_or_fetch(p, v, __ATOMIC_SEQ_CST);
}
static inline uint32_t mv_and32(uint32_t *p, uint32_t v) {
    return __atomic_and_fetch(p, v, __ATOMIC_SEQ_CST);
}
static inline uint32_t mv_exchange32(uint32_t *p, uint32_t v) {
    return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);
}

/* Compare and swap; 1 when it was done. */
static inline int mv_swap32(uint32_t *p, uint32_t expected, uint32_t v) {
    return __atomic_compare_exchange_n(p, &expected, v, 0, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE);
}
static inline int mv_swap64(uint64_t *p, uint64_t expected, uint64_t v) {
    return __atomic_compare_exchange_n(p, &expected, v, 0, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE);
}
static inline int mv_swap8(uint8_t *p, uint8_t expected, uint8_t v) {
    return __atomic_compare_exchange_n(p, &expected, v, 0, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE);
}
static inline uint8_t mv_load_acquire8(const uint8_t *p) {
    return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}
static inline void mv_store_release8(uint8_t *p, uint8_t v) {
    __atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static inline void mv_pause(void) {
    __builtin_ia32_pause();
}

#endif
