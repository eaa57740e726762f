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

#define EINTR     (-4L)
#define ECHILD    (-10L)
#define EAGAIN    (-11L)
#define EFAULT    (-14L)
#define ETIMEDOUT (-110L)

#define WNOHANG 1u
#define WEXITED 4u
#define WNOWAIT 0x01000000u
#define WALL    0x40000000u
#define WCLONE  0x80000000u

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

static void child_made(long pid) {
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
    struct mv_text path = {.used = 0};
    mv_text_add(&path, "/proc/self/task/");
    mv_text_number(&path, tid);
    mv_text_add(&path, "/children");
    long fd = mv_sys4(__NR_openat, -100, (long)path.bytes, 02000000 /* O_CLOEXEC */, 0);
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
    for (uint32_t i = 0; i < MV_ORPHANS; i++)
        children[i] = mv.translated ? __atomic_load_n(&mv.control->orphans[i].pid, __ATOMIC_ACQUIRE) : 0;
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

static void forget(struct mv_orphan *orphan) {
    __atomic_store_n(&orphan->state, MV_ORPHAN_FREE, __ATOMIC_RELEASE);
    __atomic_store_n(&orphan->pid, 0, __ATOMIC_RELEASE);
}

static struct mv_siginfo how_it_ended(const struct mv_orphan *orphan) {
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

/* The coordinator has handed something over: what the kernel does for a parent. Any thread of a process that
 * leads. */
void mv_children_handed_over(void) {
    const struct mv_sigaction_kernel *action = &mv_actions[SIGCHLD];
    uint32_t news = 0;
    for (uint32_t i = 0; mv.translated && i < MV_ORPHANS; i++) {
        struct mv_orphan *orphan = &mv.control->orphans[i];
        uint32_t state = MV_ORPHAN_ENDED;
        struct mv_siginfo info = how_it_ended(orphan);
        if (!__atomic_compare_exchange_n(&orphan->state, &state, MV_ORPHAN_TOLD, 0, __ATOMIC_ACQ_REL,
                                         __ATOMIC_RELAXED))
            continue;
        news = 1;
        if (action->handler == 1 /* SIG_IGN */ || (action->flags & 2 /* SA_NOCLDWAIT */))
            forget(orphan);
        mv_sys3(__NR_rt_sigqueueinfo, mv.pid, SIGCHLD, (long)&info);
    }
    if (!news) /* a kick for something else, or one of ours to a thread that waits */
        return;
    __atomic_add_fetch(&mv.control->orphan_changes, 1, __ATOMIC_SEQ_CST);
    mv_sys3(__NR_futex, (long)&mv.control->orphan_changes, 1 /* WAKE */, 0x7fffffff);
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        if (__atomic_load_n(&area->waits_for_child, __ATOMIC_SEQ_CST))
            mv_kick(area, MV_KICK_REQUEST); /* out of the kernel's wait for children of its own */
}

/* ---- wait4 and waitid ------------------------------------------------------------------------------- */

struct wanted {
    uint32_t type; /* of waitid: 0 all, 1 a pid, 2 a process group */
    uint32_t id;
    uint32_t options;
};

static struct wanted wanted_by(const struct mv_thread *self, const struct mv_frame *frame) {
    if (self->call == __NR_waitid) {
        uint32_t id = (uint32_t)frame->rsi;
        if (frame->rdi == 2 && !id)
            id = (uint32_t)mv_sys1(__NR_getpgid, 0);
        return (struct wanted){(uint32_t)frame->rdi, id, (uint32_t)frame->r10};
    }
    int32_t pid = (int32_t)frame->rdi;
    uint32_t options = (uint32_t)frame->rdx | WEXITED;
    return pid > 0 ? (struct wanted){1, (uint32_t)pid, options}
           : pid == -1
               ? (struct wanted){0, 0, options}
               : (struct wanted){2, pid ? (uint32_t)-pid : (uint32_t)mv_sys1(__NR_getpgid, 0), options};
}

static int matches(struct mv_orphan *orphan, const struct wanted *wanted) {
    if (wanted->type > 2 || (wanted->options & (WCLONE | WALL)) == WCLONE)
        return 0;
    if (wanted->type == 2 && orphan->state == MV_ORPHAN_LIVES) {
        long group = mv_sys1(__NR_getpgid, orphan->pid);
        if (!mv_is_error(group))
            orphan->group = (uint32_t)group;
    }
    return wanted->type == 0 || wanted->id == (wanted->type == 1 ? orphan->pid : orphan->group);
}

/* A child that has ended, claimed from other threads; NULL: none. *left: others still run. */
static struct mv_orphan *claim(const struct wanted *wanted, int *left) {
    *left = 0;
    for (uint32_t i = 0; i < MV_ORPHANS; i++) {
        struct mv_orphan *orphan = &mv.control->orphans[i];
        if (!__atomic_load_n(&orphan->pid, __ATOMIC_ACQUIRE) || !matches(orphan, wanted))
            continue;
        uint32_t state = __atomic_load_n(&orphan->state, __ATOMIC_SEQ_CST);
        *left |= state == MV_ORPHAN_LIVES;
        if ((state == MV_ORPHAN_ENDED || state == MV_ORPHAN_TOLD) && (wanted->options & WEXITED) &&
            __atomic_compare_exchange_n(&orphan->state, &state, MV_ORPHAN_CLAIMED, 0, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED))
            return orphan;
    }
    return NULL;
}

/* With nobody to hand it over, the end of a child is all that can be known. It counts as killed: what it was
 * to do can't be relied on. (Not as unknown: a program that is refused its own child waits for it for ever.)
 */
static void end_lost(void) {
    if (mv_sys2(__NR_kill, mv.control->coordinator_pid, 0) != -3 /* ESRCH */ && mv.control->coordinator_pid)
        return;
    for (uint32_t i = 0; i < MV_ORPHANS; i++) {
        struct mv_orphan *orphan = &mv.control->orphans[i];
        if (!orphan->pid || orphan->state != MV_ORPHAN_LIVES || mv_sys2(__NR_kill, orphan->pid, 0) != -3)
            continue;
        orphan->status = 9;
        for (uint32_t j = 0; j < sizeof orphan->rusage; j++)
            orphan->rusage[j] = 0;
        __atomic_store_n(&orphan->state, MV_ORPHAN_ENDED, __ATOMIC_RELEASE);
    }
}

static int put(uint64_t to, const void *from, uint64_t size) {
    return to && mv_guard_copy((void *)to, from, size);
}

/* What waitid tells: signo, errno and code, then (after the padding) pid, uid and status. */
static int put_info(uint64_t to, const struct mv_siginfo *info) {
    return put(to, info, 12) || put(to ? to + 16 : 0, info->rest, 12);
}

static long tell(const struct mv_thread *self, const struct mv_frame *frame, struct mv_orphan *orphan,
                 uint32_t options) {
    struct mv_siginfo info = how_it_ended(orphan);
    int by_id = self->call == __NR_waitid;
    int bad = by_id ? put_info(frame->rdx, &info) : put(frame->rsi, &orphan->status, 4);
    bad |= put(by_id ? frame->r8 : frame->r10, orphan->rusage, sizeof orphan->rusage);
    long result = by_id ? 0 : (long)orphan->pid;
    if (by_id && (options & WNOWAIT))
        __atomic_store_n(&orphan->state, MV_ORPHAN_TOLD, __ATOMIC_RELEASE);
    else
        forget(orphan);
    return bad ? EFAULT : result;
}

/* The kernel's children, which are this process's own: what is ready now. *none: there is none to wait for.
 */
static long own(const struct mv_thread *self, const struct mv_frame *frame, int *found, int *none) {
    long result;
    *found = *none = 0;
    if (self->call == __NR_wait4) {
        result = mv_sys4(__NR_wait4, (long)frame->rdi, (long)frame->rsi, (long)(frame->rdx | WNOHANG),
                         (long)frame->r10);
        *found = result > 0;
    } else {
        struct mv_siginfo info = {0};
        result = mv_sys5(__NR_waitid, (long)frame->rdi, (long)frame->rsi, (long)&info,
                         (long)(frame->r10 | WNOHANG), (long)frame->r8);
        *found = result == 0 && (uint32_t)info.rest[0];
        if (*found && put_info(frame->rdx, &info))
            return EFAULT;
    }
    *none = result == ECHILD;
    return result;
}

static long sleep_until_handed_over(struct mv_thread *self, uint32_t seen) {
    /* The time-out is only for a coordinator that died meanwhile. */
    static const int64_t limit[2] = {1, 0};
    uint64_t args[6] = {
        (uint64_t)&mv.control->orphan_changes, 0 /* FUTEX_WAIT */, seen, (uint64_t)limit, 0, 0};
    long result = mv_syscall_interruptible(args, __NR_futex, &self->attention);
    return result == EINTR && self->attention ? -MV_ERESTART : result;
}

/* A wait of a promoted process. */
long mv_children_wait(struct mv_thread *self, struct mv_frame *frame) {
    struct wanted wanted = wanted_by(self, frame);
    for (;;) {
        int found, none, left;
        uint32_t seen = __atomic_load_n(&mv.control->orphan_changes, __ATOMIC_SEQ_CST);
        long result = own(self, frame, &found, &none);
        if (found || (mv_is_error(result) && !none))
            return result;
        struct mv_orphan *orphan = claim(&wanted, &left);
        if (!orphan && left) {
            end_lost();
            orphan = claim(&wanted, &left);
        }
        if (orphan)
            return tell(self, frame, orphan, wanted.options);
        if (none && !left)
            return ECHILD;
        if (wanted.options & WNOHANG)
            return put_info(self->call == __NR_waitid ? frame->rdx : 0, &(struct mv_siginfo){0}) ? EFAULT : 0;
        if (none) {
            result = sleep_until_handed_over(self, seen);
            if (result == -MV_ERESTART)
                return result;
            continue;
        }
        __atomic_store_n(&self->waits_for_child, 1, __ATOMIC_SEQ_CST);
        /* What was handed over before that is found now; what comes later interrupts the wait. */
        result = __atomic_load_n(&mv.control->orphan_changes, __ATOMIC_SEQ_CST) == seen
                     ? mv_make_call(self, frame)
                     : ECHILD;
        __atomic_store_n(&self->waits_for_child, 0, __ATOMIC_SEQ_CST);
        if (result != ECHILD)
            return result;
    }
}
