/* Robust mutexes in a process whose threads have other ids than the program sees: libc has noted the ids that
 * it knows in the mutexes, and the kernel, which looks for its own as a thread ends, finds none. So the
 * thread's list is walked here, as the kernel would (kernel/futex, exit_robust_list): who waits for a mutex,
 * or takes it next, is told that its owner has ended. */
#include "../calls/guard.h"
#include "../sys.h"
#include "order.h"

#include <linux/futex.h>

static void tell_next(const struct mv_thread *self, uint64_t node, int64_t offset) {
    uint32_t *word = (uint32_t *)((node & ~1ull) + (uint64_t)offset), value;
    if ((node & 1) /* priority inheritance */ || !node || mv_guard_load32(word, &value))
        return;
    while ((value & FUTEX_TID_MASK) == self->logical_tid)
        if (__atomic_compare_exchange_n(word, &value, (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED, 0,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            if (value & FUTEX_WAITERS)
                mv_sys3(__NR_futex, (long)word, FUTEX_WAKE, 1);
            return;
        }
}

/* The thread is about to end, its death words (log/death.c) are unlinked. */
void mv_robust_end(const struct mv_thread *self) {
    struct robust_list_head *head = NULL;
    size_t size = 0;
    uint64_t node, next;
    if (self->tid == self->logical_tid || mv_sys3(__NR_get_robust_list, 0, (long)&head, (long)&size) ||
        !head || mv_guard_load64(head, &node))
        return;
    int64_t offset = head->futex_offset;
    uint64_t pending = (uint64_t)head->list_op_pending;
    for (uint32_t i = 0; (node & ~1ull) != (uint64_t)head && i < ROBUST_LIST_LIMIT; i++, node = next) {
        if (mv_guard_load64((const void *)(node & ~1ull),
                            &next)) /* first: the mutex may be another's at once */
            break;
        if (node != pending)
            tell_next(self, node, offset);
    }
    tell_next(self, pending, offset);
    head->list.next =
        &head->list; /* nothing is left for the kernel, which might walk on in another thread's list */
    head->list_op_pending = NULL;
}
