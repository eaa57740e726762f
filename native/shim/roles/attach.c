/* Making a follower: all threads are parked, the process is copied by a raw clone, and in the copy each
 * thread is created again onto its own stack and thread control block. No libc code runs in between: its
 * fork() would clear the other threads' control blocks. The main thread asks, so that the copy's first thread
 * is the main thread. */
#include "../fault/fault.h"
#include "../log/barriers.h"
#include "../order/order.h"
#include "../process/ring.h"
#include "../signals/signals.h"
#include "../sys.h"
#include "../update/update.h"
#include "leftover.h"
#include "reconcile.h"
#include "roles.h"
#include "streams.h"
#include "watch.h"

#include <linux/sched.h>

#define KEEPER_LIMIT_NS 1000000000ull /* of the pause; most attachments take a few ms */
#define MOMENT_LIMIT_NS 10000000ull

/* A log for every thread. `running`: tracers read those that there are, which go on. */
static int open_logs(int running) {
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area)) {
        if (running && area->log)
            continue;
        if (area->slot >= MV_MAX_THREADS && mv_slot_take(area) >= MV_MAX_THREADS)
            return -11;
        mv_thread_introduce(area);
        struct mv_log_writer *writer = &mv_writers[area->slot];
        area->log = NULL;
        if (writer->running)
            mv_log_writer_stop(writer);
        mv_thread_forget_death(area->slot);
        int bad = mv_log_writer_start(writer, mv_log_base(mv.version, area->slot), mv.version, area->slot,
                                      mv.log_generation, &mv_budget, NULL, &mv_keeper);
        if (bad)
            return bad;
        mv_tracers_expect(writer, 0);
        area->log = writer;
    }
    return 0;
}

/* Our own logs and those that we read: only what a follower may write is writable. */
void mv_protect_logs(void) {
    for (uint32_t version = 0; version < MV_VERSIONS; version++)
        mv_sys3(__NR_mprotect, (long)mv.logs[version], (long)(MV_MAX_THREADS * MV_LOG_SPAN),
                version == mv.version ? 3 : 1 /* READ */);
}

/* The copy, under this version index: the leader's threads, replaying. Only this thread exists as yet. */
static void become_follower(struct mv_thread *self, uint32_t version, enum mv_member_state as) {
    struct mv_control *control = mv.control;
    mv_park_forget(); /* before any thread is there: one that was asked twice would park again, for good */
    mv.role = MV_ROLE_FOLLOWER;
    mv.reads = mv.version;
    mv.version = version;
    mv.leader_generation = mv.generation;
    mv.leader_pid = mv.pid;
    mv.generation = mv.followers[version].generation;
    mv.followed = 0;
    mv_point_forget();
    __builtin_memset(mv.followers, 0, sizeof mv.followers);
    mv.pid = (uint32_t)mv_sys0(__NR_getpid);
    mv_fault(MV_FAULT_COPY_BEGUN);
    mv_sys4(__NR_rt_sigprocmask, 2, (long)&mv_block_all, 0, 8);
    self->mask_replaced = 1;
    mv_family_take();
    mv_fast_calls_for_role();
    mv_rewrite_after_fork();
    mv_keeper_forget();
    mv_ring_forget();
    mv_takeover_forget();
    mv_reconcile_end();
    mv_leftover_forget();
    mv_unsettled = 0;
    mv_lent_forget();
    mv_order_join(); /* while the logs that the threads write to are known */
    for (uint32_t slot = 0; slot < MV_MAX_THREADS; slot++) {
        struct mv_log_writer *writer = &mv_writers[slot];
        if (writer->accounts)
            mv_sys2(__NR_munmap, (long)writer->accounts, MV_LOG_ACCOUNTS_SIZE);
        *writer = (struct mv_log_writer){0};
    }
    mv_budget = (struct mv_log_budget){.limit = control->log_limit};
    mv_protect_logs();
    for (uint32_t slot = 0; slot < MV_MAX_THREADS; slot++)
        control->threads[mv.version][slot].state = MV_THREAD_FREE;
    mv_install_defaults();
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area)) {
        area->info = &control->threads[mv.version][area->slot];
        area->info->state = MV_THREAD_RUNNING;
        area->mask_replaced = 1;
        area->park_state = 0;
        area->log = NULL;
        /* A signal that waits in the leader comes as an event, behind the next record. */
        area->signal_late = area->late_timer = area->deferred = area->sigsys_waits = 0;
        mv_attention_clear(area, MV_ATTEND_SIGNAL);
        area->death_linked = 0;
        area->asks = area->come = 0;
        area->settled.call = MV_INTENT_NONE; /* its leader's, who publishes what becomes of it */
        area->to_recreate = area->unborn = area != self;
        mv_sent_start(area);
        int bad = mv_follower_open_log(area);
        if (bad)
            mv_follower_end(MV_REASON_CORRUPT, bad, mv_log_fault_text(bad));
    }
    mv_fault(MV_FAULT_COPY_READS);
    if (as == MV_MEMBER_UPDATING)
        mv_arrival_expect();
    self->tid = mv.pid;
    mv_thread_introduce(self);
    if (self->robust_head) /* a fork's child has none */
        mv_sys2(__NR_set_robust_list, (long)self->robust_head, 24);
    mv_net_arm(self);
    mv_thread_forget_death(
        self->slot);            /* of who had this index before: the list may not take new words now */
    mv_thread_link_death(self); /* the keeper watches the follower, too */
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area)) {
        if (!area->to_recreate) /* one that a re-created thread makes meanwhile */
            continue;
        area->to_recreate = 0;
        uint64_t flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                         CLONE_SETTLS | (area->clear_child_tid ? CLONE_CHILD_CLEARTID : 0);
        mv_fault(MV_FAULT_COPY_THREADS);
        long tid = mv_clone_thread(flags, area->park_context[6], area->clear_child_tid, area->fs_base,
                                   area->park_context);
        if (mv_is_error(tid))
            mv_follower_end(MV_REASON_NO_RESOURCES, (int)-tid,
                            "the follower could not make all threads again");
    }
    if (as == MV_MEMBER_UPDATING)
        mv_update_begin(self);
    mv_scheduling_give_way(self);
    mv_member_becomes(version, MV_MEMBER_NONE, as); /* unless it has been ended meanwhile */
    mv_control_changed();                           /* the request is done: the copy is whole */
    mv_fault(MV_FAULT_COPY_WHOLE);
}

