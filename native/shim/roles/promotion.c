/* Promotion: a leader that lives and one of its followers change places.
 *
 * The leader's threads are parked; it offers the lead by its main thread's last record. The follower, when it
 * has come to that record and to the ends of the other logs, has done all that the leader did; it takes the
 * offer, claims the lead as after a leader's death (members.c: its word, then control.leads), takes over what
 * belongs to a process, and publishes for its former leader, which follows from there on. Nobody serves in
 * between: the follower is to have caught up before it is asked for.
 *
 * Whatever happens, one of the two leads:
 * - the follower does not come in time: the leader takes its offer back, and both go on as before. Who comes
 *   first decides the exchange of control.offer, by which the one takes it and the other takes it back. The
 *   record stays in the log: a follower that comes to it later passes it by, as every other follower does.
 * - the follower ends, or is ended, before it has taken the offer: the leader takes it back, and leads on.
 * - it ends between that and its claim: the leader sees that its word is gone and that nobody has claimed,
 *   and leads on. If it stands still there it is ended: by the exchange of its word, after which it can't
 *   claim.
 * - the follower dies after it has claimed, before it publishes: it has made no call of the program. The
 *   leader claims the lead back, and makes anew what the other may have changed.
 * - the leader dies after the offer: who has taken it claims, and publishes for a dead follower, which the
 *   coordinator ends; who has not finds the leader dead, as every follower does (failover.c).
 *
 * Only servers without children of which somebody must be the parent. */
#include "../fault/fault.h"
#include "../log/barriers.h"
#include "../order/order.h"
#include "../process/ring.h"
#include "../signals/signals.h"
#include "../sys.h"
#include "../update/update.h"
#include "handover.h"
#include "reconcile.h"
#include "record.h"
#include "roles.h"
#include "streams.h"

#define OFFER_LIMIT_NS 1000000000ull /* the server stands still for as long */
#define CLAIM_LIMIT_NS 2000000000ull /* once the offer is taken: some instructions */
#define SPINS          200u          /* a promotion that goes well takes fewer looks */

/* ---- the leader -------------------------------------------------------------------------------------- */

static uint32_t version_of(uint32_t generation) {
    uint32_t version = 0;
    while (version < MV_VERSIONS &&
           !((mv.followed >> version & 1) && (uint32_t)mv.followers[version].generation == generation &&
             mv.control->publishing[version] == generation))
        version++;
    return version;
}

#define EAGAIN 11

/* What can't change places yet. *code: EAGAIN where that passes by itself (the coordinator then asks again),
 * 0 where it does not. */
static const char *obstacle(uint32_t version, int *code) {
    *code = 0;
    if (version == MV_VERSIONS)
        return "the server has no such follower";
    *code = EAGAIN;
    if (mv_member_of(version)->state != MV_MEMBER_REPLAYING)
        return "that follower does not replay yet";
    if (mv_unsettled)
        return "what the dead leader did last is still being settled: try again";
    mv_children_start();
    if (mv_children_any())
        return "the server has child processes, whose parent would change: try again when they have ended";
    *code = 0;
    mv_timers_start();
    mv_posix_timers_start();
    if (!mv_epoll_have_room() || !mv_streams_have_room())
        return "the kernel has no memory for what a follower notes of descriptors";
    mv_streams_look_at_childrens();
    return NULL;
}

/* (What a thread was about to do when it was parked it has not done.) */
static int offer(struct mv_thread *self, uint32_t version, uint64_t generation, uint64_t begin) {
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        if (area->log)
            mv_store_release32(&mv_log_header_of(area->log)->intent.call, MV_INTENT_NONE);
    struct mv_event *event = mv_leader_room(self, 0, 0);
    if (!event || !(mv.followed >> version & 1))
        return 0;
    __atomic_store_n(&mv.control->offer, (uint32_t)generation, __ATOMIC_RELEASE);
    mv_log_complete(self->log, event, MV_CALL_ROLE, 0, 0, 0, 0,
                    (const uint64_t[6]){version, generation, begin}, 0);
    return 1;
}

