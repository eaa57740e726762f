#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "../base/memory.h"

enum { FIRST_CAPACITY = 16 };

static size_t next_slot(const struct table *table, size_t slot) {
    return (slot + 1) & (table->capacity - 1);
}

struct entry *table_find(const struct table *table, struct text key, uint32_t hash) {
    if (table->capacity == 0)
        return NULL;
    for (size_t slot = hash & (table->capacity - 1); table->slots[slot]; slot = next_slot(table, slot)) {
        struct entry *entry = table->slots[slot];
        if (entry->hash == hash && entry->key_size == key.size &&
            memcmp(entry->key, key.bytes, key.size) == 0)
            return entry;
    }
    return NULL;
}

static void place(struct table *table, struct entry *entry) {
    size_t slot = entry->hash & (table->capacity - 1);
    while (table->slots[slot])
        slot = next_slot(table, slot);
    table->slots[slot] = entry;
}

static void grow(struct table *table) {
    struct table larger = {.capacity = table->capacity ? 2 * table->capacity : FIRST_CAPACITY,
                           .count = table->count};
    larger.slots = memory_zeroed(larger.capacity, sizeof(struct entry *));
    for (size_t slot = 0; slot < table->capacity; slot++)
        if (table->slots[slot])
            place(&larger, table->slots[slot]);
    table_free(table);
    *table = larger;
}

void table_insert(struct table *table, struct entry *entry) {
    if (4 * (table->count + 1) > 3 * table->capacity)
        grow(table);
    place(table, entry);
    table->count++;
}

void table_remove(struct table *table, struct entry *entry) {
    size_t hole = entry->hash & (table->capacity - 1);
    while (table->slots[hole] != entry)
        hole = next_slot(table, hole);
    /* What follows moves up, unless it would come before its own place: so there is never a gap on the way
     * from an entry's place to the entry. */
    for (size_t slot = next_slot(table, hole); table->slots[slot]; slot = next_slot(table, slot)) {
        size_t own = table->slots[slot]->hash & (table->capacity - 1);
        if (((slot - own) & (table->capacity - 1)) < ((slot - hole) & (table->capacity - 1)))
            continue;
        table->slots[hole] = table->slots[slot];
        hole = slot;
    }
    table->slots[hole] = NULL;
    table->count--;
}

void table_free(struct table *table) {
    free(table->slots);
    *table = (struct table){0};
}