int mv_publish_start(void) {
    int running = mv.role == MV_ROLE_LEADER, bad = mv_keeper_bury();
    if (bad)
        return bad;
    if (!running)
        mv.log_generation = ++mv.control->log_generation;
    mv_order_start(running, mv.followed != 0);
    bad = open_logs(running);
    if (bad)
        return bad;
    mv.role = MV_ROLE_LEADER;
    mv.control->publishes = 1;
    mv_fast_calls_for_role();
    mv_install_defaults();
    return 0;
}

static void nap(void) {
    const int64_t time[2] = {0, 50000};
    mv_sys2(__NR_nanosleep, (long)time, 0);
}

/* A keeper may be in the middle of a step, or be killed there just now: it lets go of the logs, or is buried.
 */
int mv_start_logs(uint64_t begin) {
    for (;;) {
        int bad = mv_publish_start();
        if (bad != -16 /* EBUSY */ || mv_now() - begin > KEEPER_LIMIT_NS)
            return bad;
        nap();
    }
}

/* Some servers forbid themselves to make processes. */
static int may_make_none(void) {
    uint64_t limit[2] = {0, 0};
    return !mv_sys4(__NR_prlimit64, 0, 6 /* RLIMIT_NPROC */, 0, (long)limit) && !limit[0];
}

/* Parks all others. Not within another thread's moment, which they would not stand still for
 * (order/moment.c): those who follow already could find another time than their leader. */
static uint32_t park_others(struct mv_thread *self, uint64_t begin) {
    uint32_t late = mv_park_others(self);
    while (!late && mv.followed && mv_moment_is_anothers(self) && mv_now() - begin < MOMENT_LIMIT_NS) {
        mv_park_release(self);
        nap();
        late = mv_park_others(self);
    }
    return late;
}

static void stage_as_before(void) {
    mv.control->stage = mv.followed ? MV_STAGE_FOLLOWED : MV_STAGE_SINGLE_LEADER;
}

