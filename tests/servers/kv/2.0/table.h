/* Entries by their keys: a list to a bucket.
 */
#ifndef KV_TABLE_H
#define KV_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "../base/text.h"

enum value_type { VALUE_TEXT, VALUE_NUMBER };

union value {
    char *text;
    int64_t number;
};

struct entry {
    struct entry *next; /* in the same bucket */
    enum value_type type;
    union value value;
    uint32_t text_size;
    uint32_t hash;
    int64_t deadline;            /* milliseconds of the monotonic clock; 0: none */
    struct entry *older, *newer; /* a ring in the order of last use */
    uint16_t key_size;
    char key[]; /* no NUL at its end */
};

struct table {
    size_t count;
    size_t bucket_count; /* a power of two, or 0 */
    struct entry **buckets;
};

struct entry *table_find(const struct table *table, struct text key, uint32_t hash);

/* The entry's key must not be there. */
void table_insert(struct table *table, struct entry *entry);

/* The entry must be there. */
void table_remove(struct table *table, struct entry *entry);

/* Gives the table's own memory back, not the entries. */
void table_free(struct table *table);

#endif
