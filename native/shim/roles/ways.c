/* How a call will be settled if its leader dies in it: asked before each call, with its arguments. */
#include "../calls/guard.h"
#include "../calls/table.h"
#include "../sys.h"
#include "roles.h"

#include <linux/sched.h>

/* How a call will be settled: by its row, or, where a command or an argument decides, by that. */
enum mv_way mv_way_of(uint32_t call, const uint64_t args[6]) {
    enum mv_way way = mv_call_way(call);
    uint64_t flags = 0;
    switch (call) {
    case __NR_fcntl:
        return args[1] == 0 || args[1] == 1030 /* F_DUPFD, F_DUPFD_CLOEXEC */ ? way : MV_WAY_AGAIN;
    case __NR_signalfd:
    case __NR_signalfd4:
        return (int32_t)args[0] < 0 ? way : MV_WAY_AGAIN;
    case __NR_ioctl: {
        /* All that the table knows set a state, or ask for one, but for these. */
        int twice = args[1] == 0x5412 /* TIOCSTI */ || args[1] == 0x5409 /* TCSBRK */ ||
                    args[1] == 0x5425 /* TCSBRKP */;
        return twice || !mv_command_find(MV_ARG_IOCTLARG, (uint32_t)args[1]) ? way : MV_WAY_AGAIN;
    }
    case __NR_clone:
        return args[0] & CLONE_THREAD ? MV_WAY_AGAIN : way;
    case __NR_clone3: /* (a thread does nothing before it is published) */
        mv_guard_load64((const void *)args[0], &flags);
        return flags & CLONE_THREAD ? MV_WAY_AGAIN : way;
    case __NR_kill:
    case __NR_tgkill:
    case __NR_rt_sigqueueinfo:
    case __NR_rt_tgsigqueueinfo: /* what it sent itself died with it */
        return (uint32_t)args[0] == mv.logical_pid ? MV_WAY_AGAIN : way;
    default:
        return way;
    }
}
