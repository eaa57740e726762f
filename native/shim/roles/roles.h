/* Roles: what a call becomes in the leader and in the follower, and how a process changes its role. */
#ifndef MV_ROLES_H
#define MV_ROLES_H

#include "../calls/segments.h"
#include "../state.h"

struct mv_siginfo;
struct mv_ucontext;

/* roles/start.c: used by every role */
void mv_roles_start(struct mv_thread *self);
void mv_role_after_raw(struct mv_thread *self, struct mv_frame *frame, struct mv_thread *child);
void mv_role_thread_begin(struct mv_thread *self);
void mv_role_thread_exit(struct mv_thread *self, uint64_t status);
void mv_role_drop(void);
void mv_role_new_thread(struct mv_thread *child);
void mv_role_signal(struct mv_thread *self, int number, const struct mv_siginfo *info);
extern struct mv_log_writer mv_writers[MV_MAX_THREADS] __attribute__((visibility("hidden")));
extern struct mv_log_budget mv_budget __attribute__((visibility("hidden")));
uint64_t mv_now(void);          /* CLOCK_MONOTONIC, ns */
void mv_install_defaults(void); /* for the present role: what the program left at its default */
uint8_t *mv_log_base(uint32_t version, uint32_t slot);
uint32_t mv_slot_take(struct mv_thread *area);
void mv_slots_give_back(void);
void mv_slot_leave(struct mv_thread *area);
void mv_slot_give(struct mv_thread *area);
void mv_thread_introduce(struct mv_thread *area);
/* Which call this thread makes, and from where: a backtrace can begin there. */
static inline void mv_thread_note(struct mv_thread *self, const struct mv_frame *frame) {
    struct mv_thread_info *info = self->info;
    if (!info)
        return;
    info->in_call = self->call;
    info->site = frame->site;
    __atomic_store_n(&info->state, MV_THREAD_IN_CALL, __ATOMIC_RELEASE);
}
void mv_thread_link_death(struct mv_thread *self);
void mv_thread_forget_death(uint32_t slot);
void mv_thread_unlink_death(struct mv_thread *self);

/* A hook (vDSO or pthread) runs on the program's stack. Between these two nobody parks the thread, so that
 * its role stays, or becomes solo. */
static inline void mv_hook_begin(struct mv_thread *self) {
    self->hooked = 1;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}
static inline void mv_hook_end(struct mv_thread *self) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    self->hooked = 0;
}
void mv_settle(struct mv_thread *self);      /* roles/begin_to_lead.c */
void mv_asked_again(struct mv_thread *self); /* signals/deliver.c */
/* Where the role may have become solo. (A signal that came in before would wait for the next call's exit.) */
static inline void mv_hook_end_settled(struct mv_thread *self) {
    mv_hook_end(self);
    if (self->mask_replaced && mv.role != MV_ROLE_FOLLOWER)
        mv_settle(self);
    mv_asked_again(self);
}

/* roles/members.c */
struct mv_member *mv_member_of(uint32_t version);
void mv_member_because(uint32_t version, enum mv_reason reason, int code, const char *text);
int mv_member_let_go(uint32_t version, uint64_t generation);
int mv_member_end(uint32_t version, uint64_t generation, enum mv_reason reason, int code, const char *text);
void mv_member_is(uint32_t version, enum mv_member_state state);
void mv_member_ended(uint32_t version);
void mv_member_died(uint32_t version, uint64_t generation);
int mv_member_becomes(uint32_t version, enum mv_member_state from, enum mv_member_state to);
int mv_follower_ended(void);
int mv_lead(void);
int mv_replaced(void);
void mv_member_replaced(uint32_t version, const char *why);
int mv_others_may_lead(void);
uint32_t mv_index_free(void);
int mv_main_thread_is_gone(uint32_t pid);
int mv_process_is_gone(uint32_t version, uint32_t pid);

/* roles/clock.c */
long mv_role_clock(uint32_t call, uint64_t original, uint64_t site, uint64_t a, uint64_t b, uint64_t c);

/* roles/publish.c, roles/late.c, roles/leader.c */
/* The largest number of segments of one call: an iovec's limit and the message around it. */
#define MV_SEGMENTS_MAX 1040
void mv_leader_unsupported(const char *name); /* ends the follower by name */
struct mv_event *mv_leader_reserve(struct mv_thread *self, const struct mv_call_row *row,
                                   const uint64_t args[6]);
int mv_leader_has_follower(void);
void mv_leader_death(struct mv_thread *self, int number, const struct mv_siginfo *info,
                     const struct mv_ucontext *uc);
