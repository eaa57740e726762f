/* A keyed hash (SipHash-1-3): who chooses the keys can't choose where they fall.
 */
#ifndef KV_HASH_H
#define KV_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Draws the secret; once, before threads. 0, or -1 and errno. */
int hash_start(void);

uint32_t hash_bytes(const char *bytes, size_t size);

#endif
