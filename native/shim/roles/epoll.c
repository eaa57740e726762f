/* epoll's user data. The kernel gives back what the leader registered; a follower's own data (pointers,
 * mostly) may be other. It never registers anything: it notes, for each registration in which they differ,
 * the leader's data and its own, translates replayed events, and registers its own at a promotion.
 *
 * Registrations older than the follower have the same data in both: they are not noted. The table is the
 * follower's own memory, used under a lock by its threads. */
#include "../calls/guard.h"
#include "../sys.h"
#include "roles.h"

#define CTL_ADD 1
#define CTL_DEL 2
#define CTL_MOD 3

struct epoll_data {
    uint32_t events;
    uint64_t data;
} __attribute__((packed));
_Static_assert(sizeof(struct epoll_data) == 12, "the kernel's struct epoll_event");

struct registration {
    int32_t instance; /* 0 and descriptor 0: free (descriptor 0 as an epoll instance can't be told apart, and
                         is not) */
    int32_t descriptor;
    uint32_t events;
    uint32_t used;
    uint64_t leader, own;
};

#define REGISTRATIONS 65536u
static struct registration *table; /* mapped when the first difference shows */
static uint32_t table_end;         /* entries at and beyond were never used */
static uint32_t lock;

static void enter(void) {
    while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
        __builtin_ia32_pause();
}
static void leave(void) {
    __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

/* The follower's epoll_ctl succeeded in the leader with `leader_data`. */
void mv_epoll_registered(const uint64_t args[6], uint64_t leader_data) {
    struct epoll_data own = {0, 0};
    int32_t instance = (int32_t)args[0], operation = (int32_t)args[1], descriptor = (int32_t)args[2];
    if (operation != CTL_DEL && mv_guard_copy(&own, (const void *)args[3], sizeof own))
        return;
    int differs = operation != CTL_DEL && own.data != leader_data;
    if (!table && !differs)
        return;
    enter();
    if (!table) {
        long at = mv_sys6(__NR_mmap, 0, REGISTRATIONS * sizeof *table, 3, 0x22, -1, 0);
        if (mv_is_error(at))
            mv_follower_end(MV_REASON_NO_RESOURCES, 12, "no memory for the follower's epoll registrations");
        table = (struct registration *)at;
    }
    struct registration *place = NULL;
    for (uint32_t i = 0; i < table_end; i++) {
        struct registration *r = &table[i];
        /* The same registration again; or the leader uses this value for another one now (a freed pointer).
         */
        if (r->used && r->instance == instance &&
            (r->descriptor == descriptor || (operation != CTL_DEL && r->leader == leader_data)))
            r->used = 0;
        if (!r->used && !place)
            place = r;
    }
    if (differs) {
        if (!place && table_end == REGISTRATIONS)
            mv_follower_end(MV_REASON_NO_RESOURCES, 0,
                            "the follower has more than 65536 epoll registrations of its own");
        if (!place)
            place = &table[table_end++];
        *place = (struct registration){instance, descriptor, own.events, 1, leader_data, own.data};
    }
    leave();
}

/* The events that an epoll_wait of the leader brought, in the follower's memory: its own data instead. */
void mv_epoll_translate(int32_t instance, void *events, long count) {
    struct epoll_data *event = events;
    if (!table)
        return;
    enter();
    for (long i = 0; i < count; i++)
        for (uint32_t r = 0; r < table_end; r++)
            if (table[r].used && table[r].instance == instance && table[r].leader == event[i].data) {
                event[i].data = table[r].own;
                break;
            }
    leave();
}

/* This process leads now: the kernel is told its own data. A descriptor closed meanwhile has no registration.
 */
void mv_epoll_promote(void) {
    for (uint32_t i = 0; i < table_end; i++) {
        struct epoll_data event = {table[i].events, table[i].own};
        if (table[i].used)
            mv_sys4(__NR_epoll_ctl, table[i].instance, CTL_MOD, table[i].descriptor, (long)&event);
    }
    table_end = 0;
}