void mv_leader_deferral_timer(struct mv_thread *self);
void mv_leader_deferral_met(struct mv_thread *self);
void mv_leader_deferral_again(struct mv_thread *self);
void mv_leader_deferral_expired(struct mv_thread *self);
void mv_leader_publish(struct mv_thread *self, const struct mv_call_row *row, const uint64_t args[6],
                       long result, uint64_t site, uint16_t flags, const struct mv_call_entry *entry,
                       struct mv_event *event);
void mv_leader_signal(struct mv_thread *self, int number, const struct mv_siginfo *info);
void mv_leader_after_raw(struct mv_thread *self, struct mv_frame *frame, uint32_t slot);
void mv_leader_thread_exit(struct mv_thread *self, uint64_t status);
/* Does anybody follow? Does anybody read? (One cache line, looked at in each call.) */
static inline int mv_is_followed(void) {
    const volatile mv_word *followers = (const volatile mv_word *)mv.control->publishing;
    return (followers[0] | followers[1]) != 0;
}
static inline int mv_leader_publishing(void) {
    return mv_is_followed() || *(const volatile uint32_t *)&mv.control->tracing != 0;
}

/* roles/followers.c */
int mv_leader_unfollowed(void); /* publishing for followers has ended */
void mv_end_follower(uint32_t version, enum mv_reason reason, int code, const char *text);
void mv_end_followers(enum mv_reason reason, int code, const char *text);
void mv_end_slowest(enum mv_reason reason, int code, const char *text);
uint64_t mv_lag_events(uint32_t version);
int mv_leader_log_room(void); /* publish.c */
void mv_expect_followers(struct mv_log_writer *log);
int mv_still_read(uint32_t slot);
const struct mv_log_cursor *mv_cursor_of(uint32_t slot, uint32_t reader);

/* roles/tracers.c */
uint32_t mv_tracers_reading(uint32_t slot);
void mv_tracers_expect(struct mv_log_writer *writer, uint32_t but);
int mv_tracers_drop(void);
void mv_tracers_check(struct mv_thread *self, int thorough);

/* roles/single.c */
int mv_leader_publish_single(struct mv_thread *self, const struct mv_call_row *row, const uint64_t args[6],
                             long result, uint64_t site);

/* roles/replay.c */
enum mv_replayed {
    MV_REPLAYED,     /* *outcome is the call's */
    MV_REPLAYED_NOT, /* a rule says that the follower makes it: it asks, and nobody sees it */
    MV_REPLAY_ENDED, /* this process leads now, and makes it */
};
enum mv_replayed mv_follower_replay(struct mv_thread *self, const struct mv_call_row *row,
                                    const uint64_t args[6], uint64_t site, long *outcome);
const struct mv_event *mv_follower_next(struct mv_thread *self);
int mv_follower_matches(struct mv_thread *self, const struct mv_call_row *row, const uint64_t args[6],
                        uint64_t site, const struct mv_event *event, long *result);
enum mv_action mv_follower_make(struct mv_thread *self, struct mv_frame *frame);
int mv_follower_replayed(struct mv_thread *self, struct mv_frame *frame, const struct mv_call_row *row,
                         enum mv_action *action);
void mv_follower_signal_follows(struct mv_thread *self, uint16_t flags);

/* roles/new_threads.c */
int mv_follower_open_log(struct mv_thread *area);
enum mv_action mv_follower_new_thread(struct mv_thread *self, struct mv_frame *frame,
                                      const struct mv_call_row *row);
void mv_follower_after_raw(struct mv_thread *self, struct mv_frame *frame, struct mv_thread *child);
void mv_follower_thread_begin(struct mv_thread *self);
extern uint32_t mv_threads_made __attribute__((visibility("hidden"))); /* by this follower */

/* roles/ending.c */
void mv_follower_crashed(struct mv_thread *self, int number, const struct mv_siginfo *info,
                         const struct mv_ucontext *uc);
void mv_follower_ending(void);
_Noreturn void mv_follower_end(enum mv_reason reason, int code, const char *text);

/* roles/contain.c */
void mv_shared_forget_all(void);
int mv_shared_mapped(uint64_t start, uint64_t size);
void mv_shared_replaced(uint64_t start, uint64_t size);
int mv_shared_at(uint64_t start, uint64_t size);
const char *mv_reaches_beyond(const struct mv_frame *frame, uint32_t call);
_Noreturn void mv_follower_unseen(void);

/* roles/divergence.c */
_Noreturn void mv_diverged(struct mv_thread *self, enum mv_difference kind, uint32_t position,
                           const struct mv_event *event, uint32_t call, const uint64_t args[6], uint64_t site,
                           const struct mv_segment *segments, int count);

