/* epoll's user data. The kernel gives back what the leader registered; a follower's own data (pointers,
 * mostly) may be other. It never registers anything: it notes, for each registration in which they differ,
 * the leader's data and its own, translates replayed events, and registers its own at a promotion (rearm.c).
 *
 * Registrations that fire once are noted too, and whether they have: a leader may die with an event in its
 * hands. Those older than the follower have the same data in both: they are not noted. The table is the
 * follower's own memory, used under a lock by its threads. */
#include "epoll.h"
#include "../calls/guard.h"
#include "../log/barriers.h"
#include "../order/order.h"
#include "../sys.h"
#include "handover.h"
#include "roles.h"
#include "streams.h"

static struct mv_registration *table; /* mapped when there is something to note */
static uint32_t table_end;            /* entries at and beyond were never used */
static uint32_t ages;
static uint32_t lock;

/* Instances whose registrations the kernel must be asked for at a promotion: because they may be
 * edge-triggered, or fire once. */
static int32_t instances[MV_EPOLL_INSTANCES];
static uint32_t instance_count;

static void enter(void) {
    while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
        __builtin_ia32_pause();
}
static void leave(void) {
    __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

static void ask_about(int32_t instance) {
    uint32_t i = 0;
    while (i < instance_count && instances[i] != instance)
        i++;
    if (i < MV_EPOLL_INSTANCES) {
        instances[i] = instance;
        instance_count += i == instance_count;
    }
}

static void forget(void) {
    table_end = instance_count = 0;
}

/* Before the process is copied: nothing is noted. */
void mv_epoll_start(void) {
    forget();
}

/* … and this instance exists already, with whatever is registered in it. */
void mv_epoll_exists(int32_t instance) {
    ask_about(instance);
}

static struct mv_registration *place_for(int32_t instance, int32_t descriptor) {
    struct mv_registration *place = NULL;
    for (uint32_t i = 0; i < table_end; i++) {
        struct mv_registration *r = &table[i];
        if (r->used && r->instance == instance && r->descriptor == descriptor)
            return r;
        if (!r->used && !place)
            place = r;
    }
    return place;
}

/* A registration was used or changed by a record of one thread while another thread stands in a call that
 * changes it, and has no record yet. It was replayed up to here because that thread had come to its call
 * (order/progress.c): in the leader the call was made before. Should its record be lost, then only because
 * the leader died between the two. */
static void overtakes(const struct mv_thread *self, int32_t instance, int32_t descriptor) {
    if (!mv_threads_exist)
        return;
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area)) {
        const struct mv_frame *frame = mv_thread_frame(area);
        uint64_t event = mv_load_relaxed64(&area->reader.sequence);
        if (area != self && mv_load_acquire32(&area->asks) && area->call == __NR_epoll_ctl &&
            (instance < 0 || (int32_t)frame->rdi == instance) && (int32_t)frame->rdx == descriptor)
            mv_store_relaxed64(&area->overtaken, event + 1);
    }
}

int mv_epoll_have_room(void) {
    long at = table ? 0 : mv_sys6(__NR_mmap, 0, MV_REGISTRATIONS * sizeof *table, 3, 0x22, -1, 0);
    if (!table && !mv_is_error(at))
        table = (struct mv_registration *)at;
    return table != NULL;
}

/* The follower's epoll_ctl succeeded in the leader with `leader_data`. */
void mv_epoll_registered(const uint64_t args[6], uint64_t leader_data) {
    struct mv_epoll_data own = {0, 0};
    int32_t instance = (int32_t)args[0], operation = (int32_t)args[1], descriptor = (int32_t)args[2];
    overtakes(mv_self, instance, descriptor);
    if (operation != MV_EPOLL_DEL && mv_guard_copy(&own, (const void *)args[3], sizeof own))
        return;
    int noted = operation != MV_EPOLL_DEL && (own.data != leader_data || (own.events & MV_EPOLL_ONESHOT));
    int asked = (own.events & (MV_EPOLL_ONESHOT | MV_EPOLL_EDGE)) || mv_stream_is_signals(descriptor);
    if (!table && !noted && !asked)
        return;
    enter();
    if (asked)
        ask_about(instance);
    struct mv_registration *place = table ? place_for(instance, descriptor) : NULL;
    if (place)
        place->used = 0;
    if (noted) {
        if (!mv_epoll_have_room())
            mv_follower_end(MV_REASON_NO_RESOURCES, 12, "no memory for the follower's epoll registrations");
        if (!place && table_end == MV_REGISTRATIONS)
            mv_follower_end(MV_REASON_NO_RESOURCES, 0,
                            "the follower has more than 65536 epoll registrations of its own");
        if (!place)
            place = &table[table_end++];
        *place =
            (struct mv_registration){instance, descriptor, own.events, 1, 0, ++ages, leader_data, own.data};
    }
    leave();
}

/* The leader closed a descriptor: its registrations are gone, and the same data may stand for others. A
 * duplicate keeps them. */
