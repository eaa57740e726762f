/* Making a follower: all threads are parked, the process is copied by a raw clone, and in the copy each
 * thread is created again onto its own stack and thread control block.
 *
 * A thread parks in the handler of a kick, or at the exit of the call in which the kick found it; a call that
 * the kick interrupted is made again by the new role. No libc code runs in between: its fork() would clear
 * the other threads' control blocks. The main thread asks, so that the copy's first thread is the main thread.
 *
 * Races: a thread that is created while others park (the areas are walked until nothing new appears); a
 * thread that leaves the shim just as it is kicked (kicked again every 5 ms); one that exits instead. */
#include "../log/barriers.h"
#include "../order/order.h"
#include "../rewrite/maps.h"
#include "../signals/signals.h"
#include "../sys.h"
#include "roles.h"
#include "streams.h"

#include <linux/sched.h>

#define PARKED 1u
#define PARK_LIMIT_NS 2000000000ull
#define KICK_INTERVAL_NS 5000000

extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));

static uint32_t parked_count; /* futex: raised by each thread that parks */
static uint32_t parking;

static uint64_t now(void)
{
    int64_t time[2];
    mv_sys2(__NR_clock_gettime, 1, (long)time);
    return (uint64_t)time[0] * 1000000000u + (uint64_t)time[1];
}

void mv_kick(struct mv_thread *area, int kind)
{
    struct mv_siginfo info = {.number = 31, .code = -1 /* SI_QUEUE */};
    info.rest[1] = (uint64_t)kind;
    mv_sys4(__NR_rt_tgsigqueueinfo, mv.pid, area->tid, 31, (long)&info);
}

/* In the copy, on the copied stack, as the re-created thread. */
static void recreated(struct mv_thread *self)
{
    self->tid = (uint32_t)mv_sys0(__NR_gettid);
    if (self->robust_head)
        mv_sys2(__NR_set_robust_list, (long)self->robust_head, 24);
    if (&__rseq_size && __rseq_size)
        mv_sys4(__NR_rseq, (long)(self->fs_base + (uint64_t)__rseq_offset), 32, 0, 0x53053053);
    if (self->alt_stack[0])
        mv_sys2(__NR_sigaltstack, (long)self->alt_stack, 0);
    self->info->tid = self->tid;
    self->info->logical_tid = self->logical_tid;
    self->log = NULL;
    mv_net_arm(self);
}

/* Stands still until the asking thread releases or copies. */
void mv_park(struct mv_thread *self)
{
    size_t size = 0;
    if (!__atomic_load_n(&parking, __ATOMIC_ACQUIRE))
        return; /* a late kick */
    int replaced = (int)self->mask_replaced;
    if (!replaced)
        mv_mask_replace(self); /* nothing may run here while the memory is being copied */
    mv_thread_unlink_death(self);
    __asm__("mov %%fs:0, %0" : "=r"(self->fs_base));
    mv_sys3(__NR_get_robust_list, 0, (long)&self->robust_head, (long)&size);
    mv_sys2(__NR_sigaltstack, 0, (long)self->alt_stack);
    if (mv_park_save(self->park_context)) {
        recreated(self);
        return; /* the mask stays replaced in a follower */
    }
    __atomic_store_n(&self->park_state, PARKED, __ATOMIC_RELEASE);
    __atomic_add_fetch(&parked_count, 1, __ATOMIC_ACQ_REL);
    mv_sys3(__NR_futex, (long)&parked_count, 129, 1);
    while (__atomic_load_n(&self->park_state, __ATOMIC_ACQUIRE) == PARKED)
        mv_sys4(__NR_futex, (long)&self->park_state, 128, PARKED, 0);
    if (mv.role == MV_ROLE_LEADER && self->log)
        mv_thread_link_death(self);
    if (!replaced)
        mv_mask_restore(self);
}

static void release(struct mv_thread *self)
{
    __atomic_store_n(&parking, 0, __ATOMIC_RELEASE);
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area)) {
        if (area == self)
            continue;
        __atomic_store_n(&area->park_state, 0, __ATOMIC_RELEASE);
        mv_sys3(__NR_futex, (long)&area->park_state, 129, 1);
    }
}