/* roles/park.c, roles/attach.c, roles/requests.c */
uint32_t mv_park_others(struct mv_thread *self);
void mv_park_tell_late(struct mv_text *text, uint32_t late);
void mv_park_release(struct mv_thread *self);
void mv_park_forget(void);
void mv_park_come(struct mv_thread *self);
int mv_publish_start(void);
void mv_request_answer(enum mv_reason reason, int code, const char *text);
int mv_obstacle(struct mv_text *why);
void mv_follow(struct mv_thread *self, enum mv_member_state as); /* REPLAYING, UPDATING */
void mv_park(struct mv_thread *self);
void mv_park_note(struct mv_thread *self, const struct mv_stand *stand);
void mv_request_arrived(struct mv_thread *self);

/* roles/failover.c */
int mv_takeover(struct mv_thread *self);
void mv_takeover_forget(void);
int mv_follower_lets_go(enum mv_reason reason, const char *text);
int mv_takeover_at(struct mv_thread *self, enum mv_difference kind);

/* roles/dead_leader.c */
int mv_writer_dead(uint32_t slot);
int mv_await_record(struct mv_log_reader *reader);
int mv_leader_dead(void);
int mv_ended_by_signal(void);
void mv_mourn(void);

/* roles/begin_to_lead.c */
void mv_forget_signals(void); /* that were sent to the follower */
void mv_make_anew(void);      /* timers, owners, shared memory, children */
void mv_act(void);            /* the role is changed */

/* roles/spinners.c */
int mv_has_spinners(struct mv_text *why);
void mv_spinner_named(const uint64_t args[6]);

/* roles/scheduling.c */
void mv_scheduling_note(struct mv_thread *self);
void mv_scheduling_again(struct mv_thread *self);
void mv_scheduling_follow(struct mv_thread *self, struct mv_frame *frame);
void mv_scheduling_give_way(struct mv_thread *thread);
void mv_scheduling_take_way(struct mv_thread *thread);

/* roles/translate.c */
struct mv_thread *mv_thread_called(uint32_t logical);
long mv_real_tid(long logical);
struct mv_thread *mv_thread_meant(uint32_t call, const struct mv_frame *frame);
int mv_make_as_meant(struct mv_thread *self, struct mv_frame *frame, long *result);
int mv_translate(struct mv_thread *self, struct mv_frame *frame, long *result);

/* roles/promotion.c: leader and follower change places */
void mv_promote_follower(struct mv_thread *self, uint32_t generation, int at_point);
int mv_promotion_is_ours(const struct mv_event *event);
int mv_promotion_comes(struct mv_thread *self, const struct mv_event *event);
int mv_offer_close(uint64_t generation);
int mv_offer_is_open(uint64_t generation);
void mv_promotion_publishes(struct mv_thread *self, uint32_t former, uint64_t generation, uint64_t begin);
int mv_start_logs(uint64_t begin); /* attach.c */
void mv_protect_logs(void);
int mv_takeover_offered(struct mv_thread *self, uint64_t generation, uint64_t begin); /* failover.c */

/* roles/epoll.c, roles/timers.c: what a promoted follower makes its own */
void mv_epoll_registered(const uint64_t args[6], uint64_t leader_data);
void mv_epoll_translate(int32_t instance, void *events, long count);
void mv_epoll_promote(void);
void mv_epoll_start(void);
void mv_epoll_exists(int32_t instance);
void mv_epoll_closed(int64_t descriptor);
void mv_epoll_promote_beside(void);
int mv_epoll_have_room(void);
void mv_timers_noted(uint32_t call, const uint64_t args[6]);
void mv_timers_fired(int number, int code);
void mv_timers_start(void);
void mv_timers_promote(void);
void mv_timers_stop(void);

/* roles/posix_timers.c: timers of timer_create */
struct mv_event;
long mv_posix_timers_call(struct mv_thread *self, const struct mv_frame *frame);
void mv_posix_timers_arrived(struct mv_siginfo *info);
void mv_posix_timers_replayed(uint32_t call, const uint64_t args[6], const struct mv_event *event);
void mv_posix_timers_told(struct mv_siginfo *info);
int mv_posix_timers_untracked(void);
void mv_posix_timers_forget(void);
void mv_posix_timers_start(void);
void mv_posix_timers_promote(void);
void mv_posix_timers_stop(void);
int32_t mv_clock_real(int32_t clock);

/* roles/identity.c: who the process is */
int mv_identity_changes(uint32_t call);
enum mv_action mv_identity_replay(struct mv_thread *self, struct mv_frame *frame,
                                  const struct mv_call_row *row);
int mv_identity_translate(const struct mv_frame *frame, long *result);

/* roles/sent.c: signals between threads */
void mv_sent_replayed(uint32_t call, const uint64_t args[6], long result);
void mv_sent_pending(struct mv_thread *self);
void mv_sent_start(struct mv_thread *area);
void mv_sent_promote(void);
void mv_sent_look(void);
void mv_sent_received(struct mv_thread *self, int number, const struct mv_siginfo *info);

