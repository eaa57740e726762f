/* Children of a leader that died. The kernel gives them to the coordinator, which waits for them and hands
 * each one's status over in control.orphans; to the program they are its own: it is sent SIGCHLD, and wait4
 * and waitid know them.
 *
 * Who they are a follower knows from the log (what forks and waits returned) and, for those from before it
 * existed, from the leader that made it. */
#include "../calls/guard.h"
#include "../log/barriers.h"
#include "../signals/signals.h"
#include "../sys.h"
#include "roles.h"
#include "waits.h"

#define WNOWAIT 0x01000000u

#define SIGCHLD 17

/* Follower: children that the leader has and nobody has waited for; 0: a free place. Written by any thread.
 */
static uint32_t children[MV_ORPHANS];

static int replace(uint32_t from, uint32_t to) {
    for (uint32_t i = 0; i < MV_ORPHANS; i++) {
        uint32_t expected = from;
        if (__atomic_compare_exchange_n(&children[i], &expected, to, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
            return 1;
    }
    return 0;
}

static uint32_t ever; /* since the follower was made, or before and still there */

static void child_made(long pid) {
    ever |= (uint32_t)(pid > 0);
    if (pid > 0 && !replace(0, (uint32_t)pid))
        mv_say_string(MV_WARNING,
                      "the server has more children than a failover can keep: it will not know some of them");
}

/* Is a status one of a child that has ended, not one that was stopped or goes on? */
static int ended(uint32_t status) {
    return (status & 0xff) != 0x7f && status != 0xffff;
}

/* A replayed call has made a child or waited for one. */
void mv_children_replayed(uint32_t call, const uint64_t args[6], long result) {
    uint32_t status = 0;
    switch (call) {
    case __NR_fork:
    case __NR_vfork:
    case __NR_clone:
    case __NR_clone3:
        child_made(result);
        break;
    case __NR_wait4:
        if (result > 0 && (!args[1] || (!mv_guard_load32((const void *)args[1], &status) && ended(status))))
            replace((uint32_t)result, 0);
        break;
    case __NR_waitid: {
        uint32_t code = 1 /* CLD_EXITED */, pid = args[0] == 1 /* P_PID */ ? (uint32_t)args[1] : 0;
        if (args[2]) {
            mv_guard_load32((const void *)(args[2] + 8), &code);
            mv_guard_load32((const void *)(args[2] + 16), &pid);
        }
        if (result == 0 && pid && code >= 1 && code <= 3 /* CLD_DUMPED */ && !(args[3] & WNOWAIT))
            replace(pid, 0);
        break;
    }
    default:
        break;
    }
}

/* /proc/self/task/TID/children: numbers, each followed by a blank. */
static void read_children(uint32_t tid) {
    struct mv_text path;
    int directory = mv_proc_path(&path, "self/task/");
    mv_text_number(&path, tid);
    mv_text_add(&path, "/children");
    long fd = mv_sys4(__NR_openat, directory, (long)path.bytes, 02000000 /* O_CLOEXEC */, 0);
    if (mv_is_error(fd))
        return;
    char bytes[512] = {0};
    long size, pid = 0;
    while ((size = mv_sys3(__NR_read, fd, (long)bytes, sizeof bytes)) > 0)
        for (long i = 0; i < size; i++) {
            if (bytes[i] >= '0' && bytes[i] <= '9') {
                pid = pid * 10 + bytes[i] - '0';
            } else if (pid) {
                child_made(pid);
                pid = 0;
            }
        }
    mv_sys1(__NR_close, fd);
}

/* In a leader that is about to be copied, with all other threads parked: whose parent it is. */
void mv_children_start(void) {
    ever = 0;
    for (uint32_t i = 0; i < MV_ORPHANS; i++) {
        children[i] = mv.translated ? __atomic_load_n(&mv.control->orphans[i].pid, __ATOMIC_ACQUIRE) : 0;
        ever |= children[i];
    }
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        if (area->tid)
            read_children(area->tid);
}

static struct mv_orphan *orphan_of(uint32_t pid) {
    for (uint32_t i = 0; i < MV_ORPHANS; i++)
        if (__atomic_load_n(&mv.control->orphans[i].pid, __ATOMIC_ACQUIRE) == pid)
            return &mv.control->orphans[i];
    return NULL;
}

/* Is there one that has not been waited for? */
int mv_children_any(void) {
    for (uint32_t i = 0; i < MV_ORPHANS; i++)
        if (__atomic_load_n(&children[i], __ATOMIC_ACQUIRE))
            return 1;
    return 0;
}

/* The dead leader's last call has waited for it. */
void mv_children_waited_for(uint32_t pid) {
    struct mv_orphan *orphan = orphan_of(pid);
    replace(pid, 0);
    if (orphan)
        mv_orphan_forget(orphan);
}

int mv_children_ever(void) {
    return ever != 0;
}

/* The leader is dead: the coordinator is told whose end to hand over. */
void mv_children_promote(void) {
    for (uint32_t i = 0; i < MV_ORPHANS; i++) {
        struct mv_orphan *orphan;
        if (!children[i] || orphan_of(children[i]) || !(orphan = orphan_of(0)))
            continue;
        long group = mv_sys1(__NR_getpgid, children[i]);
        orphan->group = (uint32_t)(mv_is_error(group) ? mv_sys1(__NR_getpgid, 0) : group);
        orphan->state = MV_ORPHAN_LIVES;
        __atomic_store_n(&orphan->pid, children[i], __ATOMIC_RELEASE);
    }
}

/* The program has been told of it. */
void mv_orphan_forget(struct mv_orphan *orphan) {
    __atomic_store_n(&orphan->state, MV_ORPHAN_FREE, __ATOMIC_RELEASE);
    __atomic_store_n(&orphan->pid, 0, __ATOMIC_RELEASE);
}

struct mv_siginfo mv_orphan_info(const struct mv_orphan *orphan) {
    // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): an element of the control block, which is mapped
    uint32_t status = (uint32_t)orphan->status, signal = status & 0x7f;
    struct mv_siginfo info = {.number = SIGCHLD, .code = !signal ? 1 : status & 0x80 ? 3 : 2};
    const int64_t *usage =
        (const int64_t *)orphan->rusage; /* two struct timeval: of the program, in the kernel */
    info.rest[0] = orphan->pid | (uint64_t)mv_sys0(__NR_getuid) << 32;
    info.rest[1] = signal ? signal : status >> 8 & 0xff;
    info.rest[2] = (uint64_t)(usage[0] * 100 + usage[1] / 10000);
    info.rest[3] = (uint64_t)(usage[2] * 100 + usage[3] / 10000);
    return info;
}

void mv_orphan_signal(const struct mv_orphan *orphan) {
    struct mv_siginfo info = mv_orphan_info(orphan);
    mv_sys3(__NR_rt_sigqueueinfo, mv.pid, SIGCHLD, (long)&info);
}

/* The coordinator has handed something over: what the kernel does for a parent. Any thread of a process that
 * leads. */
void mv_children_handed_over(void) {
    const struct mv_sigaction_kernel *action = &mv_actions[SIGCHLD];
    uint32_t news = 0;
    for (uint32_t i = 0; mv.translated && i < MV_ORPHANS; i++) {
        struct mv_orphan *orphan = &mv.control->orphans[i];
        uint32_t state = MV_ORPHAN_ENDED;
        if (!__atomic_compare_exchange_n(&orphan->state, &state, MV_ORPHAN_TOLD, 0, __ATOMIC_ACQ_REL,
                                         __ATOMIC_RELAXED))
            continue;
        news = 1;
        mv_orphan_signal(orphan);
        if (action->handler == 1 /* SIG_IGN */ || (action->flags & 2 /* SA_NOCLDWAIT */))
            mv_orphan_forget(orphan);
    }
    if (!news) /* a kick for something else, or one of ours to a thread that waits */
        return;
    __atomic_add_fetch(&mv.control->orphan_changes, 1, __ATOMIC_SEQ_CST);
    mv_sys3(__NR_futex, (long)&mv.control->orphan_changes, 1 /* WAKE */, 0x7fffffff);
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        if (__atomic_load_n(&area->waits_for_child, __ATOMIC_SEQ_CST))
            mv_kick(area, MV_KICK_REQUEST); /* out of the kernel's wait for children of its own */
}