/* Dead, or gone from the lead for good: it makes no claim any more. */
static int is_gone(const struct mv_thread *self, uint32_t version) {
    const struct mv_log_header *header = (const struct mv_log_header *)mv_log_base(version, self->slot);
    uint32_t state = __atomic_load_n(&mv_member_of(version)->state, __ATOMIC_ACQUIRE);
    return state == MV_MEMBER_ENDED || state == MV_MEMBER_PARKED ||
           (__atomic_load_n(&header->death[mv.version].word, __ATOMIC_ACQUIRE) & 0x40000000u) ||
           mv_main_thread_is_gone(mv.followers[version].pid);
}

/* By the one that takes the offer, and by the one that takes it back: 1 for whoever was first. */
int mv_offer_close(uint64_t generation) {
    uint32_t open = (uint32_t)generation;
    return __atomic_compare_exchange_n(&mv.control->offer, &open, 0, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

int mv_offer_is_open(uint64_t generation) {
    return __atomic_load_n(&mv.control->offer, __ATOMIC_ACQUIRE) == (uint32_t)generation;
}

enum outcome {
    FOLLOWS,   /* the other one publishes for us */
    LOST,      /* it has ended, this process leads on */
    WITHDRAWN, /* it follows on, this process leads on */
};

/* The server stands still meanwhile. */
static enum outcome await_claim(const struct mv_thread *self, uint32_t version, uint64_t generation) {
    struct mv_control *control = mv.control;
    uint64_t other = mv.followers[version].generation, begin = mv_now();
    int taken = 0;
    for (uint32_t spins = 0;; spins++) {
        uint64_t leads = __atomic_load_n(&control->leads, __ATOMIC_ACQUIRE);
        if (leads == other && mv_load_acquire32(&control->publishing[mv.version]) == (uint32_t)generation)
            return FOLLOWS;
        if (mv_load_acquire32(&control->publishing[version]) != (uint32_t)other) {
            if (mv_offer_close(generation))
                return LOST;
            /* (Only what is read behind its end tells whether it had claimed.) */
            int gone = is_gone(self, version);
            leads = __atomic_load_n(&control->leads, __ATOMIC_ACQUIRE);
            if (gone &&
                (leads != other || __atomic_compare_exchange_n(&control->leads, &leads, mv.generation, 0,
                                                               __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)))
                return LOST;
        } else if (!taken && mv_now() - begin > OFFER_LIMIT_NS) {
            mv_fault(MV_FAULT_PROMOTION_OVERDUE);
            if (mv_offer_close(generation))
                return WITHDRAWN;
            taken = 1;
        } else if (mv_now() - begin > CLAIM_LIMIT_NS) {
            mv_end_follower(version, MV_REASON_STALLED, 2, "it took the offer of the lead and did not lead");
        } else if (spins >= SPINS && is_gone(self, version)) { /* there is no keeper now to tell of it */
            mv_member_died(version, other);
        }
        mv_order_pause(spins);
    }
}

/* A follower that had taken the offer may have changed what both share. */
static void lead_on(struct mv_thread *self, uint32_t version, uint64_t generation, enum outcome outcome) {
    mv_member_of(mv.version)->generation = mv.generation;
    mv.control->leader_version = mv.version;
    mv.control->leader_pid = mv.pid;
    mv_member_is(mv.version, MV_MEMBER_LEADS);
    if (outcome == LOST && mv_handover_take(generation)) { /* as if it had led, and died */
        mv_epoll_promote();
        mv_owners_promote();
    }
    if (outcome == LOST)
        mv_member_ended(version);
    mv_timers_promote();
    mv_posix_timers_promote();
    mv_keeper_start();
    mv.control->stage = mv_is_followed() ? MV_STAGE_FOLLOWED : MV_STAGE_SINGLE_LEADER;
    mv_leader_unfollowed();
    mv_leader_deferral_again(self);
    mv_control_changed();
}

/* What waits here, blocked or deferred, was meant for the program. (Only for oneself may one claim the kernel
 * or another sender: those come as from this process.) */
static void hand_over(uint32_t pid, int number, const struct mv_siginfo *info) {
    if (mv_sys3(__NR_rt_sigqueueinfo, pid, number, (long)info) == -1 /* EPERM */)
        mv_sys2(__NR_kill, pid, number);
}

static void hand_over_signals(const struct mv_thread *self, uint32_t pid) {
    static const int64_t now[2] = {0, 0};
    struct mv_siginfo info;
    int number;
    if (self->deferred && self->deferred != 31 /* SIGSYS */)
        hand_over(pid, (int)self->deferred, (const struct mv_siginfo *)self->deferred_info);
    while ((number = (int)mv_sys4(__NR_rt_sigtimedwait, (long)&mv_block_all, (long)&info, (long)now, 8)) > 0)
        hand_over(pid, number, &info);
}

/* The counterpart of what a copy does to become a follower (attach.c), in a process that is none. */
static void follow(struct mv_thread *self, uint32_t version, uint64_t generation) {
    mv_mask_replace(self);
    hand_over_signals(self, mv.followers[version].pid);
    mv_lent_take_back(1); /* all that named them has been read */
    mv.role = MV_ROLE_FOLLOWER;
    mv.reads = version;
    mv.leader_generation = mv.followers[version].generation;
    mv.leader_pid = mv.followers[version].pid;
    mv.generation = generation;
    mv.log_generation = mv.control->log_generation;
    mv.followed = 0;
    mv.point_wanted = 0;
    __builtin_memset(mv.followers, 0, sizeof mv.followers);
    mv_fast_calls_for_role();
    for (uint32_t slot = 0; slot < MV_MAX_THREADS; slot++)
        if (mv_writers[slot].running) {
            mv_writers[slot].keeper = NULL; /* it gives the memory back by itself */
            mv_log_writer_stop(&mv_writers[slot]);
        }
    mv_remains_drop(); /* the new leader's is not shared with us */
    mv_takeover_forget();
    mv_order_start(0, 0);
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        area->log = NULL;
    mv_order_join();
    mv_protect_logs();
    mv_install_defaults();
    if (!mv_handover_take(generation))
        mv_follower_end(MV_REASON_CORRUPT, 0, "the promoted process has handed nothing over");
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area)) {
        area->mask_replaced = 1;
        area->signal_late = area->late_timer = area->deferred = area->sigsys_waits = 0;
        mv_attention_clear(area, MV_ATTEND_SIGNAL);
        area->asks = area->come = 0;
        mv_sent_start(area);
        int bad = mv_follower_open_log(area);
        if (bad)
            mv_follower_end(MV_REASON_CORRUPT, bad, mv_log_fault_text(bad));
    }
    mv_reconcile_begin();
    mv_net_arm(self);
    mv_scheduling_give_way(self);
    if (!self->death_linked) /* its words stayed linked: those of its own log, whoever waits on them */
        mv_thread_link_death(self);
    mv_fault(MV_FAULT_PROMOTION_FOLLOWS);
}

