/* A shim that intercepts nothing: it plays the shim's part of shared.h, so that the coordinator can be tested
 * on situations that real servers reach only by luck. Its behaviour is told by environment variables:
 *   FAKE_FOLLOWER=replay|diverge|crash|silent   what a follow request leads to
 *   FAKE_FOLLOWER=refuse REASON TEXT            it is refused with this enum mv_reason
 *   FAKE_POINT=CALL                             followers are another version with rules; promotions wait for
 * that system call, which never comes FAKE_FAILOVER=1                                    the follower takes
 * over when the leader dies
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../number.h"

#include "mvedsua/shared.h"

static struct mv_control *control;

static void changed(void) {
    __atomic_add_fetch(&control->change, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, &control->change, FUTEX_WAKE, 1 << 30, 0, 0, 0);
}

static void say(uint32_t level, const char *text) {
    uint64_t number = __atomic_add_fetch(&control->message_count, 1, __ATOMIC_SEQ_CST);
    struct mv_message *message = &control->messages[number % MV_MESSAGES];
    __atomic_store_n(&message->number, 0, __ATOMIC_RELEASE);
    message->pid = (uint32_t)getpid();
    message->level = level;
    strncpy(message->text, text, sizeof message->text - 1);
    __atomic_store_n(&message->number, number, __ATOMIC_RELEASE);
}

static uint32_t own; /* a follower's version index */

static void promote(void) {
    control->stage = MV_STAGE_FAILOVER;
    changed();
    control->leader_pid = (uint32_t)getpid();
    control->leader_version = own;
    control->leads = control->members[own].generation;
    control->members[own].state = MV_MEMBER_LEADS;
    control->reason = MV_REASON_LEADER_DIED;
    control->reason_code = SIGKILL;
    control->failovers++;
    control->failover_ns = 123456;
    control->stage = MV_STAGE_SINGLE_LEADER;
    changed();
}

static void diverge(void) {
    struct mv_divergence *d = &control->divergence[own];
    struct mv_member *member = &control->members[own];
    *d = (struct mv_divergence){.kind = MV_DIFFERS_CALL, .call = SYS_getpid, .sequence = 0};
    member->reason = MV_REASON_DIVERGED;
    control->threads[own][0].state = MV_THREAD_DIVERGED;
    control->publishing[own] = 0;
    member->state = MV_MEMBER_PARKED;
    changed();
    while (__atomic_load_n(&member->report_taken, __ATOMIC_ACQUIRE) == 0)
        syscall(SYS_futex, &member->report_taken, FUTEX_WAIT, 0, 0, 0, 0);
    member->state = MV_MEMBER_ENDED;
    control->stage = MV_STAGE_SINGLE_LEADER;
    changed();
    _exit(0);
}

/* The follower sleeps until its leader is gone. */
static void follow(const char *behaviour, int leader_fd) {
    prctl(PR_SET_NAME, "fake-follower");
    while (__atomic_load_n(&control->members[own].state, __ATOMIC_ACQUIRE) != MV_MEMBER_REPLAYING)
        usleep(1000);
    if (strcmp(behaviour, "crash") == 0)
        (void)raise(SIGKILL);
    if (strcmp(behaviour, "diverge") == 0)
        diverge();
    struct {
        int fd;
        short events, revents;
    } wait = {leader_fd, 1, 0};
    while (syscall(SYS_poll, &wait, 1, -1) != 1)
        ;
    if (!getenv("FAKE_FAILOVER"))
        _exit(0);
    promote();
    for (;;)
        pause();
}

static void answer(uint32_t reason, const char *text) {
    strncpy(control->reason_text, text, sizeof control->reason_text - 1);
    control->answer = reason;
    __atomic_store_n(&control->answered_number, control->request_number, __ATOMIC_RELEASE);
    changed();
}

