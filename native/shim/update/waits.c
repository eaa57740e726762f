/* Calls that wait for the world: an event loop's, and those that threads stand in between two pieces of work.
 * One that only looks (a limit of 0, a socket that does not block) stands in the middle of the work. */
#include "../calls/guard.h"
#include "../sys.h"
#include "update.h"

/* A time limit that is there, and is not 0. */
static int is_limit(uint64_t at) {
    uint64_t seconds = 0, rest = 0;
    return !mv_guard_load64((const void *)at, &seconds) && !mv_guard_load64((const void *)(at + 8), &rest) &&
           (seconds | rest);
}

int mv_waits_for_world(uint32_t call, const uint64_t args[6]) {
    switch (call) {
    case __NR_epoll_wait:
    case __NR_epoll_pwait:
        return (int32_t)args[3] != 0;
    case __NR_epoll_pwait2:
        return !args[3] || is_limit(args[3]);
    case __NR_poll:
        return (int32_t)args[2] != 0;
    case __NR_ppoll:
        return !args[2] || is_limit(args[2]);
    case __NR_select:
    case __NR_pselect6:
        return !args[4] || is_limit(args[4]);
    case __NR_accept:
    case __NR_accept4: {
        long flags = mv_sys2(__NR_fcntl, (long)args[0], 3 /* F_GETFL */);
        return !mv_is_error(flags) && !(flags & 04000 /* O_NONBLOCK */);
    }
    case __NR_rt_sigtimedwait:
        return !args[2] || is_limit(args[2]);
    case __NR_rt_sigsuspend:
    case __NR_pause:
        return 1;
    default:
        return 0;
    }
}

int mv_limit_argument(uint32_t call) {
    switch (call) {
    case __NR_nanosleep:
        return 0;
    case __NR_poll:
    case __NR_ppoll:
    case __NR_rt_sigtimedwait:
    case __NR_clock_nanosleep:
        return 2;
    case __NR_epoll_wait:
    case __NR_epoll_pwait:
    case __NR_epoll_pwait2:
        return 3;
    case __NR_select:
    case __NR_pselect6:
        return 4;
    default:
        return -1;
    }
}
