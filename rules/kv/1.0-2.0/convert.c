/* What the description can't say of the update to 2.0. Each function is given an object as it was and as it
 * is, when all fields of the same meaning have been converted, those of other objects too.
 */
#include "tables.h"

void entry_converted(const void *from, void *to);
void table_converted(const void *from, void *to);

void entry_converted(const void *from, void *to) {
    const struct entry_1_0 *old = from;
    struct entry *entry = to;
    entry->value.text = old->value;
}

/* An entry stood in the first free slot from its own one on; now each is in the list of its own. */
void table_converted(const void *from, void *to) {
    struct table *table = to;
    struct entry *all = NULL;
    (void)from;
    for (size_t i = 0; i < table->bucket_count; i++) {
        struct entry *entry = table->buckets[i];
        table->buckets[i] = NULL;
        if (entry) {
            entry->next = all;
            all = entry;
        }
    }
    while (all) {
        struct entry *entry = all;
        struct entry **bucket = &table->buckets[entry->hash & (table->bucket_count - 1)];
        all = entry->next;
        entry->next = *bucket;
        *bucket = entry;
    }
}
