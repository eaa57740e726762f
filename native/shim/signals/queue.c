/* Signals that the shim keeps, and queues again for the thread that they came to. */
#include "../roles/roles.h"
#include "../sys.h"
#include "signals.h"

/* What the shim queues again is in the program's names already. A timer's number is not translated twice:
 * that is marked in bytes which the kernel keeps and no program reads. */
#define SI_TIMER (-2)
#define NAMED    0x4d764b4eu

static struct mv_siginfo marked(const struct mv_siginfo *info) {
    struct mv_siginfo copy = *info;
    if (copy.code == SI_TIMER)
        copy.rest[3] = NAMED;
    return copy;
}

void mv_siginfo_named(struct mv_siginfo *info) {
    int sent = info->code == 0 /* SI_USER */ || info->code == -1 /* QUEUE */ || info->code == -6 /* TKILL */;
    if (mv.translated && sent && (uint32_t)info->rest[0] == mv.pid) /* libc asks whether itself sent it */
        info->rest[0] = (info->rest[0] & ~0xffffffffull) | mv.logical_pid;
    if (info->code != SI_TIMER)
        return;
    if (info->rest[3] == NAMED)
        info->rest[3] = 0;
    else if (mv.translated && mv.role != MV_ROLE_FOLLOWER)
        mv_posix_timers_arrived(info);
}

void mv_siginfo_keep(uint8_t to[128], const struct mv_siginfo *info) {
    struct mv_siginfo copy = marked(info);
    __builtin_memcpy(to, &copy, sizeof copy);
}

void mv_signal_queue(int number, const struct mv_siginfo *info) {
    struct mv_siginfo copy = marked(info);
    mv_sys4(__NR_rt_tgsigqueueinfo, mv_sys0(__NR_getpid), mv_sys0(__NR_gettid), number, (long)&copy);
}
