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

static void entry_free(struct entry *entry) {
    free(entry->value);
    free(entry);
}

void store_free(struct store *store) {
    for (unsigned i = 0; i < store->count; i++) {
        struct shard *shard = &store->shards[i];
        for (size_t slot = 0; slot < shard->table.capacity; slot++)
            if (shard->table.slots[slot])
                entry_free(shard->table.slots[slot]);
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
    shard->bytes -= entry->key_size + (size_t)entry->value_size;
    entry_free(entry);
}

static bool has_expired(const struct entry *entry, int64_t now) {
    return entry->expires && entry->expires <= now;
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

static void set_value(struct shard *shard, struct entry *entry, struct text value) {
    char *copy = memory_new(value.size + 1);
    memcpy(copy, value.bytes, value.size);
    copy[value.size] = '\0';
    shard->bytes += value.size - entry->value_size;
    free(entry->value);
    entry->value = copy;
    entry->value_size = (uint32_t)value.size;
}

static struct entry *new_entry(struct place *place) {
    struct entry *entry = memory_new(sizeof *entry + place->key.size);
    *entry = (struct entry){.hash = place->hash, .key_size = (uint16_t)place->key.size};
    memcpy(entry->key, place->key.bytes, place->key.size);
    place->shard->bytes += place->key.size;
    table_insert(&place->shard->table, entry);
    return entry;
}

void store_put(struct store *store, struct place *place, struct text value, long most) {
    struct shard *shard = place->shard;
    struct entry *entry = store_peek(place);
    if (entry)
        ring_remove(shard, entry);
    else
        entry = new_entry(place);
    ring_insert(shard, entry);
    set_value(shard, entry, value);
    entry->expires = 0;
    size_t share = ((size_t)most + store->count - 1) / store->count;
    while (share && shard->newest && shard->table.count > share) {
        remove_entry(shard, shard->newest->newer);
        shard->evicted++;
    }
}

void store_append(struct place *place, struct entry *entry, struct text more) {
    entry->value = memory_resized(entry->value, (size_t)entry->value_size + more.size + 1);
    memcpy(entry->value + entry->value_size, more.bytes, more.size);
    entry->value_size += (uint32_t)more.size;
    entry->value[entry->value_size] = '\0';
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