/* The request, by the main thread: between two calls of the program, or in one that is made again, then by
 * the role that is valid then. With rules between the two the logs of one and the other mean the same only at
 * the update point, and where all other threads rest: it waits for that. */
void mv_promote_follower(struct mv_thread *self, uint32_t follower, int at_point) {
    struct mv_control *control = mv.control;
    uint64_t begin = mv_now();
    mv_leader_unfollowed();
    uint32_t version = mv.role == MV_ROLE_LEADER ? version_of(follower) : MV_VERSIONS;
    uint32_t point = version < MV_VERSIONS ? mv_reconcile_point_with(version) : MV_INTENT_NONE;
    if (!at_point && point != MV_INTENT_NONE) {
        mv_point_want(point);
        return;
    }
    uint32_t late = mv_park_others(self);
    struct mv_text busy = {.used = 0};
    if (!late && point != MV_INTENT_NONE && !mv_threads_rest(self, 0, &busy)) {
        mv_park_release(self);
        mv_point_again(&busy);
        return;
    }
    if (late)
        mv_park_tell_late(&busy, late);
    int code = 0;
    const char *why = late ? busy.bytes : obstacle(version, &code);
    if (why) {
        mv_park_release(self);
        mv_request_answer(late ? MV_REASON_PARK_TIMEOUT : MV_REASON_BUSY, code, why);
        return;
    }
    mv_timers_stop();
    mv_posix_timers_stop();
    control->stage = MV_STAGE_PROMOTING;
    mv_control_changed();
    uint64_t generation = ++control->generation;
    enum outcome outcome = LOST;
    /* What this process needs to follow; before the offer: a file that is opened for it would have a number
     * in what is the new leader's table as soon as that leads. */
    mv_sent_pending(self);
    mv_sent_look();
    if (offer(self, version, generation, begin)) {
        mv_fault(MV_FAULT_PROMOTION_OFFERED);
        mv_keeper_stop(); /* while it comes: nothing is at stake here, and the next leader makes its own */
        outcome = await_claim(self, version, generation);
    }
    int behind = (int)mv_lag_events(version);
    if (outcome == FOLLOWS)
        follow(self, version, generation);
    else
        lead_on(self, version, generation, outcome);
    mv_park_release(self);
    if (outcome == WITHDRAWN)
        mv_fault(MV_FAULT_PROMOTION_WITHDRAWN);
    switch (outcome) {
    case FOLLOWS:
        mv_request_answer(MV_REASON_NONE, 0, "");
        break;
    case LOST:
        mv_request_answer(MV_REASON_BUSY, 0, "the follower ended before it took the lead");
        break;
    case WITHDRAWN:
        mv_request_answer(MV_REASON_BEHIND, behind, "the lead was offered to it for 1 s");
        break;
    }
}

