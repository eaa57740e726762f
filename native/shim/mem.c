/*
 * The five functions that gcc may call on its own in freestanding code, so that the shim needs no libc for
 * them. rep movsb/stosb are as fast as vector code for anything but short runs on every processor since 2013
 * (ERMS), and need no vector register, which the program at a system call still owns.
 */
#include <stddef.h>
#include <stdint.h>

__attribute__((visibility("hidden"))) void *memcpy(void *restrict to, const void *restrict from, size_t n) {
    void *result = to;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
    return result;
}

__attribute__((visibility("hidden"))) void *memset(void *to, int byte, size_t n) {
    void *result = to;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(byte) : "memory");
    return result;
}

__attribute__((visibility("hidden"))) void *memmove(void *to, const void *from, size_t n) {
    if ((uintptr_t)to - (uintptr_t)from >= n)
        return memcpy(to, from, n);
    /* The kernel clears the direction flag on every entry and the ABI wants it clear: put it back at once. */
    uint8_t *last_to = (uint8_t *)to + n - 1;
    const uint8_t *last_from = (const uint8_t *)from + n - 1;
    __asm__ volatile("std\n\trep movsb\n\tcld" : "+D"(last_to), "+S"(last_from), "+c"(n) : : "memory");
    return to;
}

__attribute__((visibility("hidden"))) int memcmp(const void *left, const void *right, size_t n) {
    const uint8_t *a = left, *b = right;
    while (n >= 8 && *(const uint64_t *)a == *(const uint64_t *)b) {
        a += 8;
        b += 8;
        n -= 8;
    }
    for (; n != 0; a++, b++, n--) {
        if (*a != *b)
            return *a - *b;
    }
    return 0;
}

__attribute__((visibility("hidden"))) size_t strlen(const char *text) {
    const char *p = text;
    while (*p != 0) {
        /* Keeps gcc from recognising the loop and calling strlen for it. */
        __asm__ volatile("" : "+r"(p));
        p++;
    }
    return (size_t)(p - text);
}
