/* Who the process is: its user, groups and capabilities, its session and process group. A follower becomes
 * what its leader has become; if it can't, it ends by name.
 *
 * A process group of the leader's own is joined by its follower, so that it outlives the leader under the
 * number that the program knows. A session can't be joined: the follower makes one of its own, and after a
 * promotion the group of that session stands for the dead leader's (with whoever is left in that). */
#include "../calls/guard.h"
#include "../sys.h"
#include "roles.h"

#define EPERM (-1L)
#define ESRCH (-3L)

/* The session and the group that the program takes for its own, named by its pid, when they have another
 * number; 0: they have not. A copy inherits both. */
static uint32_t own_session, own_group;

int mv_identity_changes(uint32_t call) {
    switch (call) {
    case __NR_setuid:
    case __NR_setgid:
    case __NR_setreuid:
    case __NR_setregid:
    case __NR_setresuid:
    case __NR_setresgid:
    case __NR_setgroups:
    case __NR_setfsuid:
    case __NR_setfsgid:
    case __NR_capset:
    case __NR_personality:
    case __NR_setsid:
    case __NR_setpgid:
        return 1;
    default:
        return 0;
    }
}

static int is_own(uint64_t pid) {
    return (uint32_t)pid == 0 || (uint32_t)pid == mv.logical_pid;
}

/* The group of the leader's own: if the leader is gone, and nobody else is in it, one of ours. */
static long join_group(uint64_t group) {
    uint32_t leader = mv.leader_pid;
    long result = mv_sys2(__NR_setpgid, 0, is_own(group) ? (long)leader : (long)group);
    if (result == EPERM && is_own(group)) {
        leader = mv.pid;
        result = mv_sys2(__NR_setpgid, 0, 0);
    }
    own_group = is_own(group) && leader != mv.logical_pid ? leader : 0;
    return result;
}

static long new_session(void) {
    long result = mv_sys0(__NR_setsid);
    if (!mv_is_error(result))
        own_session = own_group = (uint32_t)result;
    return result;
}

/* The header may name this very thread, by the number that the program knows. */
static long set_capabilities(const struct mv_frame *frame) {
    uint32_t header[2] = {0, 0};
    if (mv_guard_load32((const void *)frame->rdi, &header[0]))
        return -14;
    return mv_sys2(__NR_capset, (long)header, (long)frame->rsi);
}

/* The leader's call succeeded with `told`: the same here. Nothing but its outcome may differ. */
static int become(struct mv_thread *self, const struct mv_frame *frame, long told) {
    switch (self->call) {
    case __NR_setsid:
        return !mv_is_error(new_session());
    case __NR_setpgid: /* of a child: it has no copy here */
        return !is_own(frame->rdi) || !mv_is_error(join_group(frame->rsi));
    case __NR_capset:
        return set_capabilities(frame) == told;
    default:
        return mv_sys3(self->call, (long)frame->rdi, (long)frame->rsi, (long)frame->rdx) == told;
    }
}

enum mv_action mv_identity_replay(struct mv_thread *self, struct mv_frame *frame,
                                  const struct mv_call_row *row) {
    enum mv_action action;
    if (!mv_follower_replayed(self, frame, row, &action))
        return action;
    if (mv_is_error((long)frame->rax) || become(self, frame, (long)frame->rax))
        return MV_ACTION_RETURN;
    struct mv_text text = {.used = 0};
    mv_text_add(&text, "the follower could not become what its leader became by ");
    mv_text_add(&text, row->name);
    mv_follower_end(MV_REASON_NO_RESOURCES, 0, text.bytes);
}

/* ---- after a promotion ----------------------------------------------------------------------------- */

static long real(uint64_t pid) {
    return is_own(pid) ? (long)mv.pid : (long)(int32_t)pid;
}

static long shown(long number, uint32_t own) {
    return own && number == (long)own ? (long)mv.logical_pid : number;
}

/* Both groups that are the program's own: this process's, and what is left of the dead leader's. */
static long kill_groups(const struct mv_frame *frame) {
    int32_t target = (int32_t)frame->rdi;
    long number = (long)frame->rsi;
    int own = target == 0 || target == -(int32_t)mv.logical_pid;
    if (!own || !own_group || mv_sys1(__NR_getpgid, 0) != (long)own_group)
        return mv_sys2(__NR_kill, target, number);
    /* The other one first: the signal may end us. */
    long others = mv_sys2(__NR_kill, -(long)mv.logical_pid, number);
    long result = mv_sys2(__NR_kill, -(long)own_group, number);
    return result == ESRCH ? others : result;
}

static long set_group(const struct mv_frame *frame) {
    long result = mv_sys2(__NR_setpgid, real(frame->rdi), real(frame->rsi));
    if (!mv_is_error(result) && is_own(frame->rdi))
        own_group = is_own(frame->rsi) ? mv.pid : 0;
    return result;
}

int mv_identity_translate(const struct mv_frame *frame, long *result) {
    switch (mv_self->call) {
    case __NR_kill:
        *result = kill_groups(frame);
        return 1;
    case __NR_getpgrp:
        *result = shown(mv_sys1(__NR_getpgid, 0), own_group);
        return 1;
    case __NR_getpgid:
        *result = shown(mv_sys1(__NR_getpgid, real(frame->rdi)), own_group);
        return 1;
    case __NR_getsid:
        *result = shown(mv_sys1(__NR_getsid, real(frame->rdi)), own_session);
        return 1;
    case __NR_setsid:
        *result = shown(new_session(), own_session);
        return 1;
    case __NR_setpgid:
        *result = set_group(frame);
        return 1;
    default:
        return 0;
    }
}
