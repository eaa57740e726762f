/* The conversions of the update to 2.0, without an update: a table of 1.0 becomes one of 2.0, field by field
 * as the description says; then 2.0 must find every key, and be able to remove it. conversions right|forgets:
 * status 0 when that is so
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/hash.h"
#include "../base/memory.h"
#include "../broken/wrong.c" /* NOLINT(bugprone-suspicious-include) */

enum { KEYS = 5000, NAME_SIZE = 16 };

static struct table_1_0 old;
static struct entry_1_0 *before[KEYS];
static struct entry *after[KEYS];

static struct text name_of(int number, char text[NAME_SIZE]) {
    int size = snprintf(text, NAME_SIZE, "key%d", number);
    return (struct text){text, (size_t)size};
}

static void fill(int number) {
    char text[NAME_SIZE];
    struct text name = name_of(number, text);
    struct entry_1_0 *entry = memory_zeroed(1, sizeof *entry + name.size);
    entry->hash = hash_bytes(name.bytes, name.size);
    entry->key_size = (uint16_t)name.size;
    memcpy(entry->key, name.bytes, name.size);
    entry->value = strdup(name.bytes);
    entry->value_size = (uint32_t)name.size;
    table_insert_1_0(&old, entry);
    before[number] = entry;
}

/* What the update does by itself. */
static void convert_fields(int number) {
    const struct entry_1_0 *from = before[number];
    struct entry *to = after[number];
    to->type = VALUE_TEXT;
    to->text_size = from->value_size;
    to->hash = from->hash;
    to->deadline = from->expires;
    to->key_size = from->key_size;
    memcpy(to->key, from->key, from->key_size);
    entry_converted(from, to);
}

static struct entry *converted(const struct entry_1_0 *entry) {
    for (int i = 0; entry && i < KEYS; i++)
        if (before[i] == entry)
            return after[i];
    return NULL;
}

static int wrong_keys(const struct table *table) {
    int wrong = 0;
    for (int i = 0; i < KEYS; i++) {
        char text[NAME_SIZE];
        struct text name = name_of(i, text);
        const struct entry *entry = table_find(table, name, hash_bytes(name.bytes, name.size));
        if (entry != after[i] || entry->text_size != name.size ||
            memcmp(entry->value.text, name.bytes, name.size) != 0)
            wrong++;
    }
    return wrong;
}

int main(int count, char **arguments) {
    if (count != 2 || hash_start())
        return 2;
    for (int i = 0; i < KEYS; i++)
        fill(i);
    for (int i = 0; i < KEYS; i++)
        after[i] = memory_zeroed(1, sizeof *after[i] + NAME_SIZE);
    for (int i = 0; i < KEYS; i++)
        convert_fields(i);
    struct table table = {.count = old.count, .bucket_count = old.capacity};
    table.buckets = memory_zeroed(old.capacity, sizeof(struct entry *));
    for (size_t slot = 0; slot < old.capacity; slot++)
        table.buckets[slot] = converted(old.slots[slot]);
    (strcmp(arguments[1], "right") == 0 ? table_converted : table_forgets)(&old, &table);
    int wrong = wrong_keys(&table);
    printf("%d of %d keys are not found as they were\n", wrong, KEYS);
    for (int i = 0; i < KEYS; i++) {
        struct entry *entry = after[i];
        if (wrong == 0)
            table_remove(&table, entry);
        free(before[i]->value);
        free(before[i]);
        free(entry);
    }
    free(old.slots);
    free(table.buckets);
    return wrong > 0 || (wrong == 0 && table.count > 0);
}