static void attach(const char *behaviour) {
    int leader_fd = (int)syscall(SYS_pidfd_open, getpid(), 0); /* while it surely lives */
    control->reason = MV_REASON_NONE;
    control->reason_text[0] = 0;
    control->stage = MV_STAGE_ATTACHING;
    control->generation++;
    own = 1;
    while (control->publishing[own])
        own++;
    struct mv_member *member = &control->members[own];
    *member = (struct mv_member){.generation = control->generation};
    const char *point = getenv("FAKE_POINT");
    if (point) {
        member->point = (uint32_t)number(point);
        member->updated_from = 1;
        member->rules[0] = 1;
    }
    changed();
    long pid = syscall(SYS_clone, CLONE_PARENT | CLONE_FILES, 0, 0, 0, 0);
    if (pid == 0)
        follow(behaviour, leader_fd);
    member->pid = (uint32_t)pid;
    control->attach_pause_ns = 1500000;
    control->publishing[own] = (uint32_t)control->generation;
    control->stage = MV_STAGE_FOLLOWED;
    __atomic_store_n(&member->state, MV_MEMBER_REPLAYING, __ATOMIC_RELEASE);
    answer(MV_REASON_NONE, "");
}

static void unfollow(uint32_t generation) {
    uint32_t left = 0;
    for (uint32_t version = 1; version < MV_VERSIONS; version++) {
        struct mv_member *member = &control->members[version];
        if (!control->publishing[version])
            continue;
        if (generation && control->publishing[version] != generation) {
            left++;
            continue;
        }
        member->reason = MV_REASON_REQUESTED;
        control->publishing[version] = 0;
        member->state = MV_MEMBER_ENDED;
        kill((pid_t)member->pid, SIGKILL);
    }
    if (!left)
        control->stage = MV_STAGE_SINGLE_LEADER;
}

static void kicked(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    if (info->si_code != SI_QUEUE || info->si_value.sival_int != MV_KICK_REQUEST)
        return;
    const char *behaviour = getenv("FAKE_FOLLOWER");
    if (!behaviour)
        behaviour = "replay";
    if (strcmp(behaviour, "silent") == 0)
        return;
    switch (control->request) {
    case MV_REQUEST_FOLLOW:
        if (strncmp(behaviour, "refuse ", 7) == 0) {
            char *text;
            uint32_t reason = (uint32_t)strtoul(behaviour + 7, &text, 10);
            control->reason = reason;
            answer(reason, text + 1);
        } else
            attach(behaviour);
        break;
    case MV_REQUEST_UNFOLLOW:
        unfollow(control->request_generation);
        answer(MV_REASON_NONE, "");
        break;
    case MV_REQUEST_PROMOTE:
        if (getenv("FAKE_POINT"))
            break;
        /* fall through */
    default:
        answer(MV_REASON_NONE, "");
    }
}

__attribute__((constructor)) static void start(void) {
    const char *fd = getenv("MVEDSUA_SESSION_FD");
    if (!fd)
        return;
    int inherited = (int)number(fd);
    control = mmap(0, MV_CONTROL_SPAN, PROT_READ | PROT_WRITE, MAP_SHARED, inherited, 0);
    if (control == MAP_FAILED || control->magic != MV_CONTROL_MAGIC)
        _exit(99);
    control->session_fd = (uint32_t)fcntl(inherited, F_DUPFD_CLOEXEC, 900);
    close(inherited);
    unsetenv("MVEDSUA_SESSION_FD");
    unsetenv("LD_PRELOAD"); /* only the first program of a command plays */
    control->leader_pid = control->logical_pid = (uint32_t)getpid();
    control->members[0] = (struct mv_member){.pid = control->leader_pid, .state = MV_MEMBER_LEADS};
    control->threads[0][0] = (struct mv_thread_info){.state = MV_THREAD_RUNNING, .tid = control->leader_pid};
    control->sites_rewritten = 572;
    control->stage = MV_STAGE_SINGLE_LEADER;
    struct sigaction act = {.sa_sigaction = kicked, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigaction(SIGSYS, &act, 0);
    say(1, "this is the fake shim");
    changed();
}
