/* Entries by their keys: open addressing with linear probing.
 */
#ifndef KV_TABLE_H
#define KV_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "../base/text.h"

struct entry {
    struct entry *newer, *older; /* a ring in the order of last use */
    char *value;
    uint32_t value_size;
    uint32_t hash;
    int64_t expires; /* milliseconds of the monotonic clock; 0: never */
    uint16_t key_size;
    char key[]; /* no NUL at its end */
};

struct table {
    struct entry **slots; /* NULL: free */
    size_t capacity;      /* a power of two, or 0 */
    size_t count;
};

struct entry *table_find(const struct table *table, struct text key, uint32_t hash);

/* The entry's key must not be there. */
void table_insert(struct table *table, struct entry *entry);

/* The entry must be there. */
void table_remove(struct table *table, struct entry *entry);

/* Gives the table's own memory back, not the entries. */
void table_free(struct table *table);

#endif
