/* Words that the kernel writes to when a thread dies: members of its robust-futex list.
 *
 * The kernel walks the list at exit (Documentation/locking/robust-futexes): for each node it looks at the
 * word futex_offset bytes from it; if that holds the thread's id, it stores FUTEX_OWNER_DIED (keeping
 * FUTEX_WAITERS) and wakes one waiter if FUTEX_WAITERS was set. It gives up after 2048 nodes. The low bit of
 * a pointer to a node marks a priority-inheriting one: ours never are.
 *
 * glibc's list is doubly linked: 8 bytes before a node (and before the list head, which is the node of an
 * empty list) stands the pointer back to the node, or head, that points to it. */
#include "log.h"

#include <linux/futex.h>

#define GLIBC_OFFSET (-32L)
_Static_assert((long)__builtin_offsetof(struct mv_death_word, word) -
                       (long)__builtin_offsetof(struct mv_death_word, next) ==
                   GLIBC_OFFSET,
               "the word as seen from the node");

static uint64_t *node_at(uint64_t pointer) {
    return (uint64_t *)(pointer & ~1ull);
}

int mv_death_link(struct mv_death_word words[MV_WATCHERS], struct robust_list_head *head, uint32_t tid) {
    if (head->futex_offset != GLIBC_OFFSET)
        return -22;                     /* EINVAL */
    uint64_t *first = (uint64_t *)head; /* head->list.next */
    for (uint32_t i = 0; i < MV_WATCHERS; i++) {
        struct mv_death_word *w = &words[i];
        w->next = *first;
        w->previous = (uintptr_t)first;
        node_at(*first)[-1] = (uintptr_t)&w->next;
        mv_store_release64(first, (uintptr_t)&w->next); /* the walk finds whole nodes only */
        /* Last: a word that says that somebody lives is one that the walk finds. WAITERS from the start:
         * waiters don't set it. */
        mv_store_release32(&w->word, tid | FUTEX_WAITERS);
    }
    return 0;
}

void mv_death_unlink(struct mv_death_word words[MV_WATCHERS]) {
    for (uint32_t i = 0; i < MV_WATCHERS; i++) {
        struct mv_death_word *w = &words[i];
        if (!w->next)
            continue;
        mv_store_release32(&w->word, 0); /* first, as it was stored last */
        mv_store_release64(node_at(w->previous), w->next);
        node_at(w->next)[-1] = w->previous;
        w->next = w->previous = 0;
    }
}
