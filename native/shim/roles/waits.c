/* wait4 and waitid. A wait tells of a child once; a leader that is killed in one may have been told, and its
 * follower must know of whom. So both are made as a waitid whose answer goes into the log's first page (the
 * witness), and from there to the program.
 *
 * To a promoted process its dead leader's children are its own, as well: the coordinator waits for them and
 * hands over in control.orphans how each one ended (children.c). */
#include "waits.h"
#include "../calls/guard.h"
#include "../log/barriers.h"
#include "../sys.h"
#include "roles.h"
#include "settle.h"
#include "witness.h"

#define ESRCH  (-3L)
#define EINTR  (-4L)
#define ECHILD (-10L)
#define EFAULT (-14L)
#define EINVAL (-22L)

#define WNOHANG    1u
#define WUNTRACED  2u
#define WEXITED    4u
#define WCONTINUED 8u
#define WNOWAIT    0x01000000u
#define WNOTHREAD  0x20000000u
#define WALL       0x40000000u
#define WCLONE     0x80000000u
#define OF_WAIT4   (WNOHANG | WUNTRACED | WCONTINUED | WNOTHREAD | WALL | WCLONE)

struct wanted {
    uint32_t type; /* of waitid: 0 all, 1 a pid, 2 a process group, 3 a pidfd */
    uint32_t id;
    uint32_t options; /* of waitid */
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

/* A child that has ended, claimed from other threads; NULL: none. *left: others still run. A wait may come
 * before mv_children_handed_over: SIGCHLD is sent all the same, as the kernel does before anybody can wait.
 */
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
                                        __ATOMIC_RELAXED)) {
            if (state == MV_ORPHAN_ENDED)
                mv_orphan_signal(orphan);
            return orphan;
        }
    }
    return NULL;
}

/* With nobody to hand it over, the end of a child is all that can be known. It counts as killed: what it was
 * to do can't be relied on. (Not as unknown: a program that is refused its own child waits for it for ever.)
 */