/* ---- the follower ------------------------------------------------------------------------------------ */

int mv_promotion_is_ours(const struct mv_event *event) {
    return event->args[0] == mv.version && mv_offer_is_open(event->args[1]);
}

/* The record has come: 1, this process leads now. 0: the offer is another one's, or has been taken back. */
int mv_promotion_comes(struct mv_thread *self, const struct mv_event *event) {
    uint64_t generation = event->args[1], begin = event->args[2];
    int ours = mv_promotion_is_ours(event);
    mv_log_consume(&self->reader);
    /* What it has come to is what follows. A call that the leader's thread was kicked out of may be named by
     * others with the offer's number, and is made again under the next. */
    if (mv_threads_exist)
        mv_order_arrive(self);
    if (!ours)
        return 0;
    mv_fault(MV_FAULT_PROMOTION_COMES);
    return mv_takeover_offered(self, generation, begin);
}

/* The new leader has claimed, and publishes for the former one, whose version index and thread slots stay
 * what they were. */
void mv_promotion_publishes(struct mv_thread *self, uint32_t former, uint64_t generation, uint64_t begin) {
    struct mv_control *control = mv.control;
    struct mv_member *member = mv_member_of(former);
    mv_thread_unlink_death(self); /* the follower's, which its keeper watched */
    int bad = mv_start_logs(mv_now());
    if (!bad) {
        mv_ring_start();
        bad = mv_remains_start();
    }
    if (!bad)
        bad = mv_keeper_start();
    if (bad)
        mv_fail("the new leader can't publish"); /* its leader leads on */
    mv_fault(MV_FAULT_PROMOTION_KEEPER);
    mv.followers[former].pid = member->pid;
    mv.followers[former].generation = generation;
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        mv_log_expect_reader(area->log, former, member->pid);
    mv.followed = 1u << former;
    member->generation = generation;
    member->reason = MV_REASON_NONE;
    control->attach_pause_ns = mv_now() - begin; /* since the leader stood still */
    mv_member_is(former, MV_MEMBER_REPLAYING);
    mv_member_is(mv.version, MV_MEMBER_LEADS);
    mv_control_changed(); /* the coordinator reads the members first: it finds a change in between */
    __atomic_store_n(&control->leader_pid, mv.pid, __ATOMIC_RELEASE);
    __atomic_store_n(&control->leader_version, mv.version, __ATOMIC_RELEASE);
    control->reason = MV_REASON_NONE;
    control->stage = MV_STAGE_FOLLOWED;
    mv_thread_link_death(self);
    mv_fault(MV_FAULT_PROMOTION_PUBLISHES);
    __atomic_store_n(&control->publishing[former], (uint32_t)generation, __ATOMIC_RELEASE);
    mv_control_changed();
}
