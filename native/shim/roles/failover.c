/* Failover: the leader is dead, its follower finishes the backlog and serves.
 *
 * Each thread comes here when its own log is read to the end. The first one waits until *all* leader threads
 * are dead and all their records consumed (backlog.c): a thread of ours that still replays must not run
 * beside one that already acts. Then the role is changed, once.
 *
 * It also waits until each thread whose dead counterpart was in a call that is to be settled, or by which
 * others may go on, has come to that call. The kernel has that call's effect already: another thread of ours
 * would go on by it, before what the caller wrote in memory is there, or would change what the settlement
 * looks at. A thread comes there by itself: what it waits for on its way its counterpart had been given, by a
 * thread that did so before its own last call. (Not so if the two hold a lock of libc's own, or of the
 * program's making, in another order than their leaders did; so it is not waited for beyond a limit.) */
#include "../fault/fault.h"
#include "../log/barriers.h"
#include "../order/order.h"
#include "../sys.h"
#include "handover.h"
#include "leftover.h"
#include "reconcile.h"
#include "roles.h"
#include "streams.h"

#define COME_LIMIT_NS 5000000000ull

/* 1 from the first thread that finds the leader dead, for the rest of this process's life. A copy begins at
 * 0. */
static uint32_t taking_over;

/* 1: this process has exchanged its word of control.publishing for 0 itself, after its leader's death. */
static uint32_t let_go;

/* 1: this follower differs from its dead leader, and claims the lead for want of a better one. */
static uint32_t parted;

/* 1 while a leader that lives is followed by this process's change to the lead: its threads make no call. */
static uint32_t changing;

void mv_takeover_forget(void) {
    taking_over = let_go = parted = changing = 0;
}

static void let_go_of_word(void) {
    if (!__atomic_exchange_n(&let_go, 1, __ATOMIC_ACQ_REL) && !mv_member_let_go(mv.version, mv.generation))
        mv_follower_end(MV_REASON_REQUESTED, 0, "ended");
}

/* 0: somebody else has ended this follower, and told why. */
int mv_follower_lets_go(enum mv_reason reason, const char *text) {
    if (!__atomic_load_n(&let_go, __ATOMIC_ACQUIRE))
        return mv_member_end(mv.version, mv.generation, reason, 0, text);
    mv_member_because(mv.version, reason, 0, text);
    return 1;
}

static void nap(void) {
    int64_t time[2] = {0, 20000};
    mv_sys2(__NR_nanosleep, (long)time, 0);
}

/* Threads that are on their way to what their counterparts did last: waits for them. */
static void await_those_to_come(void) {
    uint64_t begin = mv_now();
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        while (mv_intent_of(area) && !mv_load_acquire32(&area->come) && !mv_replaced()) {
            if (mv_now() - begin > COME_LIMIT_NS) {
                mv_say_string(MV_ERROR, "a thread did not come to the call that its dead leader was making");
                return;
            }
            nap();
        }
}

/* No rules are needed any more. Up to the update point, what the leader has done stands for other calls. */
static void lead_as_oneself(void) {
    if (mv_rules_image)
        mv_leftover_begin(mv_reconcile_point());
    mv_reconcile_end();
}

static void promote(struct mv_thread *self, uint64_t since) {
    struct mv_control *control = mv.control;
    mv.translated = 1;
    mv_forget_signals();
    mv_lent_inherit(); /* first: a loan is no outcome of a call */
    mv_fault(MV_FAULT_LOANS_TAKEN);
    mv_settle_intents();
    mv_fault(MV_FAULT_INTENTS_SETTLED);
    mv_epoll_promote(); /* before any thread of ours can wait on it */
    mv_settle_early();
    lead_as_oneself();
    mv_fault(MV_FAULT_EPOLL_TAKEN);
    mv_make_anew();
    mv_act();
    mv_fault(MV_FAULT_ROLE_CHANGED);
    /* In this order, which the coordinator reads backwards: a leader without a follower is never seen to be
     * the old one. */
    __atomic_store_n(&control->leader_pid, mv.pid, __ATOMIC_RELEASE);
    __atomic_store_n(&control->leader_version, mv.version, __ATOMIC_RELEASE);
    mv_member_is(mv.reads, MV_MEMBER_ENDED);
    mv_member_is(mv.version, MV_MEMBER_LEADS);
    control->failovers++;
    mv_fault(MV_FAULT_LEADS);
    control->publishes = 0;
    control->stage = MV_STAGE_SINGLE_LEADER;
    if (control->reason != MV_REASON_LEADER_DIED)
        control->reason_code = 0;
    control->reason = MV_REASON_LEADER_DIED;
    control->failover_ns = mv_now() - since;
    mv_control_changed();
    mv_fault(MV_FAULT_TAKEOVER_TOLD);
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area)) {
        area->replaying = 0;
        if (area != self)
            mv_kick(area, MV_KICK_SETTLE);
        mv_fault(MV_FAULT_THREAD_FREED);
    }
    mv_fault(MV_FAULT_TAKEOVER_DONE);
    mv_sys3(__NR_futex, (long)&mv.role, 129 /* WAKE, private */, 0x7fffffff);
}

