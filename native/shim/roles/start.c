/* What is common to the roles: slots and logs of threads, and where other folders meet a role. */
#include "../calls/table.h"
#include "../log/barriers.h"
#include "../order/order.h"
#include "../signals/signals.h"
#include "../sys.h"
#include "roles.h"

#include <linux/futex.h>

struct mv_log_writer mv_writers[MV_MAX_THREADS];
struct mv_log_budget mv_budget;

uint8_t *mv_log_base(uint32_t version, uint32_t slot) {
    return mv.logs[version] + (uint64_t)slot * MV_LOG_SPAN;
}

uint64_t mv_now(void) {
    int64_t time[2] = {0, 0};
    mv_sys2(__NR_clock_gettime, 1 /* CLOCK_MONOTONIC */, (long)time);
    return (uint64_t)time[0] * 1000000000u + (uint64_t)time[1];
}

void mv_install_defaults(void) {
    for (int number = 1; number <= 64; number++)
        if (number != 31 && number != 9 && number != 19 && mv_actions[number].handler == 0)
            mv_signal_install(number);
}

/* Clears the word, once. It names the follower: one of an earlier generation can't end the present one. */
static int first_to_end(void) {
    uint32_t own = (uint32_t)mv.generation;
    return __atomic_compare_exchange_n(&mv.control->publishing, &own, 0, 0, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

/* Follower: has it been ended? */
int mv_follower_ended(void) {
    return mv_load_acquire32(&mv.control->publishing) != (uint32_t)mv.generation;
}

/* Ends publishing, once; 1 for whoever was first. Readers wait on the word: they are woken. */
int mv_publishing_end(void) {
    if (!first_to_end())
        return 0;
    mv_sys3(__NR_futex, (long)&mv.control->publishing, 1 /* WAKE, shared */, 0x7fffffff);
    return 1;
}

/* Why a follower ended or a request was refused, for the operator. */
void mv_reason(enum mv_reason reason, int code, const char *text) {
    struct mv_control *control = mv.control;
    struct mv_text why = {.used = 0};
    mv_text_add(&why, text);
    mv_text_copy(control->reason_text, sizeof control->reason_text, &why);
    control->reason = reason;
    control->reason_code = code;
}

/* The same with the reason, which is told before anybody is woken: whoever finds publishing ended may ask
 * why. */
int mv_publishing_end_because(enum mv_reason reason, int code, const char *text) {
    if (!first_to_end())
        return 0;
    mv_reason(reason, code, text);
    mv_sys3(__NR_futex, (long)&mv.control->publishing, 1 /* WAKE, shared */, 0x7fffffff);
    return 1;
}

/* Has the follower not read an ended thread's log to its end? Its slot can't be used anew then. */
static int still_read(uint32_t slot) {
    const uint8_t *base = mv_log_base(mv.version, slot);
    const struct mv_log_cursor *cursor = (const struct mv_log_cursor *)(base + MV_CURSOR_OFFSET(MV_FOLLOWER));
    return cursor->active && __atomic_load_n(&cursor->position, __ATOMIC_ACQUIRE) !=
                                 ((const struct mv_log_header *)base)->published;
}

static uint32_t take_slot(struct mv_thread *area, int from_tracers) {
    for (uint32_t slot = 0; slot < MV_MAX_THREADS; slot++) {
        struct mv_thread_info *info = &mv.control->threads[mv.version][slot];
        uint32_t state = __atomic_load_n(&info->state, __ATOMIC_RELAXED);
        if (state != MV_THREAD_FREE && state != MV_THREAD_EXITED)
            continue;
        if (state == MV_THREAD_EXITED && mv.role == MV_ROLE_LEADER &&
            (still_read(slot) || (!from_tracers && mv_tracers_reading(slot))))
            continue;
        if (__atomic_compare_exchange_n(&info->state, &state, MV_THREAD_RUNNING, 0, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED)) {
            area->slot = slot;
            area->info = info;
            return slot;
        }
    }
    return MV_MAX_THREADS;
}

/* A slot of this process's version, for a thread that is about to exist. MV_MAX_THREADS: none left. What
 * tracers have not read of an ended thread is left to them as long as there are others. */
uint32_t mv_slot_take(struct mv_thread *area) {
    uint32_t slot = take_slot(area, 0);
    return slot < MV_MAX_THREADS ? slot : take_slot(area, 1);
}

void mv_slot_leave(struct mv_thread *area) {
    if (area->info)
        __atomic_store_n(&area->info->state, MV_THREAD_EXITED, __ATOMIC_RELEASE);
    area->info = NULL;
}

void mv_slot_give(struct mv_thread *area) {
    mv_slot_leave(area);
    area->slot = MV_MAX_THREADS;
}

/* Tells the other side who this thread is and where its registers stand. */
void mv_thread_introduce(struct mv_thread *area) {
    area->info->tid = area->tid;
    area->info->logical_tid = area->logical_tid;
    area->info->frame = (uint64_t)&mv_thread_frame(area)->r15;
}

/* Links the death words of this thread's own log into its robust list. glibc may be in the middle of changing
 * that list when the thread was parked by a signal: it says so in list_op_pending, then there is no watch on
 * this thread until its next call. */
void mv_thread_link_death(struct mv_thread *self) {
    struct robust_list_head *head = NULL;
    size_t size = 0;
    struct mv_log_header *header = (struct mv_log_header *)mv_log_base(mv.version, self->slot);
    if (mv_sys3(__NR_get_robust_list, 0, (long)&head, (long)&size) || !head || head->list_op_pending)
        return;
    self->death_linked = mv_death_link(header->death, head, self->tid) == 0;
}

/* Whoever owned this log two generations ago has died: that must not be taken for the death of the thread
 * that is about to own it. */
void mv_thread_forget_death(uint32_t slot) {
    struct mv_log_header *header = (struct mv_log_header *)mv_log_base(mv.version, slot);
    for (uint32_t i = 0; i < MV_WATCHERS; i++) {
        __atomic_store_n(&header->death[i].word, 0, __ATOMIC_RELEASE);
        __atomic_store_n(&header->death[i].told, 0, __ATOMIC_RELEASE);
    }
}

/* Before the log is started anew, before the memory is copied (the copy's list must not lead into words that
 * are ours), and before the thread ends. */
void mv_thread_unlink_death(struct mv_thread *self) {
    if (self->death_linked)
        mv_death_unlink(((struct mv_log_header *)mv_log_base(mv.version, self->slot))->death);
    self->death_linked = 0;
}

/* A new thread of the leader's does nothing before its creator has published it: after a kill between the
 * two, the follower's twin makes the thread as if for the first time, and it would do everything once more.
 */
static void wait_until_published(struct mv_thread *self) {
    for (int spins = 0; spins < 200 && mv_load_acquire32(&self->unpublished); spins++)
        mv_pause();
    while (mv_load_acquire32(&self->unpublished)) {
        mv_swap32(&self->unpublished, 1, 2);
        mv_sys4(__NR_futex, (long)&self->unpublished, 128 /* WAIT, private */, 2, 0);
    }
}

static void published(struct mv_thread *child) {
    if (mv_exchange32(&child->unpublished, 0) == 2)
        mv_sys3(__NR_futex, (long)&child->unpublished, 129 /* WAKE, private */, 1);
}

void mv_role_after_raw(struct mv_thread *self, struct mv_frame *frame, struct mv_thread *child) {
    long result = (long)frame->rax;
    if (self->raw_depth) /* a vfork child that has a child itself: nobody follows it */
        ;
    else if (mv.role == MV_ROLE_LEADER && self->log && mv_leader_publishing())
        mv_leader_after_raw(self, frame, child && !mv_is_error(result) ? self->raw_slot : 0);
    else if (mv.role == MV_ROLE_FOLLOWER)
        mv_follower_after_raw(self, frame, child);
    if (child && self->raw_awaited) /* so it is still there */
        published(child);
    self->raw_awaited = 0;
    if (child && mv_is_error(result) && mv.control)
        mv_slot_give(child);
}

/* All slots are taken: by threads that run, or by what the follower has not read of ended ones? */
static void no_slot(void) {
    for (uint32_t slot = 0; slot < MV_MAX_THREADS; slot++)
        if (mv.control->threads[mv.version][slot].state == MV_THREAD_EXITED) {
            mv_end_follower(MV_REASON_LAG_LIMIT, 0,
                            "threads ended faster than the follower read what they had done: with those that "
                            "run they are more than 128");
            return;
        }
    mv_end_follower(MV_REASON_UNSUPPORTED, 0, "the server has more than 128 threads at once");
}

/* Before a thread is made: it publishes from its first call on. */
void mv_role_new_thread(struct mv_thread *child) {
    mv_self->raw_awaited = 0;
    if (!mv.control || mv.role == MV_ROLE_FOLLOWER)
        return;
    uint32_t slot = mv_slot_take(child);
    if (slot == MV_MAX_THREADS) {
        if (mv.role == MV_ROLE_LEADER)
            no_slot();
        return;
    }
    if (mv.role != MV_ROLE_LEADER)
        return;
    uint32_t robbed = mv_tracers_reading(slot);
    mv_thread_forget_death(slot);
    if (mv_log_writer_start(&mv_writers[slot], mv_log_base(mv.version, slot), mv.version, slot,
                            mv.log_generation, &mv_budget, NULL, &mv_keeper_word)) {
        mv_end_follower(MV_REASON_NO_RESOURCES, 12, "no memory for the event log of a new thread");
        return;
    }
    if (mv.followed)
        mv_log_expect_reader(&mv_writers[slot], MV_FOLLOWER, mv.control->follower_pid);
    mv_tracers_expect(&mv_writers[slot], robbed);
    child->log = &mv_writers[slot];
    child->unpublished = mv_self->raw_awaited = 1;
    mv_self->raw_slot = slot;
}

void mv_role_thread_begin(struct mv_thread *self) {
    if (!mv.control)
        return;
    if (mv.role == MV_ROLE_FOLLOWER)
        mv_follower_thread_begin(self);
    wait_until_published(self);
    if (self->info)
        mv_thread_introduce(self);
}

void mv_role_thread_exit(struct mv_thread *self, uint64_t status) {
    if (!mv.control)
        return;
    if (mv.role == MV_ROLE_LEADER && self->log)
        mv_leader_thread_exit(self, status);
    mv_thread_unlink_death(self);
    mv_slot_give(self);
}

/* A forked child: nobody's leader or follower. */
void mv_role_drop(void) {
    mv_self->log = NULL;
    mv_self->info = NULL;
    mv_self->slot = MV_MAX_THREADS;
    if (mv.role == MV_ROLE_SOLO)
        return;
    mv.role = MV_ROLE_SOLO;
    mv_install_defaults();
}

void mv_role_signal(struct mv_thread *self, int number, const struct mv_siginfo *info) {
    if (mv.role == MV_ROLE_LEADER)
        mv_leader_signal(self, number, info);
}

void mv_roles_start(struct mv_thread *self) {
    struct mv_control *control = mv.control;
    if (!control)
        return;
    mv_allocators_find();
    /* What a program left there that has replaced itself by this one. */
    for (uint32_t slot = 0; slot < MV_MAX_THREADS; slot++)
        control->threads[mv.version][slot].state = MV_THREAD_FREE;
    control->publishes = 0;
    mv_slot_take(self);
    mv_thread_introduce(self);
    mv_budget.limit = control->log_limit;
    control->leader_version = mv.version;
    control->leader_pid = mv.pid;
    control->logical_pid = mv.pid;
    control->stage = MV_STAGE_SINGLE_LEADER;
    mv_control_changed();
    /* Not a server that has begun itself anew: its follower was ended by name, and it goes on alone. But the
     * one that a start script has become is the one that was meant. */
    int begins = !control->generation || control->other_program;
    control->other_program = 0;
    if (control->follow_from_start && begins) {
        mv_mask_replace(self);
        mv_follow(self);
        if (mv.role != MV_ROLE_FOLLOWER)
            mv_mask_restore(self);
    }
}
