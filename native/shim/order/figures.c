/* What jemalloc tells of itself (mallctl, "stats.…"): how much it holds depends on its own threads and clock,
 * and is each process's own. A program that tells it on (Redis: INFO, MEMORY STATS) would differ: so a
 * follower is told its leader's figures. */
#include "interpose.h"

static int (*real)(const char *, void *, size_t *, void *, size_t);

void mv_figures_find(void) {
    real = (__typeof__(real))MV_REAL("mallctl");
}

static int is_figure(const char *name) {
    static const char prefix[] = "stats.";
    for (unsigned i = 0; i < sizeof prefix - 1; i++)
        if (name[i] != prefix[i])
            return 0;
    return 1;
}

/* The name stands elsewhere in another version. (No address has this bit.) */
static uint64_t object_of(const char *name) {
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    while (*name)
        hash = (hash ^ (uint8_t)*name++) * 1099511628211u;
    return hash | MV_ORDER_NAMED;
}

/* The role that counts is the one after the real call, in which a follower may have been made. */
static long told(struct mv_thread *self, const char *name, long own) {
    for (;;) {
        mv_hook_begin(self);
        int follows = mv.role == MV_ROLE_FOLLOWER;
        if (!follows && self->log && mv_leader_publishing())
            mv_order_publish(self, MV_ORDER_FIGURE, object_of(name), own);
        mv_hook_end(self);
        if (!follows)
            return own;
        long leaders = mv_order_turn(self, MV_ORDER_FIGURE, object_of(name));
        if (leaders != MV_ORDER_PROMOTED) {
            mv_order_taken(self);
            return leaders;
        }
    }
}

EXPORT int mallctl(const char *name, void *old, size_t *size, void *new, size_t new_size) {
    void *caller = __builtin_return_address(0);
    struct mv_thread *self = mv_self;
    int result = real ? real(name, old, size, new, new_size) : 2 /* ENOENT: there is no jemalloc */;
    if (result || new || !old || !size || *size > sizeof(long) || mv.role == MV_ROLE_SOLO ||
        !mv_ordered(self, caller) || !is_figure(name))
        return result;
    long value = 0;
    mv_comes(caller);
    __builtin_memcpy(&value, old, *size);
    value = told(self, name, value);
    __builtin_memcpy(old, &value, *size);
    return 0;
}
