/* Memory for trampolines, near the code that jumps there, and for the registry. */
#ifndef MVEDSUA_REWRITE_POOL_H
#define MVEDSUA_REWRITE_POOL_H

#include <stddef.h>
#include <stdint.h>

/*
 * Maps `size` bytes (readable, writable) so that every byte of [low, high) reaches every byte of it, and the
 * other way round, with a signed 32-bit displacement. Returns the address or a negative status of rewrite.h.
 */
long mv_pool_map(size_t size, uintptr_t low, uintptr_t high);

/* Zeroed memory that lives as long as the process, 8-byte aligned; 0 when there is none. */
void *mv_registry_alloc(size_t size);

#endif
