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

/* Slots are given out by one thread at a time. Between the look at an ended thread's log and the claim of its
 * slot another one could take the slot and end in it, too: the state is EXITED again, the log is unread. */
static uint32_t giving_out;

static void begin_giving_out(void) {
    for (uint32_t spins = 0; !mv_swap32(&giving_out, 0, 1); spins++)
        mv_order_pause(spins);
}

static void end_giving_out(void) {
    mv_store_release32(&giving_out, 0);
}

static uint32_t take_slot(struct mv_thread *area, int from_tracers) {
    for (uint32_t slot = 0; slot < MV_MAX_THREADS; slot++) {
        struct mv_thread_info *info = &mv.control->threads[mv.version][slot];
        uint32_t state = mv_load_acquire32(&info->state); /* before its log is looked at */
        if (state != MV_THREAD_FREE && state != MV_THREAD_EXITED)
            continue;
        if (state == MV_THREAD_EXITED && mv.role == MV_ROLE_LEADER &&
            (mv_still_read(slot) || (!from_tracers && mv_tracers_reading(slot))))
            continue;
        mv_store_release32(&info->state, MV_THREAD_RUNNING);
        area->slot = slot;
        area->info = info;
        return slot;
    }
    return MV_MAX_THREADS;
}

/* A slot of this process's version, for a thread that is about to exist. MV_MAX_THREADS: none left. What
 * tracers have not read of an ended thread is left to them as long as there are others. */
uint32_t mv_slot_take(struct mv_thread *area) {
    if (mv.followed)
        mv_leader_unfollowed(); /* what they have not read is nobody's */
    begin_giving_out();
    uint32_t slot = take_slot(area, 0);
    if (slot == MV_MAX_THREADS)
        slot = take_slot(area, 1);
    end_giving_out();
    return slot;
}

/* Logs of ended threads that have been read still hold their last chunk, until a new thread begins one. */
void mv_slots_give_back(void) {
    begin_giving_out();
    for (uint32_t slot = 0; slot < MV_MAX_THREADS; slot++) {
        uint32_t *state = &mv.control->threads[mv.version][slot].state;
        if (mv_load_acquire32(state) != MV_THREAD_EXITED || !mv_load_acquire32(&mv_writers[slot].running) ||
            mv_still_read(slot) || mv_tracers_reading(slot))
            continue;
        mv_log_writer_stop(&mv_writers[slot]);
        mv_log_keep(&mv_writers[slot], NULL); /* or the keeper does, which has it in hands */
        mv_store_release32(state, MV_THREAD_FREE);
    }
    end_giving_out();
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
    area->info->start = area->start;
}

/* Links the death words of this thread's own log into its robust list. glibc may be in the middle of changing
 * that list when the thread was parked by a signal: it says so in list_op_pending, then the keeper alone
 * tells of its death, until it has published some thousand records more (mv_leader_check_limits). */
void mv_thread_link_death(struct mv_thread *self) {
    struct robust_list_head *head = NULL;
    size_t size = 0;
    struct mv_log_header *header = (struct mv_log_header *)mv_log_base(mv.version, self->slot);
    if (!mv_sys3(__NR_get_robust_list, 0, (long)&head, (long)&size) && head && !head->list_op_pending)
        self->death_linked = mv_death_link(header->death, head, self->tid) == 0;
    if (self->slot == 0) /* which the keeper waits on */
        mv_keeper_poll(0);
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
    if (self->slot == 0)
        mv_keeper_poll(1);
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

/* All slots are taken: by threads that run, or by what a follower has not read of ended ones? 1: one of those
 * has been ended, look again. */
static int free_slot(void) {
    if (mv.role != MV_ROLE_LEADER || !mv.followed)
        return 0;
    for (uint32_t slot = 0; slot < MV_MAX_THREADS; slot++)
        if (mv.control->threads[mv.version][slot].state == MV_THREAD_EXITED) {
            mv_end_slowest(
                MV_REASON_THREADS, 0,
                "threads ended faster than it read what they had done, and with those that run they "
                "are more than 128");
            return 1;
        }
    mv_end_followers(MV_REASON_THREADS, 0, "the server has more than 128 threads at once");
    return 0;
}

static int begin_log(uint32_t slot) {
    for (;;) {
        int bad = mv_log_writer_start(&mv_writers[slot], mv_log_base(mv.version, slot), mv.version, slot,
                                      mv.log_generation, &mv_budget, NULL, &mv_keeper);
        int over = mv_load_relaxed64(&mv_budget.held) + MV_LOG_CHUNK > mv_budget.limit;
        if (bad != -12 /* ENOMEM */ || !over || !mv.followed || !mv_leader_log_room())
            return bad;
    }
}

/* Before a thread is made: it publishes from its first call on. */
void mv_role_new_thread(struct mv_thread *child) {
    mv_self->raw_awaited = 0;
    if (!mv.control || mv.role == MV_ROLE_FOLLOWER)
        return;
    uint32_t slot = mv_slot_take(child);
    while (slot == MV_MAX_THREADS && free_slot())
        slot = mv_slot_take(child);
    if (slot == MV_MAX_THREADS)
        return;
    if (mv.role != MV_ROLE_LEADER)
        return;
    uint32_t robbed = mv_tracers_reading(slot);
    mv_thread_forget_death(slot);
    if (begin_log(slot)) {
        mv_end_followers(MV_REASON_NO_RESOURCES, 12, "no memory for the event log of a new thread");
        return;
    }
    mv_expect_followers(&mv_writers[slot]);
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
    if (mv.role == MV_ROLE_LEADER && self->log) {
        mv_leader_thread_exit(self, status);
        mv_order_thread_ended(self->slot, self->log->sequence);
    }
    mv_thread_unlink_death(self);
    if (self->slot == 0) /* for good: the keeper looks at the other threads as well as it can */
        mv_keeper_poll(0);
    mv_slot_give(self);
}

/* A forked child: nobody's leader or follower. */
void mv_role_drop(void) {
    mv_self->log = NULL;
    mv_self->info = NULL;
    mv_self->slot = MV_MAX_THREADS;
    mv_conditions_after_fork();
    mv_barriers_after_fork();
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
    mv_arenas_limit();
    /* What a program left there that has replaced itself by this one, which goes on under its index. */
    if (control->leader_pid == mv.pid)
        mv.version = control->leader_version % MV_VERSIONS;
    mv.generation = control->leads;
    struct mv_member *member = mv_member_of(mv.version);
    *member = (struct mv_member){.pid = mv.pid, .state = MV_MEMBER_LEADS, .generation = mv.generation};
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
        for (uint32_t i = 0; i < control->follow_from_start && mv.role != MV_ROLE_FOLLOWER; i++)
            mv_follow(self, MV_MEMBER_REPLAYING);
        if (mv.role != MV_ROLE_FOLLOWER)
            mv_mask_restore(self);
    }
}