/* Parks everybody but `self`. 0, or the tid of a thread that did not get there in time. */
static uint32_t park_others(struct mv_thread *self)
{
    uint64_t begin = now();
    __atomic_store_n(&parking, 1, __ATOMIC_RELEASE);
    for (;;) {
        uint32_t count = __atomic_load_n(&parked_count, __ATOMIC_ACQUIRE);
        uint32_t missing = 0;
        for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area)) {
            if (area == self || __atomic_load_n(&area->park_state, __ATOMIC_ACQUIRE) == PARKED)
                continue;
            missing = area->tid ? area->tid : 1;
            if (area->tid)
                mv_kick(area, MV_KICK_PARK);
        }
        if (!missing)
            return 0;
        if (now() - begin > PARK_LIMIT_NS)
            return missing;
        int64_t limit[2] = {0, KICK_INTERVAL_NS};
        mv_sys4(__NR_futex, (long)&parked_count, 128, count, (long)limit);
    }
}

static void answer(enum mv_reason reason, int code, const char *text)
{
    struct mv_control *control = mv.control;
    control->answer = reason;
    if (reason != MV_REASON_NONE)
        mv_reason(reason, code, text);
    __atomic_store_n(&control->answered_number, control->request_number, __ATOMIC_RELEASE);
    mv_control_changed();
}

/* A log for every thread, and (with a follower) a place in it for its reader. */
static int open_logs(uint32_t reader_pid)
{
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area)) {
        if (area->slot >= MV_MAX_THREADS && mv_slot_take(area) >= MV_MAX_THREADS)
            return -11;
        area->info->tid = area->tid;
        area->info->logical_tid = area->logical_tid;
        struct mv_log_writer *writer = &mv_writers[area->slot];
        if (writer->running && area->keeper_epoch != mv_keeper_epoch)
            mv_log_keeper_lost(writer, &mv_keeper_word);
        area->keeper_epoch = mv_keeper_epoch;
        if (writer->running)
            mv_log_writer_stop(writer);
        /* Whoever owned this log two generations ago has died: the keeper must not take that for our death. */
        struct mv_log_header *header = (struct mv_log_header *)mv_log_base(mv.version, area->slot);
        for (uint32_t i = 0; i < MV_MAX_READERS; i++)
            __atomic_store_n(&header->death[i].word, 0, __ATOMIC_RELEASE);
        int bad = mv_log_writer_start(writer, mv_log_base(mv.version, area->slot), mv.version, area->slot, mv.generation,
                                      &mv_budget, NULL, &mv_keeper_word);
        if (bad)
            return bad;
        if (reader_pid)
            mv_log_expect_reader(writer, 0, reader_pid);
        area->log = writer;
    }
    return 0;
}

static void install_signals(void)
{
    for (int number = 1; number <= 64; number++)
        if (number != 31 && number != 9 && number != 19 && mv_actions[number].handler == 0)
            mv_signal_install(number);
}

