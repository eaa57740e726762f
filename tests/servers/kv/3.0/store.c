#include "store.h"

#include <stdlib.h>
#include <string.h>

#include "../base/hash.h"
#include "../base/memory.h"

enum { SWEEP = 1000 };

struct store *store_new(unsigned shards) {
    struct store *store = memory_zeroed(1, sizeof *store + shards * sizeof *store->shards);
    store->count = shards;
    for (unsigned i = 0; i < shards; i++)
        pthread_mutex_init(&store->shards[i].lock, NULL);
    return store;
}

static size_t value_size(const struct entry *entry) {
    return entry->type == VALUE_NUMBER ? sizeof entry->value.number : entry->text_size;
}

static void value_free(struct entry *entry) {
    if (entry->type == VALUE_TEXT)
        free(entry->value.text);
}

static void entry_free(struct entry *entry) {
    value_free(entry);
    free(entry);
}

void store_free(struct store *store) {
    for (unsigned i = 0; i < store->count; i++) {
        struct shard *shard = &store->shards[i];
        for (size_t bucket = 0; bucket < shard->table.bucket_count; bucket++)
            for (struct entry *next, *entry = shard->table.buckets[bucket]; entry; entry = next) {
                next = entry->next;
                entry_free(entry);
            }
        table_free(&shard->table);
        pthread_mutex_destroy(&shard->lock);
    }
    free(store);
}

/* The table uses the hash's low bits, the choice of the shard its high ones. */
struct place store_enter(struct store *store, struct text key, int64_t now) {
    uint32_t hash = hash_bytes(key.bytes, key.size);
    struct shard *shard = &store->shards[(uint64_t)hash * store->count >> 32];
    pthread_mutex_lock(&shard->lock);
    return (struct place){shard, key, hash, now};
}

void store_leave(struct place *place) {
    pthread_mutex_unlock(&place->shard->lock);
}

static void ring_insert(struct shard *shard, struct entry *entry) {
    struct entry *newest = shard->newest;
    entry->older = newest ? newest : entry;
    entry->newer = newest ? newest->newer : entry;
    entry->older->newer = entry;
    entry->newer->older = entry;
    shard->newest = entry;
}

static void ring_remove(struct shard *shard, struct entry *entry) {
    struct entry *next = entry->older == entry ? NULL : entry->older;
    if (shard->newest == entry)
        shard->newest = next;
    if (shard->sweeper == entry)
        shard->sweeper = next;
    entry->older->newer = entry->newer;
    entry->newer->older = entry->older;
}

static void remove_entry(struct shard *shard, struct entry *entry) {
    table_remove(&shard->table, entry);
    ring_remove(shard, entry);
    shard->bytes -= entry->key_size + value_size(entry);
    entry_free(entry);
}

static bool has_expired(const struct entry *entry, int64_t now) {
    return entry->deadline && entry->deadline <= now;
}

struct entry *store_peek(struct place *place) {
    struct entry *entry = table_find(&place->shard->table, place->key, place->hash);
    if (!entry || !has_expired(entry, place->now))
        return entry;
    remove_entry(place->shard, entry);
    place->shard->expired++;
    return NULL;
}

struct entry *store_get(struct place *place) {
    struct entry *entry = store_peek(place);
    if (!entry) {
        place->shard->misses++;
        return NULL;
    }
    place->shard->hits++;
    ring_remove(place->shard, entry);
    ring_insert(place->shard, entry);
    return entry;
}

static struct entry *new_entry(struct place *place) {
    struct entry *entry = memory_new(sizeof *entry + place->key.size);
    *entry = (struct entry){.hash = place->hash, .key_size = (uint16_t)place->key.size};
    memcpy(entry->key, place->key.bytes, place->key.size);
    place->shard->bytes += place->key.size;
    table_insert(&place->shard->table, entry);
    return entry;
}