/* roles/children.c */
void mv_children_replayed(uint32_t call, const uint64_t args[6], long result);
void mv_children_start(void);
void mv_children_promote(void);
int mv_children_any(void);
int mv_children_ever(void);
void mv_children_handed_over(void);

/* Does a local call wait for another thread? (roles/leader.c) */
int mv_call_waits(uint32_t call, const struct mv_frame *frame);

/* roles/backlog.c */
int mv_backlog_await(void);
void mv_backlog_give_up(void);

/* roles/settle.c */
extern uint32_t mv_unsettled
    __attribute__((visibility("hidden"))); /* threads whose outcome is still to be given */
void mv_settle_intents(void);
const struct mv_intent *mv_intent_of(const struct mv_thread *area);

/* roles/outcomes.c, roles/ways.c */
void mv_settle_early(void);
int mv_settled_outcome(struct mv_thread *self, struct mv_frame *frame, long *result);
enum mv_action mv_settle_or_make(struct mv_thread *self, struct mv_frame *frame);
enum mv_way mv_way_of(uint32_t call, const uint64_t args[6]);

/* roles/masks.c: differences in outgoing bytes that mean nothing */
long mv_mask_equal(const struct mv_event *event, const struct mv_segment *segments, int count);

/* process/lent.c: descriptors lent to the follower */
long mv_lend(struct mv_thread *self, int fd);
void mv_lent_take_back(int all);
void mv_lent_forget(void);
void mv_lent_inherit(void);

/* roles/family.c: memory shared with children */
struct mv_mapping;
int mv_family_is(const struct mv_mapping *mapping);
void mv_family_mapped(void);
const char *mv_family_look(void);
int mv_family_copy(void);
void mv_family_forget(void);
void mv_family_take(void);
void mv_family_promote(void);

/* roles/owners.c: whom a descriptor's signals go to */
void mv_owners_replayed(const uint64_t args[6]);
void mv_owners_closed(int64_t fd);
void mv_owners_start(void);
void mv_owners_exists(int fd);
void mv_owners_promote(void);
int mv_owners_translate(const uint64_t args[6], long *result);

/* process/forks.c */
long mv_fork_call(struct mv_thread *self, struct mv_frame *frame);
long mv_fork_settled(const struct mv_intent *intent);
void mv_fork_adopt(struct mv_thread *self, const struct mv_frame *frame, long child);

/* process/spawn.c */
void mv_spawn_begins(struct mv_thread *self, const struct mv_frame *frame, uint64_t flags, uint64_t stack);
uint64_t mv_spawn_left(struct mv_thread *self, const struct mv_frame *frame);
void mv_spawn_replayed(struct mv_thread *self, uint64_t left);

/* process/proc.c: /proc under another root directory */
uint64_t mv_proc_keep(void);
void mv_proc_take(uint64_t number);
int mv_proc_path(struct mv_text *path, const char *name);

/* process/remains.c */
int mv_remains_start(void);
void mv_remains_drop(void);
int mv_remains_is_mailbox(uint64_t address);
int mv_remains_awaited(uint64_t *address, uint64_t *value);
void mv_remains_serve(void);
int mv_remains_read(void *to, uint64_t from, uint64_t size);

/* process/keeper.c */
int mv_keeper_start(void);
int mv_keeper_lost(void);
int mv_keeper_bury(void);
void mv_keeper_poll(int yes);
void mv_keeper_stop(void);
void mv_keeper_forget(void);
extern struct mv_log_keeper mv_keeper __attribute__((visibility("hidden")));

/* process/succession.c */
void mv_keeper_expect(void);
int mv_keeper_come(void);
int mv_keeper_succeed(void);

/* signals/net.c. The values that a kick's siginfo carries (and MV_KICK_REQUEST, the coordinator's). */
enum {
    MV_KICK_PARK = 0x4d764b50,
    MV_KICK_ARM = 0x4d764b41,
    MV_KICK_SETTLE = 0x4d764b53,
    MV_KICK_LATE = 0x4d764b4c
};
/* There is at most one SIGSYS pending for a thread, so a kick can be dropped for another kind's: what it was
 * for stands in area->kicks, and whichever arrives does it all. */
void mv_kick(struct mv_thread *area, int kind);
void mv_net_wanted(void);
void mv_net_disarm(void);

/* entry.S */
void mv_call_on_shim_stack(void (*function)(struct mv_thread *), struct mv_thread *self, uint64_t top);
int mv_park_save(uint64_t context[8]) __attribute__((returns_twice));
long mv_clone_thread(uint64_t flags, uint64_t stack, uint64_t child_tid, uint64_t tls, uint64_t *context);

/* process/start.c, calls/clocks.c */
void mv_publish_site_counts(void);
void mv_clocks_start(void);

#endif