void mv_epoll_closed(int64_t descriptor) {
    overtakes(mv_self, -1, (int32_t)descriptor);
    if (!table_end || mv_stream_is_shared(descriptor))
        return;
    enter();
    for (uint32_t i = 0; i < table_end; i++)
        if (table[i].instance == descriptor || table[i].descriptor == descriptor)
            table[i].used = 0;
    leave();
}

/* An event of a registration whose record was lost with the leader: with the data of the thread that stands
 * in that call. */
static void translate_lost(int32_t instance, struct mv_epoll_data *event) {
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area)) {
        const struct mv_frame *frame = mv_thread_frame(area);
        const struct mv_intent *intent = mv_intent_of(area);
        struct mv_epoll_data own = {0, 0};
        if (!intent || intent->call != __NR_epoll_ctl || !mv_load_acquire32(&area->asks) ||
            area->call != __NR_epoll_ctl || (int32_t)frame->rdi != instance || frame->rsi == MV_EPOLL_DEL ||
            intent->noted[1] != event->data || mv_guard_copy(&own, (const void *)frame->r10, sizeof own))
            continue;
        event->data = own.data;
        if (own.events & MV_EPOLL_ONESHOT) /* which this event disabled */
            overtakes(mv_self, instance, (int32_t)frame->rdx);
        return;
    }
}

/* The events that an epoll_wait of the leader brought, in the follower's memory: its own data instead. */
void mv_epoll_translate(int32_t instance, void *events, long count) {
    struct mv_epoll_data *event = events;
    int lost = mv_threads_exist && mv_log_owner_dead(&mv_self->reader);
    if (!table_end && !lost)
        return;
    enter();
    for (long i = 0; i < count; i++) {
        struct mv_registration *found = NULL;
        for (uint32_t r = 0; r < table_end; r++)
            if (table[r].used && table[r].instance == instance && table[r].leader == event[i].data &&
                (!found || found->age < table[r].age))
                found = &table[r];
        if (!found && lost)
            translate_lost(instance, &event[i]);
        if (!found)
            continue;
        event[i].data = found->own;
        if (found->fired && (found->events & MV_EPOLL_ONESHOT)) /* so it had been enabled again */
            overtakes(mv_self, instance, found->descriptor);
        found->fired = 1;
    }
    leave();
}

const struct mv_registration *mv_epoll_find(int32_t instance, int32_t descriptor) {
    for (uint32_t i = 0; i < table_end; i++)
        if (table[i].used && table[i].instance == instance && table[i].descriptor == descriptor)
            return &table[i];
    return NULL;
}

/* This process leads now: the kernel is told its own data. A descriptor closed meanwhile has no registration.
 */
void mv_epoll_promote(void) {
    for (uint32_t i = 0; i < instance_count; i++)
        if (mv_epoll_rearm(instances[i]))
            for (uint32_t r = 0; r < table_end; r++)
                if (table[r].instance == instances[i])
                    table[r].used = 0;
    for (uint32_t r = 0; r < table_end; r++)
        if (table[r].used)
            mv_epoll_register(table[r].instance, table[r].descriptor,
                              (struct mv_epoll_data){table[r].events, table[r].own});
    forget();
}

/* The same beside a leader that lives: no event was lost with it, each that was told has been replayed. So
 * only what the kernel would tell otherwise than this process needs it is registered anew: other data, and
 * signalfds, which only the kernel's list names. */
void mv_epoll_promote_beside(void) {
    if (mv_streams_have_signals()) {
        mv_epoll_promote();
        return;
    }
    for (uint32_t r = 0; r < table_end; r++) {
        const struct mv_registration *one = &table[r];
        uint32_t disabled = one->fired && (one->events & MV_EPOLL_ONESHOT);
        if (one->used && one->own != one->leader)
            mv_epoll_register(
                one->instance, one->descriptor,
                (struct mv_epoll_data){disabled ? one->events & MV_EPOLL_MODES : one->events, one->own});
    }
    forget();
}

/* ---- what a promotion hands over -------------------------------------------------------------------- */

void mv_epoll_give(struct mv_epoll_handover *to) {
    to->end = table_end;
    to->instance_count = instance_count;
    to->ages = ages;
    __builtin_memcpy(to->instances, instances, sizeof instances);
    if (table_end)
        __builtin_memcpy(to->table, table, table_end * sizeof *table);
}

/* What was one's own is the leader's now. */
void mv_epoll_take(const struct mv_epoll_handover *from) {
    uint32_t end = from->end < MV_REGISTRATIONS ? from->end : MV_REGISTRATIONS;
    instance_count = from->instance_count < MV_EPOLL_INSTANCES ? from->instance_count : MV_EPOLL_INSTANCES;
    ages = from->ages;
    __builtin_memcpy(instances, from->instances, sizeof instances);
    for (table_end = 0; table_end < end; table_end++) {
        table[table_end] = from->table[table_end];
        table[table_end].leader = from->table[table_end].own;
        table[table_end].own = from->table[table_end].leader;
    }
}