/* The copy: the leader's threads, replaying. Only this thread exists as yet. */
static void become_follower(struct mv_thread *self)
{
    struct mv_control *control = mv.control;
    mv.role = MV_ROLE_FOLLOWER;
    mv.version ^= 1;
    mv.pid = (uint32_t)mv_sys0(__NR_getpid);
    mv_sys4(__NR_rt_sigprocmask, 2, (long)&mv_block_all, 0, 8);
    self->mask_replaced = 1;
    mv_fast_calls_for_role();
    mv_rewrite_after_fork();
    mv_keeper_forget();
    mv_takeover_forget();
    for (uint32_t slot = 0; slot < MV_MAX_THREADS; slot++) {
        struct mv_log_writer *writer = &mv_writers[slot];
        if (writer->accounts)
            mv_sys2(__NR_munmap, (long)writer->accounts, MV_LOG_ACCOUNTS_SIZE);
        *writer = (struct mv_log_writer){0};
    }
    mv_budget = (struct mv_log_budget){.limit = control->log_limit};
    mv_sys3(__NR_mprotect, (long)mv.logs[mv.version ^ 1], (long)(MV_MAX_THREADS * MV_LOG_SPAN), 1 /* READ */);
    mv_sys3(__NR_mprotect, (long)mv.logs[mv.version], (long)(MV_MAX_THREADS * MV_LOG_SPAN), 3 /* were our leader's */);
    for (uint32_t slot = 0; slot < MV_MAX_THREADS; slot++)
        control->threads[mv.version][slot].state = MV_THREAD_FREE;
    install_signals();
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area)) {
        area->info = &control->threads[mv.version][area->slot];
        area->info->state = MV_THREAD_RUNNING;
        area->mask_replaced = 1;
        area->park_state = 0;
        area->log = NULL;
        area->signal_late = 0;
        area->death_linked = 0;
        int bad = mv_follower_open_log(area);
        if (bad)
            mv_follower_end(MV_REASON_CORRUPT, bad, mv_log_fault_text(bad));
    }
    self->tid = mv.pid;
    self->info->tid = self->tid;
    self->info->logical_tid = self->logical_tid;
    if (self->robust_head) /* a fork's child has none */
        mv_sys2(__NR_set_robust_list, (long)self->robust_head, 24);
    mv_net_arm(self);
    mv_thread_link_death(self); /* the keeper watches the follower, too */
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area)) {
        if (area == self || !area->park_context[7])
            continue; /* (a thread that a re-created one has just made) */
        uint64_t flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |
                         (area->clear_child_tid ? CLONE_CHILD_CLEARTID : 0);
        long tid = mv_clone_thread(flags, area->park_context[6], area->clear_child_tid, area->fs_base, area->park_context);
        if (mv_is_error(tid))
            mv_follower_end(MV_REASON_NO_RESOURCES, (int)-tid, "the follower could not make all threads again");
    }
    parking = 0;
    __atomic_store_n(&control->follower_state, 1, __ATOMIC_RELEASE);
}

static int publish_without_follower(void)
{
    mv.generation = ++mv.control->generation;
    mv_order_start();
    int bad = open_logs(0);
    if (bad)
        return bad;
    mv.role = MV_ROLE_LEADER;
    mv_fast_calls_for_role();
    install_signals();
    return 0;
}

/* Memory that the process shares with others and may write: a copy of the process would write it too. */
static int writes_shared_memory(struct mv_text *why)
{
    struct mv_maps maps;
    struct mv_mapping mapping;
    int found = 0;
    if (mv_maps_open(&maps))
        return 0;
    while (!found && mv_maps_next(&maps, &mapping)) {
        uint64_t start = mapping.start;
        int ours = (start >= (uint64_t)mv.control && start < (uint64_t)mv.control + MV_CONTROL_SPAN);
        for (unsigned version = 0; version < MV_VERSIONS; version++)
            ours |= start >= (uint64_t)mv.logs[version] && start < (uint64_t)mv.logs[version] + MV_MAX_THREADS * MV_LOG_SPAN;
        found = mapping.shared && (mapping.prot & 2) && !ours;
    }
    if (found) {
        mv_text_add(why, "the server writes memory that it shares with other processes (");
        for (size_t i = 0; i < mapping.name_length && i < 80; i++) {
            char byte[2] = {mapping.name[i], 0};
            mv_text_add(why, byte);
        }
        mv_text_add(why, "); a follower can't have a copy of it");
    }
    mv_maps_close(&maps);
    return found;
}

