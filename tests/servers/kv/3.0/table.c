#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "../base/memory.h"

enum { FIRST_COUNT = 16 };

static struct entry **bucket_of(const struct table *table, uint32_t hash) {
    return &table->buckets[hash & (table->bucket_count - 1)];
}

struct entry *table_find(const struct table *table, struct text key, uint32_t hash) {
    if (table->bucket_count == 0)
        return NULL;
    struct entry *entry = *bucket_of(table, hash);
    while (entry && (entry->hash != hash || entry->key_size != key.size ||
                     memcmp(entry->key, key.bytes, key.size) != 0))
        entry = entry->next;
    return entry;
}

static void place(struct table *table, struct entry *entry) {
    struct entry **bucket = bucket_of(table, entry->hash);
    entry->next = *bucket;
    *bucket = entry;
}

static void grow(struct table *table) {
    struct entry **old = table->buckets;
    size_t old_count = table->bucket_count;
    table->bucket_count = old_count ? 2 * old_count : FIRST_COUNT;
    table->buckets = memory_zeroed(table->bucket_count, sizeof(struct entry *));
    for (size_t i = 0; i < old_count; i++)
        for (struct entry *next, *entry = old[i]; entry; entry = next) {
            next = entry->next;
            place(table, entry);
        }
    free(old);
}

void table_insert(struct table *table, struct entry *entry) {
    if (table->count >= table->bucket_count)
        grow(table);
    place(table, entry);
    table->count++;
}

void table_remove(struct table *table, struct entry *entry) {
    struct entry **link = bucket_of(table, entry->hash);
    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    table->count--;
}

void table_free(struct table *table) {
    free(table->buckets);
    *table = (struct table){0};
}
