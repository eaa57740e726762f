#include "pool.h"

#include "rewrite.h"
#include "sys.h"

/* Not all of the 2 GiB: a displaced operand may point a bit outside the extent that the ELF headers tell. */
static const uintptr_t REACH = (uintptr_t)0x7f000000;

/* Heap above an executable without ASLR grows from its end: what is mapped there would stop brk. */
static const uintptr_t HEAP_ROOM = (uintptr_t)0x40000000;

static const uintptr_t LOWEST = 0x10000, HIGHEST = 0x7ffffffff000;

static int near(uintptr_t at, size_t size, uintptr_t low, uintptr_t high) {
    uintptr_t first = at < low ? at : low, last = at + size > high ? at + size : high;
    return last - first < REACH;
}

static long try_at(uintptr_t at, size_t size, uintptr_t low, uintptr_t high) {
    long got = mv_sys_map(at, size);
    if (got < 0)
        return got;
    if (near((uintptr_t)got, size, low, high))
        return got;
    mv_sys_unmap((uintptr_t)got, size); /* kernels before 4.17 take the address for a mere hint */
    return -1;
}

long mv_pool_map(size_t size, uintptr_t low, uintptr_t high) {
    /* Most code lies where the kernel puts mappings anyway. */
    long got = try_at(0, size, low, high);
    if (got > 0)
        return got;

    low &= ~(uintptr_t)(MV_PAGE - 1);
    /* Growing steps: dense near the object, and still few tries through the whole reach. */
    for (uintptr_t gone = 0, pace = 0x10000; gone < REACH;
         gone += pace, pace += pace / 8 & ~(uintptr_t)0xfff) {
        if (low < LOWEST + size + gone)
            break;
        got = try_at(low - size - gone, size, low, high);
        if (got > 0)
            return got;
    }
    uintptr_t above = (high + MV_PAGE - 1) & ~(uintptr_t)(MV_PAGE - 1);
    for (uintptr_t gone = HEAP_ROOM; gone < REACH && above + gone + size < HIGHEST; gone += 0x400000) {
        got = try_at(above + gone, size, low, high);
        if (got > 0)
            return got;
    }
    return MV_REWRITE_OUT_OF_REACH;
}

void *mv_registry_alloc(size_t size) {
    enum { CHUNK = 256 << 10 };
    static uintptr_t next, limit;
    size = (size + 7) & ~(size_t)7;
    if (size > limit - next) {
        size_t chunk = size > CHUNK ? (size + MV_PAGE - 1) & ~(size_t)(MV_PAGE - 1) : CHUNK;
        long got = mv_sys_map(0, chunk);
        if (got < 0)
            return NULL;
        mv_sys_name((uintptr_t)got, chunk, "mvedsua registry");
        next = (uintptr_t)got;
        limit = next + chunk;
    }
    void *result = (void *)next;
    next += size;
    return result;
}
