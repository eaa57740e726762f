/* All keys and values: in shards, each with a lock of its own, so that threads seldom wait for each other.
 */
#ifndef KV_STORE_H
#define KV_STORE_H

#include <pthread.h>
#include <stdbool.h>

#include "table.h"

struct shard {
    pthread_mutex_t lock;
    struct table table;
    struct entry *newest;  /* of the ring: its newer one is the oldest */
    size_t bytes;          /* of keys and values */
    struct entry *sweeper; /* the next one that is looked at whether it has expired; NULL: the newest */
    uint64_t hits, misses, evicted, expired;
};

struct store {
    unsigned count;
    struct shard shards[];
};

/* Where a key is, while its shard is locked. */
struct place {
    struct shard *shard;
    struct text key;
    uint32_t hash;
    int64_t now; /* of the loop: what has expired by then is not there */
};

struct store_totals {
    size_t keys, bytes;
    uint64_t hits, misses, evicted, expired;
};

struct store *store_new(unsigned shards);

void store_free(struct store *store);

/* Locks the key's shard. */
struct place store_enter(struct store *store, struct text key, int64_t now);

void store_leave(struct place *place);

/* The entry, which then is the most recently used one, or NULL; counts as a hit or a miss. */
struct entry *store_get(struct place *place);

/* The same, and neither counts nor uses. */
struct entry *store_peek(struct place *place);

/* Stores the text, which is copied, in place of any other value. The key does not expire. most: of the keys
 * of all shards, or 0. */
void store_put_text(struct store *store, struct place *place, struct text text, long most);

/* The same for a number. */
void store_put_number(struct store *store, struct place *place, int64_t number, long most);

/* Adds to the end of an entry's text. */
void store_append(struct place *place, struct entry *entry, struct text more);

void store_delete(struct place *place, struct entry *entry);

/* Calls a function for the keys that begin with the prefix, a shard after the other, the most recently used
 * ones first, at most limit times. */
void store_scan(struct store *store, struct text prefix, long limit, int64_t now,
                void (*found)(void *data, const struct entry *entry), void *data);

struct store_totals store_count(struct store *store);

/* Looks at some entries of each shard, the next time at those behind them, and deletes those that have
 * expired. */
void store_sweep(struct store *store, int64_t now);

#endif
