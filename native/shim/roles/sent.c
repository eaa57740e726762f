/* Signals that threads of the process send to each other: what the sender wrote before, the handler may read
 * (libc tells all threads of a new user so). A follower's thread runs such a handler only once the sender has
 * come to the call that sent it.
 *
 * A standard signal that is sent twice may arrive once: a count that is too high lets a handler run early,
 * never late. What was pending when the follower was made counts as sent. A leader may die between a sending
 * call and its record: such a signal is waited for until no log holds its record any more. */
#include "../log/barriers.h"
#include "../signals/signals.h"
#include "../sys.h"
#include "roles.h"

#define SI_TKILL (-6)

static struct mv_thread *named(uint64_t logical_tid) {
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        if (area->logical_tid == (uint32_t)logical_tid)
            return area;
    return NULL;
}

static int sends(uint32_t call, const uint64_t args[6], uint32_t *number) {
    *number = (uint32_t)args[call == __NR_tkill ? 1 : 2];
    return (call == __NR_tkill || call == __NR_tgkill) && *number >= 1 && *number <= 64;
}

static uint64_t target_of(uint32_t call, const uint64_t args[6]) {
    return args[call == __NR_tkill ? 0 : 1];
}

/* Follower: a sending call was replayed; before its record counts as read. */
void mv_sent_replayed(uint32_t call, const uint64_t args[6], long result) {
    uint32_t number;
    if (result != 0 || !sends(call, args, &number))
        return;
    struct mv_thread *target = named(target_of(call, args));
    if (target)
        __atomic_add_fetch(&target->sent[number - 1], 1, __ATOMIC_ACQ_REL);
}

/* In a thread that is about to be copied, with all signals blocked. */
void mv_sent_pending(struct mv_thread *self) {
    mv_sys2(__NR_rt_sigpending, (long)&self->pending, 8);
    if (self->deferred)
        self->pending |= 1ull << (self->deferred - 1);
}

/* In the copy. */
void mv_sent_start(struct mv_thread *area) {
    for (unsigned i = 0; i < 64; i++)
        area->sent[i] = area->pending >> i & 1;
}

struct sought {
    uint64_t tid;
    uint32_t number;
};

static int is_sought(const struct mv_event *event, const void *sought) {
    const struct sought *signal = sought;
    uint32_t number;
    return sends(event->call, event->args, &number) && number == signal->number &&
           (uint32_t)target_of(event->call, event->args) == (uint32_t)signal->tid;
}

/* Follower: the handler of this signal is about to run. */
void mv_sent_await(const struct mv_thread *self, int number, const struct mv_siginfo *info) {
    uint32_t *sent = (uint32_t *)&self->sent[number - 1];
    struct sought sought = {self->logical_tid, (uint32_t)number};
    if (info->code != SI_TKILL || (uint32_t)info->rest[0] != mv.logical_pid)
        return;
    for (uint32_t spins = 0; !mv_load_acquire32(sent); spins++) {
        const int64_t nap[2] = {0, 20000};
        if (spins < 200)
            mv_pause();
        else
            mv_sys2(__NR_nanosleep, (long)nap, 0);
        if (spins >= 300 && mv_leader_dead() && !mv_unread(is_sought, &sought) && !mv_load_acquire32(sent))
            return;
    }
    __atomic_sub_fetch(sent, 1, __ATOMIC_ACQ_REL);
}
