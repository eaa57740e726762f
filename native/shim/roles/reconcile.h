/* Rules between two versions: which are in force (rules_in_force.c), and how they are applied as one of them
 * follows the other (reconcile.c). */
#ifndef MV_RECONCILE_H
#define MV_RECONCILE_H

#include "../rules/rules.h"
#include "roles.h"

/* The rules in force: this process follows another version. NULL: there are none. */
extern const uint32_t *mv_rules_image __attribute__((visibility("hidden")));

enum mv_reconciled {
    MV_RECONCILED_NOT,      /* no rule is concerned: the call is compared with the next event */
    MV_RECONCILED_ANSWERED, /* *result */
    MV_RECONCILED_MAKE,     /* the follower makes it, which nobody sees */
    MV_RECONCILED_PARTED,   /* the leader is dead, and this process leads now */
};

/* As it begins to follow; as it leads. */
void mv_reconcile_begin(void);
void mv_reconcile_end(void);
void mv_reconcile_thread_ends(struct mv_thread *area);

enum mv_reconciled mv_reconcile(struct mv_thread *self, const struct mv_call_row *row, const uint64_t args[6],
                                uint64_t site, long *result);

/* The follower's thread has come to a lock: what the leader did before it and no call stands for is passed.
 */
void mv_reconcile_before_order(struct mv_thread *self);

/* Does a rule begin with this call, or expect one? */
int mv_reconcile_names(const struct mv_thread *self, uint32_t call);
/* Has a rule begun that expects more calls of this thread? */
int mv_reconcile_is_within(const struct mv_thread *area);
/* The system call at which both versions are at one place. */
int mv_between_versions(void); /* does this follower run another version than its leader? */
uint32_t mv_reconcile_point(void);
/* Leader: the same, if rules stand between it and this follower; else MV_INTENT_NONE. */
uint32_t mv_reconcile_point_with(uint32_t follower);
/* May the versions change places here? At the update point, with no rule begun. */
int mv_reconcile_rests(const struct mv_thread *self);

#endif