#define OTHER_LEADS "another follower of the dead leader leads"

/* Of all followers of a dead leader one returns from here, and acts. Nothing has been done yet that is seen
 * outside. Up to here the follower may be ended; if it was, it does nothing more. From here on it can't be.
 * (This also wakes the threads that still wait for events.) One that dies between the two exchanges leaves
 * the place to the others. */
static void win(int of_living) {
    struct mv_control *control = mv.control;
    let_go_of_word();
    mv_fault(MV_FAULT_TAKEOVER_CLAIMS);
    if (!mv_lead()) {
        mv_follower_ending();
        mv_member_replaced(mv.version, OTHER_LEADS);
        mv_control_changed();
        for (;;)
            mv_sys1(__NR_exit_group, 0);
    }
    if (mv_load_acquire32(&parted))
        mv_say_string(MV_ERROR,
                      "the follower differs from its leader, which is dead: it serves from where they part");
    if (control->stage != MV_STAGE_ENDED && control->stage != MV_STAGE_PROMOTING)
        control->stage = MV_STAGE_FAILOVER;
    for (uint32_t version = 0; version < MV_VERSIONS; version++)
        if (version != mv.version)
            mv_member_replaced(version, of_living ? "another follower is promoted" : OTHER_LEADS);
}

static void hold_still(void) {
    uint32_t still;
    while ((still = __atomic_load_n(&changing, __ATOMIC_ACQUIRE)))
        mv_sys4(__NR_futex, (long)&changing, 128 /* WAIT, private */, still, 0);
}

/* All that the leader did is done here, too, down to the last lock, and the last call of a rule that has
 * begun: what it stands for was seen outside. A thread that waits for another one gets what it waits for: in
 * the leader it had. */
static int all_done(void) {
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        if (area->replaying && (!mv_log_read_all_consumed(&area->reader) ||
                                mv_load_acquire32(&area->turn_taking) || mv_reconcile_is_within(area)))
            return 0;
    return 1;
}

static void go_on(void) {
    __atomic_store_n(&changing, 0, __ATOMIC_RELEASE);
    mv_sys3(__NR_futex, (long)&changing, 129 /* WAKE, private */, 0x7fffffff);
}

/* 0: the leader has taken its offer back; or it is dead, and a thread that found that takes over as after any
 * death, once this one has come, too. */
static int take(uint64_t generation) {
    while (!all_done()) {
        if (mv_follower_ended())
            mv_follower_end(MV_REASON_REQUESTED, 0, "ended");
        if (!mv_offer_is_open(generation) || __atomic_load_n(&taking_over, __ATOMIC_ACQUIRE))
            return 0;
        nap();
    }
    return mv_offer_close(generation) && !__atomic_exchange_n(&taking_over, 1, __ATOMIC_ACQ_REL);
}

/* The leader lives and stands still; it has offered the lead (promotion.c). By the main thread. 1: this
 * process leads, and the thread's call is made when this returns. 0: it follows on, nothing has changed. */
int mv_takeover_offered(struct mv_thread *self, uint64_t generation, uint64_t begin) {
    uint32_t former = mv.reads;
    __atomic_store_n(&changing, 1, __ATOMIC_RELEASE);
    if (!take(generation)) {
        go_on();
        return 0;
    }
    mv_fault(MV_FAULT_PROMOTION_TAKEN);
    win(1); /* which wakes those who wait for records: they come to mv_takeover */
    mv_fault(MV_FAULT_PROMOTION_CLAIMED);
    if (mv_park_others(self))
        mv_fail("a thread did not stand still for the promotion");
    mv.translated = 1;
    mv_forget_signals();
    mv_reconcile_end();
    mv_handover_give(generation);
    mv_epoll_promote_beside();
    mv_streams_watch();
    mv_make_anew();
    mv_act();
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        area->replaying = 0;
    mv_promotion_publishes(self, former, generation, begin);
    mv_park_release(self);
    go_on();
    mv_sys3(__NR_futex, (long)&mv.role, 129 /* WAKE, private */, 0x7fffffff);
    if (!self->hooked)
        mv_settle(self);
    return 1;
}