static void end_lost(void) {
    if (!mv_main_thread_is_gone(mv_load_acquire32(&mv.control->coordinator_pid)))
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

/* The status that wait4 makes of it. */
static uint32_t status_of(const struct mv_siginfo *info) {
    uint32_t status = (uint32_t)info->rest[1];
    switch (info->code) {
    case 1: /* CLD_EXITED */
        return (status & 0xff) << 8;
    case 2: /* CLD_KILLED */
        return status & 0x7f;
    case 3: /* CLD_DUMPED */
        return (status & 0x7f) | 0x80;
    case 6: /* CLD_CONTINUED */
        return 0xffff;
    default: /* CLD_STOPPED, CLD_TRAPPED */
        return status << 8 | 0x7f;
    }
}

static uint32_t child_in(const struct mv_waited *waited) {
    return (uint32_t)waited->info.rest[0];
}

/* The program is given what a successful wait told. */
static long give(const struct mv_thread *self, const struct mv_frame *frame, const struct mv_waited *waited) {
    uint32_t child = child_in(waited), status = status_of(&waited->info);
    int by_id = self->call == __NR_waitid, bad = 0;
    if (by_id)
        bad = put_info(frame->rdx, &waited->info);
    else if (child)
        bad = put(frame->rsi, &status, sizeof status);
    if (child)
        bad |= put(by_id ? frame->r8 : frame->r10, waited->rusage, sizeof waited->rusage);
    return bad ? EFAULT : by_id ? 0 : (long)child;
}

/* For children that the kernel knows as this process's. */
static long wait_by_kernel(struct mv_thread *self, const struct wanted *wanted, uint32_t more,
                           struct mv_waited *waited) {
    const uint64_t args[6] = {wanted->type, wanted->id, (uint64_t)&waited->info, wanted->options | more,
                              (uint64_t)waited->rusage};
    return mv_syscall_interruptible(args, __NR_waitid, &self->attention);
}

/* Where the answer goes: in a leader into the witness. */
static struct mv_waited *answer_of(struct mv_thread *self, const struct wanted *wanted,
                                   struct mv_waited *own) {
    int witnessed = mv.role == MV_ROLE_LEADER && self->log && !self->raw_depth;
    struct mv_witness *witness = witnessed ? &mv_log_header_of(self->log)->witness : NULL;
    struct mv_waited *waited = witness ? (struct mv_waited *)witness->child : own;
    waited->info = (struct mv_siginfo){0};
    if (witness) {
        witness->options = wanted->options;
        mv_witness_announce(self, witness, MV_WITNESS_CHILD);
    }
    return waited;
}

/* The end of a dead leader's child: forgotten once the answer holds it. The pid last. */
static void take_over(struct mv_orphan *orphan, const struct wanted *wanted, struct mv_waited *waited) {
    struct mv_siginfo info = mv_orphan_info(orphan);
    __builtin_memcpy(waited->rusage, orphan->rusage, sizeof waited->rusage);
    waited->info.number = info.number;
    waited->info.code = info.code;
    waited->info.rest[1] = info.rest[1];
    mv_store_release64(&waited->info.rest[0], info.rest[0]);
    if (wanted->options & WNOWAIT)
        __atomic_store_n(&orphan->state, MV_ORPHAN_TOLD, __ATOMIC_RELEASE);
    else
        mv_orphan_forget(orphan);
}

static long sleep_until_handed_over(struct mv_thread *self, uint32_t seen) {
    /* The time-out is only for a coordinator that died meanwhile. */
    static const int64_t limit[2] = {1, 0};
    uint64_t args[6] = {
        (uint64_t)&mv.control->orphan_changes, 0 /* FUTEX_WAIT */, seen, (uint64_t)limit, 0, 0};
    long result = mv_syscall_interruptible(args, __NR_futex, &self->attention);
    return result == EINTR && self->attention ? -MV_ERESTART : result;
}

/* For a promoted process's own children and its dead leader's. */
static long wait_for_both(struct mv_thread *self, const struct wanted *wanted, struct mv_waited *waited) {
    for (;;) {
        int left;
        uint32_t seen = __atomic_load_n(&mv.control->orphan_changes, __ATOMIC_SEQ_CST);
        long result = wait_by_kernel(self, wanted, WNOHANG, waited);
        int none = result == ECHILD;
        if (result ? !none : child_in(waited) != 0)
            return result;
        struct mv_orphan *orphan = claim(wanted, &left);
        if (!orphan && left) {
            end_lost();
            orphan = claim(wanted, &left);
        }
        if (orphan) {
            take_over(orphan, wanted, waited);
            return 0;
        }
        if (none && !left)
            return ECHILD;
        if (wanted->options & WNOHANG)
            return 0;
        if (none) {
            result = sleep_until_handed_over(self, seen);
            if (result == -MV_ERESTART)
                return result;
            continue;
        }
        __atomic_store_n(&self->waits_for_child, 1, __ATOMIC_SEQ_CST);
        /* What was handed over before that is found now; what comes later interrupts the wait. */
        result = __atomic_load_n(&mv.control->orphan_changes, __ATOMIC_SEQ_CST) == seen
                     ? wait_by_kernel(self, wanted, 0, waited)
                     : ECHILD;
        __atomic_store_n(&self->waits_for_child, 0, __ATOMIC_SEQ_CST);
        if (result != ECHILD)
            return result;
    }
}

long mv_wait_call(struct mv_thread *self, struct mv_frame *frame) {
    struct mv_waited own, *waited;
    if (self->call == __NR_wait4 && ((uint32_t)frame->rdx & ~OF_WAIT4))
        return EINVAL;
    if (self->call == __NR_wait4 && (int32_t)frame->rdi == INT32_MIN)
        return ESRCH;
    struct wanted wanted = wanted_by(self, frame);
    waited = answer_of(self, &wanted, &own);
    long result = mv.translated && mv.control ? wait_for_both(self, &wanted, waited)
                                              : wait_by_kernel(self, &wanted, 0, waited);
    if (!result)
        return give(self, frame, waited);
    if (self->call == __NR_waitid) /* as the kernel does */
        put_info(frame->rdx, &(struct mv_siginfo){0});
    return result;
}

/* ---- the settlement ---------------------------------------------------------------------------------- */

struct mv_settled mv_wait_settled(const struct mv_log_header *header) {
    const struct mv_witness *witness = &header->witness;
    const struct mv_waited *waited = (const struct mv_waited *)witness->child;
    struct mv_settled settled = {.call = MV_INTENT_NONE};
    if (witness->sequence != header->intent.sequence || witness->kind != MV_WITNESS_CHILD ||
        !child_in(waited))
        return settled;
    if (waited->info.code >= 1 && waited->info.code <= 3 && !(witness->options & WNOWAIT))
        mv_children_waited_for(child_in(waited));
    settled.copy = mv_room(sizeof *waited);
    if (settled.copy) {
        settled.call = header->intent.call;
        __builtin_memcpy(settled.copy, waited, sizeof *waited);
    }
    return settled;
}

long mv_wait_outcome(const struct mv_thread *self, const struct mv_frame *frame,
                     const struct mv_settled *settled) {
    long result = give(self, frame, settled->copy);
    mv_sys2(__NR_munmap, (long)settled->copy, sizeof(struct mv_waited));
    return result;
}
