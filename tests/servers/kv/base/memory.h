/* Memory that is there, or the program's end: a server of caches has nothing better to do when none is left.
 */
#ifndef KV_MEMORY_H
#define KV_MEMORY_H

#include <stddef.h>

/* size bytes of any content; freed by free(). Never NULL. */
void *memory_new(size_t size);

/* count times size bytes of zeros. Never NULL. */
void *memory_zeroed(size_t count, size_t size);

/* What realloc() does, for a size above 0. Never NULL. */
void *memory_resized(void *block, size_t size);

#endif