/* The request: by the main thread, on its shim stack (or in the constructor). */
void mv_follow(struct mv_thread *self, enum mv_member_state as) {
    struct mv_control *control = mv.control;
    mv_leader_unfollowed(); /* it may have slept since a follower ended */
    uint32_t version = mv_index_free();
    if (version == MV_VERSIONS) {
        int most = __builtin_popcount(mv.followed) == MV_VERSIONS - 1;
        mv_request_answer(MV_REASON_BUSY, 0,
                          most ? "it has three followers already"
                               : "followers that have ended are not gone yet");
        return;
    }
    control->stage = MV_STAGE_ATTACHING;
    mv_control_changed();
    uint64_t begin = mv_now();
    uint32_t late = park_others(self, begin);
    if (late) {
        struct mv_text text = {.used = 0};
        mv_park_tell_late(&text, late);
        mv_park_release(self);
        stage_as_before();
        mv_request_answer(MV_REASON_PARK_TIMEOUT, 0, text.bytes);
        return;
    }
    struct mv_text why = {.used = 0};
    int never = mv_has_spinners(&why); /* such threads never rest: one would wait for it in vain */
    if (!never && as == MV_MEMBER_UPDATING && !mv_threads_rest(self, 1, &why)) {
        mv_park_release(self);
        stage_as_before();
        mv_point_again(&why);
        return;
    }
    if (never || mv_obstacle(&why)) {
        mv_park_release(self);
        stage_as_before();
        mv_request_answer(MV_REASON_UNSUPPORTED, 0, why.bytes);
        return;
    }
    mv_leader_unfollowed(); /* the last follower may have ended meanwhile */
    mv_thread_unlink_death(self);
    uint64_t generation = ++control->generation;
    mv.followers[version].pid = 0;
    mv.followers[version].generation = generation;
    struct mv_member *member = mv_member_of(version);
    for (uint32_t other = 0; other < MV_VERSIONS; other++) /* what had this index before is gone */
        if (mv_member_of(other)->updated_from == version + 1)
            mv_member_of(other)->updated_from = 0;
    *member = (struct mv_member){.generation = generation};
    if (as == MV_MEMBER_UPDATING) {
        member->updated_from = mv.version + 1;
        member->point = mv.point_call;
    }
    control->tasks[version] = (struct mv_task){0};
    mv_fault_generation(generation);
    int bad = mv_start_logs(begin);
    const char *failing = bad == -16 /* EBUSY */
                              ? "a keeper of the event log does not let go of it (is it stopped?)"
                              : "the event log could not be started";
    if (!bad) {
        failing = "the log's keeper could not be made";
        mv_ring_start();
        bad = mv_remains_start();
        if (!bad)
            bad = mv_keeper_start();
    }
    if (!bad) {
        failing = "the memory that the server shares with its children could not be copied";
        bad = mv_family_copy();
    }
    long pid = bad;
    if (!bad) {
        failing = "the process could not be copied";
        for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area)) {
            mv_log_expect_reader(area->log, version, 1);
            area->signal_untold = 0;
            area->signal_announced = 0; /* (beside others it never is: mv_attend) */
        }
        mv.followed |= 1u << version;
        mv_timers_start();
        mv_posix_timers_start();
        mv_epoll_start();
        mv_streams_start((mv.followed & ~(1u << version)) !=
                         0); /* nobody moves a byte now; the copy inherits what is noted */
        mv_children_start();
        if (mv_children_any())
            mv_watch_forked();
        __atomic_store_n(&control->publishing[version], (uint32_t)generation, __ATOMIC_RELEASE);
        control->reason = MV_REASON_NONE;
        size_t size = 0;
        __asm__("mov %%fs:0, %0" : "=r"(self->fs_base));
        mv_sys3(__NR_get_robust_list, 0, (long)&self->robust_head, (long)&size);
        mv_sent_pending(self);
        mv_sent_look();
        mv_fault(MV_FAULT_ATTACH_UNCOPIED);
        /* The kernel itself notes who follows: it holds though we be killed, or the copy end, right now. */
        pid = mv_sys5(__NR_clone, CLONE_FILES | CLONE_FS | CLONE_PARENT | CLONE_PARENT_SETTID, 0,
                      (long)&member->pid, 0, 0);
        if (pid == 0) {
            become_follower(self, version, as);
            return;
        }
    }
    mv_family_forget();
    if (mv_is_error(pid)) {
        mv.role = MV_ROLE_LEADER;
        mv_member_let_go(version, generation);
        mv.followed |= 1u << version;
        mv_leader_unfollowed();
        if (mv.role == MV_ROLE_LEADER) /* for tracers */
            mv_thread_link_death(self);
        mv_keeper_poll(0);
        stage_as_before();
        mv_park_release(self);
        if (pid == -11 /* EAGAIN */ && may_make_none())
            failing = "the server has forbidden itself to make processes (RLIMIT_NPROC is 0)";
        mv_request_answer(MV_REASON_NO_RESOURCES, (int)-pid, failing);
        return;
    }
    /* All but what wakes them. At once: a death would leave the pause of the attachment before. */
    control->attach_pause_ns = mv_now() - begin;
    mv_fault(MV_FAULT_ATTACH_COPIED);
    mv_thread_link_death(self);
    mv_fault(MV_FAULT_ATTACH_LINKED);
    control->stage = MV_STAGE_FOLLOWED;
    mv_fault(MV_FAULT_ATTACH_STAGED);
    mv.followers[version].pid = (uint32_t)pid; /* before anybody can end it */
    mv_park_release(self);
    mv_fault(MV_FAULT_ATTACH_RELEASED);
    mv_request_answer(MV_REASON_NONE, 0, "");
    mv_fault(MV_FAULT_ATTACH_ANSWERED);
}