/* Threads of this follower can't read all that the dead leader did: it leads only if no other may. */
static void give_way(void) {
    let_go_of_word();
    if (!mv_others_may_lead())
        return;
    mv_follower_ending();
    mv_follower_lets_go(MV_REASON_DIVERGED,
                        "its threads wait for each other at a lock whose order is not replayed");
    mv_member_is(mv.version, MV_MEMBER_ENDED);
    for (;;)
        mv_sys1(__NR_exit_group, 0);
}

/* The log of this thread ended. 1: this process leads now. 0: it was no death, the log goes on. */
int mv_takeover(struct mv_thread *self) {
    if (mv.role == MV_ROLE_FOLLOWER && !__atomic_load_n(&taking_over, __ATOMIC_ACQUIRE)) {
        if (mv_follower_ended() && !__atomic_load_n(&let_go, __ATOMIC_ACQUIRE))
            mv_follower_end(MV_REASON_REQUESTED, 0, "ended");
        if (self->replaying && !mv_log_owner_dead(&self->reader))
            return 0;
        if (mv_ended_by_signal())
            mv_follower_end(MV_REASON_LEADER_EXITED, mv.control->reason_code,
                            "the server was ended by a signal");
    }
    mv_park_come(self);
    if (!__atomic_exchange_n(&taking_over, 1, __ATOMIC_ACQ_REL)) {
        uint64_t since = mv_now();
        mv_mourn();
        mv_fault(MV_FAULT_TAKEOVER_BEGUN);
        int whole = mv_backlog_await();
        if (!whole)
            give_way();
        await_those_to_come();
        mv_fault(MV_FAULT_BACKLOG_READ);
        win(0);
        if (!whole)
            mv_backlog_give_up();
        promote(self, since);
    }
    hold_still();
    while (__atomic_load_n(&mv.role, __ATOMIC_ACQUIRE) == MV_ROLE_FOLLOWER)
        mv_sys4(__NR_futex, (long)&mv.role, 128 /* WAIT, private */, MV_ROLE_FOLLOWER, 0);
    hold_still();
    if (mv.role == MV_ROLE_LEADER && self->log && !self->death_linked) /* it publishes from here on */
        mv_thread_link_death(self);
    if (!self->hooked) {
        mv_attention_clear(self, MV_ATTEND_SETTLE); /* else it would interrupt what is settled next */
        mv_settle(self);
    }
    return 1;
}

/* The follower differs from a leader that is gone (or whose last record is its exit): there is nobody left
 * to be compared with, and ending would end the service. What is left of this thread's log is dropped. But it
 * gives way to another follower that does not differ: 0. It lets go of its word first; so the last one of
 * several that differ sees nobody else. A leader that exited by itself, later than where they part, has ended
 * the service as it wished: that difference is told, whether it is found before the exit or behind it. */
int mv_takeover_at(struct mv_thread *self, enum mv_difference kind) {
    const struct mv_event *event;
    if (kind == MV_DIFFERS_END) {
        /* The exit takes a moment; a thread's own exit is not the process's. */
        mv_log_consume(&self->reader);
        while (!mv_log_owner_dead(&self->reader))
            if (mv_await_record(&self->reader) == MV_LOG_STOP)
                break;
    }
    /* (One of the two may have been overwritten, by another thread that answered a request meanwhile.) */
    int exited = mv.control->stage == MV_STAGE_ENDED || mv.control->reason == MV_REASON_LEADER_EXITED;
    if (!mv_log_owner_dead(&self->reader) || (kind != MV_DIFFERS_END && exited))
        return 0;
    let_go_of_word();
    if (mv_others_may_lead())
        return 0;
    mv_store_release32(&parted, 1); /* before the log counts as read: no other thread wins earlier */
    while (mv_log_peek(&self->reader, &event) > 0)
        mv_log_consume(&self->reader);
    mv_order_part(self);
    return mv_takeover(self);
}