/* The key's entry, new or not, as the most recently used one. */
static struct entry *entry_for(struct place *place) {
    struct entry *entry = store_peek(place);
    if (entry)
        ring_remove(place->shard, entry);
    else
        entry = new_entry(place);
    ring_insert(place->shard, entry);
    entry->deadline = 0;
    return entry;
}

static void set_value(struct shard *shard, struct entry *entry, enum value_type type, union value value,
                      uint32_t text_size) {
    shard->bytes -= value_size(entry);
    value_free(entry);
    entry->type = type;
    entry->value = value;
    entry->text_size = text_size;
    shard->bytes += value_size(entry);
}

static void evict(struct store *store, struct shard *shard, long most) {
    size_t share = ((size_t)most + store->count - 1) / store->count;
    while (share && shard->newest && shard->table.count > share) {
        remove_entry(shard, shard->newest->newer);
        shard->evicted++;
    }
}

void store_put_text(struct store *store, struct place *place, struct text text, long most) {
    char *copy = memory_new(text.size + 1);
    memcpy(copy, text.bytes, text.size);
    copy[text.size] = '\0';
    set_value(place->shard, entry_for(place), VALUE_TEXT, (union value){.text = copy}, (uint32_t)text.size);
    evict(store, place->shard, most);
}

void store_put_number(struct store *store, struct place *place, int64_t number, long most) {
    set_value(place->shard, entry_for(place), VALUE_NUMBER, (union value){.number = number}, 0);
    evict(store, place->shard, most);
}

void store_append(struct place *place, struct entry *entry, struct text more) {
    char *text = memory_resized(entry->value.text, (size_t)entry->text_size + more.size + 1);
    memcpy(text + entry->text_size, more.bytes, more.size);
    entry->text_size += (uint32_t)more.size;
    text[entry->text_size] = '\0';
    entry->value.text = text;
    place->shard->bytes += more.size;
}

void store_delete(struct place *place, struct entry *entry) {
    remove_entry(place->shard, entry);
}

void store_scan(struct store *store, struct text prefix, long limit, int64_t now,
                void (*found)(void *data, const struct entry *entry), void *data) {
    for (unsigned i = 0; i < store->count && limit > 0; i++) {
        struct shard *shard = &store->shards[i];
        pthread_mutex_lock(&shard->lock);
        struct entry *entry = shard->newest;
        for (size_t left = shard->table.count; left > 0 && limit > 0; left--, entry = entry->older)
            if (text_begins_with((struct text){entry->key, entry->key_size}, prefix) &&
                !has_expired(entry, now)) {
                found(data, entry);
                limit--;
            }
        pthread_mutex_unlock(&shard->lock);
    }
}

struct store_totals store_count(struct store *store) {
    struct store_totals totals = {0};
    for (unsigned i = 0; i < store->count; i++) {
        struct shard *shard = &store->shards[i];
        pthread_mutex_lock(&shard->lock);
        totals.keys += shard->table.count;
        totals.bytes += shard->bytes;
        totals.hits += shard->hits;
        totals.misses += shard->misses;
        totals.evicted += shard->evicted;
        totals.expired += shard->expired;
        pthread_mutex_unlock(&shard->lock);
    }
    return totals;
}

static void sweep(struct shard *shard, int64_t now) {
    size_t count = shard->table.count;
    for (size_t left = count < SWEEP ? count : SWEEP; left > 0 && shard->newest; left--) {
        struct entry *entry = shard->sweeper ? shard->sweeper : shard->newest;
        shard->sweeper = entry->older;
        if (has_expired(entry, now)) {
            remove_entry(shard, entry);
            shard->expired++;
        }
    }
}

void store_sweep(struct store *store, int64_t now) {
    for (unsigned i = 0; i < store->count; i++) {
        struct shard *shard = &store->shards[i];
        pthread_mutex_lock(&shard->lock);
        sweep(shard, now);
        pthread_mutex_unlock(&shard->lock);
    }
}
