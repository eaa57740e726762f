/* One keeper at a time for the logs of a version. A keeper that gets no processor outlives its leader, and
 * may be in the middle of a step (a page that it gives back) for logs that are another leader's by then: some
 * generations later, when a process of the same version index leads. So that one begins no log before the old
 * keeper has ended.
 *
 * Who is there is said by a word of the control block, a robust futex: the keeper's tid, until the kernel
 * marks it at the keeper's end, whatever ends it. Before that it says that one is being made (for which
 * generation): the new keeper exchanges this for its tid, or, if somebody has taken it back, goes. So a
 * keeper that comes to its first instruction only now is no danger, either. */
#include "../fault/fault.h"
#include "../roles/roles.h"
#include "../sys.h"

#include <linux/futex.h>

#define LIMIT_NS 100000000 /* one wait; mv_start_logs (roles/attach.c) tries again */

static struct { void *next; } node; /* what the keeper's robust list consists of */
static struct robust_list_head list;
static uint32_t coming;

static uint32_t *place(void) {
    return &mv.control->keepers[mv.version];
}

/* The leader, before it makes a keeper; there is no other. */
void mv_keeper_expect(void) {
    coming = MV_KEEPER_COMING | ((uint32_t)mv.log_generation & (MV_KEEPER_COMING - 1));
    __atomic_store_n(place(), coming, __ATOMIC_RELEASE);
}

/* The keeper itself, before it does anything. 0: it is not wanted any more. */
int mv_keeper_come(void) {
    uint32_t *word = place(), expected = coming;
    list.list.next = (struct robust_list *)&node;
    node.next = &list;
    list.futex_offset = (char *)word - (char *)&node;
    list.list_op_pending = NULL;
    mv_sys2(__NR_set_robust_list, (long)&list, sizeof list);
    uint32_t alive = (uint32_t)mv_sys0(__NR_gettid) | FUTEX_WAITERS;
    return __atomic_compare_exchange_n(word, &expected, alive, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* Through a descriptor: once the word still says that it lives, the pid can't have become another's. (All
 * threads of this process are parked: none of them is given that number.) */
static void end(const uint32_t *word, uint32_t alive) {
    long fd = mv_sys2(__NR_pidfd_open, alive & FUTEX_TID_MASK, 0);
    if (mv_is_error(fd))
        return;
    if (__atomic_load_n(word, __ATOMIC_ACQUIRE) == alive)
        mv_sys4(__NR_pidfd_send_signal, fd, 9, 0, 0);
    mv_sys1(__NR_close, fd);
}

/* A leader that begins its logs anew and has no keeper, all its other threads being parked: 0, there is no
 * keeper of an earlier process; or -EBUSY, one has not ended yet. It goes by itself once it gets to run; a
 * server that has given up its privileges may not kill it. */
int mv_keeper_succeed(void) {
    uint32_t *word = place();
    for (int waited = 0;; waited++) {
        uint32_t seen = __atomic_load_n(word, __ATOMIC_ACQUIRE);
        if (!seen || (seen & FUTEX_OWNER_DIED))
            return 0;
        if (seen & MV_KEEPER_COMING) {
            if (__atomic_compare_exchange_n(word, &seen, 0, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
                return 0;
            continue;
        }
        if (waited)
            return -16 /* EBUSY */;
        end(word, seen);
        const int64_t limit[2] = {0, LIMIT_NS};
        mv_sys4(__NR_futex, (long)word, FUTEX_WAIT, seen, (long)limit);
    }
}