/* The request: by the main thread, on its shim stack (or in the constructor). */
void mv_follow(struct mv_thread *self)
{
    struct mv_control *control = mv.control;
    if (mv.role != MV_ROLE_SOLO) {
        answer(MV_REASON_BUSY, 0, "the server is followed or traced already");
        return;
    }
    control->stage = MV_STAGE_ATTACHING;
    mv_control_changed();
    uint64_t begin = now();
    uint32_t late = park_others(self);
    if (late) {
        struct mv_text text = {.used = 0};
        mv_text_add(&text, "thread ");
        mv_text_number(&text, late);
        mv_text_add(&text, " could not be stopped within 2 s");
        release(self);
        control->stage = MV_STAGE_SINGLE_LEADER;
        answer(MV_REASON_PARK_TIMEOUT, 0, text.bytes);
        return;
    }
    struct mv_text shared = {.used = 0};
    if (writes_shared_memory(&shared)) {
        release(self);
        control->stage = MV_STAGE_SINGLE_LEADER;
        answer(MV_REASON_UNSUPPORTED, 0, shared.bytes);
        return;
    }
    mv_thread_unlink_death(self);
    int bad = publish_without_follower();
    if (!bad)
        bad = mv_keeper_start();
    long pid = bad;
    if (!bad) {
        for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
            mv_log_expect_reader(area->log, 0, 1);
        mv_timers_start();
        mv_streams_start(); /* nobody moves a byte now; the copy inherits what is noted */
        control->publishing = 1;
        control->report_taken = 0;
        control->follower_state = 0; /* not the last one's: parked, the new one would be taken for diverged */
        control->reason = MV_REASON_NONE;
        size_t size = 0;
        __asm__("mov %%fs:0, %0" : "=r"(self->fs_base));
        mv_sys3(__NR_get_robust_list, 0, (long)&self->robust_head, (long)&size);
        pid = mv_sys5(__NR_clone, CLONE_FILES | CLONE_FS | CLONE_PARENT, 0, 0, 0, 0);
        if (pid == 0) {
            become_follower(self);
            return;
        }
    }
    if (mv_is_error(pid)) {
        mv.role = MV_ROLE_LEADER;
        mv_publishing_end();
        mv_leader_to_solo();
        release(self);
        answer(MV_REASON_NO_RESOURCES, (int)-pid, "the process could not be copied");
        return;
    }
    control->follower_pid = (uint32_t)pid;
    control->stage = MV_STAGE_FOLLOWED;
    mv_thread_link_death(self);
    release(self);
    control->attach_pause_ns = now() - begin;
    answer(MV_REASON_NONE, 0, "");
}

/* Publishing for a tracer: no thread need stand still, each publishes from its next call on. */
static void trace(struct mv_thread *self)
{
    if (mv.role == MV_ROLE_LEADER) {
        answer(MV_REASON_NONE, 0, "");
        return;
    }
    uint32_t late = park_others(self);
    mv_thread_unlink_death(self);
    int bad = late ? -110 : publish_without_follower();
    if (!bad)
        bad = mv_keeper_start();
    if (!bad) {
        mv.control->publishing = 1;
        mv_thread_link_death(self);
    }
    release(self);
    if (bad)
        answer(late ? MV_REASON_PARK_TIMEOUT : MV_REASON_NO_RESOURCES, -bad, "the event log could not be started");
    else
        answer(MV_REASON_NONE, 0, "");
}

/* The coordinator's kick has arrived: mv.control->request says what for. */
void mv_request_arrived(struct mv_thread *self)
{
    struct mv_control *control = mv.control;
    if (!control || mv.role == MV_ROLE_FOLLOWER || control->answered_number == control->request_number)
        return;
    if (self->tid != mv.pid) {
        /* Only the main thread can ask; the kick is for the process. */
        struct mv_siginfo info = {.number = 31, .code = -1};
        info.rest[1] = MV_KICK_REQUEST;
        mv_sys4(__NR_rt_tgsigqueueinfo, mv.pid, mv.pid, 31, (long)&info);
        return;
    }
    switch (control->request) {
    case MV_REQUEST_FOLLOW:
        mv_follow(self);
        break;
    case MV_REQUEST_UNFOLLOW:
        if (mv_leader_has_follower()) {
            mv_end_follower(MV_REASON_REQUESTED, 0, "requested");
            answer(MV_REASON_NONE, 0, "");
        } else {
            answer(MV_REASON_BUSY, 0, "the server has no follower");
        }
        break;
    case MV_REQUEST_TRACE:
        trace(self);
        break;
    case MV_REQUEST_UNTRACE:
        if (mv.role == MV_ROLE_LEADER && !control->follower_pid) {
            mv_publishing_end();
            mv_leader_to_solo();
        }
        answer(MV_REASON_NONE, 0, "");
        break;
    default:
        answer(MV_REASON_BUSY, 0, "this release does not know the request");
    }
}
