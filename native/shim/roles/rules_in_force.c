/* Which rules are in force: those of the direction in which one of two versions follows the other. */
#include "../log/barriers.h"
#include "../rules/image.h"
#include "../sys.h"
#include "reconciler.h"
#include "settle.h"

const uint32_t *mv_rules_image;

uint32_t *mv_rules_kept;
static uint64_t own_size;

/* Of two versions, the one that was copied from the other: it holds the rules of both directions.
 * MV_VERSIONS: they are one program. */
static uint32_t updated_of(uint32_t leader, uint32_t follower) {
    const struct mv_member *members = mv.control->members;
    return members[follower].updated_from == leader + 1   ? follower
           : members[leader].updated_from == follower + 1 ? leader
                                                          : MV_VERSIONS;
}

/* Its memory, and what threads keep, stays until the process follows again: one may be in the middle of a
 * decision as it finds that it leads. */
void mv_reconcile_end(void) {
    mv_rules_image = NULL;
}

void mv_reconcile_thread_ends(struct mv_thread *area) {
    if (area->reconciler)
        mv_sys2(__NR_munmap, (long)area->reconciler,
                (long)(sizeof(struct mv_reconciler) + MV_JOINED_SIZE + MV_RULES_SIZE));
    area->reconciler = NULL;
    mv_store_release32(&area->within, 0);
}

static void forget_last(void) {
    if (mv_rules_kept)
        mv_sys2(__NR_munmap, (long)mv_rules_kept, (long)own_size);
    mv_rules_kept = NULL;
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        mv_reconcile_thread_ends(area);
}

void mv_reconcile_begin(void) {
    uint32_t updated = updated_of(mv.reads, mv.version), reverse = updated != mv.version;
    uint32_t words = updated == MV_VERSIONS ? 0 : mv_member_of(updated)->rules[reverse];
    mv_reconcile_end();
    forget_last();
    if (!words)
        return;
    const uint32_t *shared =
        (const uint32_t *)((const uint8_t *)mv.control + MV_RULES_OFFSET(updated, reverse));
    own_size = words * sizeof(uint32_t);
    mv_rules_kept = own_size <= MV_RULES_SPAN ? mv_room(own_size) : NULL;
    if (mv_rules_kept)
        __builtin_memcpy(mv_rules_kept, shared, own_size);
    if (!mv_rules_kept || words < MV_IMAGE_HEADER || mv_rules_kept[0] != MV_IMAGE_MAGIC ||
        mv_rules_kept[MV_IMAGE_WORDS] != words)
        mv_follower_end(MV_REASON_CORRUPT, 0, "the rules in the session's memory are damaged");
    mv_sys3(__NR_mprotect, (long)mv_rules_kept, (long)own_size, 1 /* READ */);
    mv_rules_image = mv_rules_kept;
}

int mv_between_versions(void) {
    return updated_of(mv.reads, mv.version) != MV_VERSIONS;
}

uint32_t mv_reconcile_point(void) {
    uint32_t updated = updated_of(mv.reads, mv.version);
    return updated == MV_VERSIONS ? MV_INTENT_NONE : mv_member_of(updated)->point;
}

uint32_t mv_reconcile_point_with(uint32_t follower) {
    uint32_t updated = updated_of(mv.version, follower);
    const struct mv_member *member = updated == MV_VERSIONS ? NULL : mv_member_of(updated);
    return member && (member->rules[0] || member->rules[1]) ? member->point : MV_INTENT_NONE;
}
