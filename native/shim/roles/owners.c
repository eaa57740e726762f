/* Whom a descriptor's signals go to (F_SETOWN, F_SETOWN_EX): the kernel holds a process or thread, which is
 * the leader's. A follower notes the descriptors whose owner is the program itself, and makes itself their
 * owner at a promotion. A promoted process speaks of itself by its logical numbers here, too.
 *
 * What the signal is (F_SETSIG) and whether it is sent (O_ASYNC) belongs to the open file: it stays. */
#include "../calls/guard.h"
#include "../sys.h"
#include "handover.h"
#include "roles.h"

#define F_SETOWN    8u
#define F_GETOWN    9u
#define F_SETOWN_EX 15u
#define F_GETOWN_EX 16u

#define OF_THREAD  0
#define OF_PROCESS 1

static struct mv_owned owned[MV_OWNED];
static uint32_t lock;

static void enter(void) {
    while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
        __builtin_ia32_pause();
}
static void leave(void) {
    __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

static struct mv_owned *place_of(int32_t fd) {
    for (uint32_t i = 0; i < MV_OWNED; i++)
        if (owned[i].fd == fd)
            return &owned[i];
    return NULL;
}

static const struct mv_thread *thread_of(int32_t tid, int logical) {
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        if (area->tid && (int32_t)(logical ? area->logical_tid : area->tid) == tid)
            return area;
    return NULL;
}

/* The program's number for a real one, or the reverse; 0: not the program's own. */
static int32_t other_name(struct mv_owner owner, int logical) {
    const struct mv_thread *thread = owner.type == OF_THREAD ? thread_of(owner.id, logical) : NULL;
    if (thread)
        return (int32_t)(logical ? thread->tid : thread->logical_tid);
    if (owner.type == OF_PROCESS && owner.id == (int32_t)(logical ? mv.logical_pid : mv.pid))
        return (int32_t)(logical ? mv.pid : mv.logical_pid);
    return 0;
}

static int read_owner(const uint64_t args[6], struct mv_owner *owner) {
    *owner = (struct mv_owner){OF_PROCESS, (int32_t)args[2]};
    return (uint32_t)args[1] == F_SETOWN ||
           ((uint32_t)args[1] == F_SETOWN_EX && !mv_guard_copy(owner, (const void *)args[2], sizeof *owner));
}

static void note(int32_t fd, struct mv_owner owner, int own) {
    enter();
    struct mv_owned *place = place_of(fd + 1);
    if (!place && own)
        place = place_of(0);
    if (!place && own)
        mv_say_string(MV_WARNING,
                      "the server owns the signals of more than 256 descriptors: a failover will "
                      "not know some of them");
    if (place)
        *place = (struct mv_owned){own ? fd + 1 : 0, owner};
    leave();
}

/* Follower: an fcntl has succeeded in the leader. Names are the program's. */
void mv_owners_replayed(const uint64_t args[6]) {
    struct mv_owner owner;
    if (read_owner(args, &owner))
        note((int32_t)args[0], owner,
             owner.type == OF_THREAD ? thread_of(owner.id, 1) != NULL
                                     : owner.type == OF_PROCESS && owner.id == (int32_t)mv.logical_pid);
}

void mv_owners_closed(int64_t fd) {
    note((int32_t)fd, (struct mv_owner){0, 0}, 0);
}

/* In a leader that is about to be copied. */
void mv_owners_start(void) {
    __builtin_memset(owned, 0, sizeof owned);
    lock = 0;
}

/* … this descriptor is open. */
void mv_owners_exists(int fd) {
    struct mv_owner owner = {0, 0};
    if (mv_sys3(__NR_fcntl, fd, F_GETOWN_EX, (long)&owner) || !owner.id)
        return;
    owner.id = other_name(owner, 0);
    if (owner.id)
        note(fd, owner, 1);
}

/* This process leads now. */
void mv_owners_promote(void) {
    for (uint32_t i = 0; i < MV_OWNED; i++) {
        struct mv_owner owner = owned[i].owner;
        if (!owned[i].fd)
            continue;
        owner.id = other_name(owner, 1);
        if (owner.id)
            mv_sys3(__NR_fcntl, owned[i].fd - 1, F_SETOWN_EX, (long)&owner);
    }
}

void mv_owners_give(struct mv_owners_handover *to) {
    __builtin_memcpy(to->owned, owned, sizeof owned);
}
void mv_owners_take(const struct mv_owners_handover *from) {
    __builtin_memcpy(owned, from->owned, sizeof owned);
}

/* In a promoted process. 1: *result is the call's outcome. */
int mv_owners_translate(const uint64_t args[6], long *result) {
    uint32_t command = (uint32_t)args[1];
    struct mv_owner owner = {0, 0};
    int32_t name;
    if (command == F_SETOWN || command == F_SETOWN_EX) {
        if (!read_owner(args, &owner) || !(name = other_name(owner, 1)))
            return 0;
        owner.id = name;
        *result = mv_sys3(__NR_fcntl, (long)args[0], F_SETOWN_EX, (long)&owner);
        return 1;
    }
    if ((command != F_GETOWN && command != F_GETOWN_EX) ||
        mv_sys3(__NR_fcntl, (long)args[0], F_GETOWN_EX, (long)&owner) || !(name = other_name(owner, 0)))
        return 0;
    owner.id = name;
    *result = command == F_GETOWN                                    ? name
              : mv_guard_copy((void *)args[2], &owner, sizeof owner) ? -14 /* EFAULT */
                                                                     : 0;
    return 1;
}
