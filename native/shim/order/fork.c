/* fork: from its first prepare handler (pthread_atfork) on the thread holds locks whose order is not
 * replayed, the allocator's above all. Who waits for one of them can't go on in its log; so a follower's
 * thread that holds them must not wait for anybody itself, not for what others did before the fork in the
 * leader, and not, the leader being dead, for what they have left to read.
 *
 * All that is waited for here, before the handlers. (A prepare handler that makes calls with a record brings
 * the wait for the fork's own record back behind it.) */
#include "interpose.h"

static int (*real_fork)(void);

void mv_fork_find(void) {
    real_fork = (__typeof__(real_fork))MV_REAL("fork");
}

EXPORT int fork(void) {
    if (mv_replays(__builtin_return_address(0))) {
        mv_hook_begin(mv_self);
        mv_follower_next(mv_self);
        mv_hook_end_settled(mv_self);
    }
    return real_fork();
}
