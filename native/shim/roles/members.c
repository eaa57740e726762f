/* Members: the processes that lead and follow, each under a version index of its own; who is ended, and who
 * may lead.
 *
 * One word each decides what becomes of a follower (control.publishing) and who acts after a leader's death
 * (control.leads): both are changed by exchange only, so that of several who try one succeeds. */
#include "../log/barriers.h"
#include "../sys.h"
#include "roles.h"

struct mv_member *mv_member_of(uint32_t version) {
    return &mv.control->members[version];
}

/* Clears the word, once. It names the follower: one of an earlier generation can't end the present one. */
static int first_to_end(uint32_t version, uint64_t generation) {
    uint32_t own = (uint32_t)generation;
    return own && __atomic_compare_exchange_n(&mv.control->publishing[version], &own, 0, 0, __ATOMIC_ACQ_REL,
                                              __ATOMIC_RELAXED);
}

/* Readers wait on the word. */
static void wake_readers(uint32_t version) {
    mv_sys3(__NR_futex, (long)&mv.control->publishing[version], 1 /* WAKE, shared */, 0x7fffffff);
}

/* The leader publishes no longer for this follower; 1 for whoever was first. */
int mv_member_let_go(uint32_t version, uint64_t generation) {
    if (!first_to_end(version, generation))
        return 0;
    wake_readers(version);
    return 1;
}

/* Why it ended: by whoever ended it. */
void mv_member_because(uint32_t version, enum mv_reason reason, int code, const char *text) {
    struct mv_member *member = mv_member_of(version);
    struct mv_text why = {.used = 0};
    mv_text_add(&why, text);
    mv_text_copy(member->reason_text, sizeof member->reason_text, &why);
    member->reason_code = code;
    __atomic_store_n(&member->reason, reason, __ATOMIC_RELEASE);
}

/* The same with the reason, which is told before anybody is woken: whoever finds publishing ended may ask
 * why. */
int mv_member_end(uint32_t version, uint64_t generation, enum mv_reason reason, int code, const char *text) {
    if (!first_to_end(version, generation))
        return 0;
    mv_member_because(version, reason, code, text);
    wake_readers(version);
    return 1;
}

void mv_member_is(uint32_t version, enum mv_member_state state) {
    __atomic_store_n(&mv_member_of(version)->state, state, __ATOMIC_RELEASE);
}

/* Of a follower that has been ended, by anybody: unless it is parked, it replays no more. */
void mv_member_ended(uint32_t version) {
    uint32_t *word = &mv_member_of(version)->state, state = __atomic_load_n(word, __ATOMIC_ACQUIRE);
    while ((state == MV_MEMBER_NONE || state == MV_MEMBER_REPLAYING || state == MV_MEMBER_UPDATING) &&
           !__atomic_compare_exchange_n(word, &state, MV_MEMBER_ENDED, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        ;
}

/* From one state to the next, unless it has been ended meanwhile: 0. */
int mv_member_becomes(uint32_t version, enum mv_member_state from, enum mv_member_state to) {
    uint32_t state = from;
    return __atomic_compare_exchange_n(&mv_member_of(version)->state, &state, to, 0, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

/* Follower: has it been ended? */
int mv_follower_ended(void) {
    return mv_load_acquire32(&mv.control->publishing[mv.version]) != (uint32_t)mv.generation;
}

/* Somebody has found that it is dead: nobody is to wait for it any more. */
void mv_member_died(uint32_t version, uint64_t generation) {
    if (!mv_member_end(version, generation, MV_REASON_FOLLOWER_DIED, 0, "the follower was killed"))
        return;
    mv_member_ended(version);
    mv_control_changed();
}

/* ---- who may act ------------------------------------------------------------------------------------- */

/* Follower of a dead leader: nobody else has taken over, and nobody else can from here on. */
int mv_lead(void) {
    uint64_t leader = mv.leader_generation;
    return __atomic_compare_exchange_n(&mv.control->leads, &leader, mv.generation, 0, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

/* The one that leads now: a follower of the same dead leader has lost, even if it has let go of its own word
 * already and sleeps before the exchange. */
void mv_member_replaced(uint32_t version, const char *why) {
    struct mv_member *member = mv_member_of(version);
    if (!mv_member_end(version, member->generation, MV_REASON_REPLACED, 0, why) &&
        (__atomic_load_n(&member->state, __ATOMIC_ACQUIRE) != MV_MEMBER_REPLAYING ||
         member->reason != MV_REASON_NONE))
        return;
    if (member->reason == MV_REASON_NONE)
        mv_member_because(version, MV_REASON_REPLACED, 0, why);
    mv_member_ended(version);
}

/* Follower: may another one of the same dead leader still lead, or has it found that the server exits? */
int mv_others_may_lead(void) {
    for (uint32_t version = 0; version < MV_VERSIONS; version++) {
        const struct mv_member *member = mv_member_of(version);
        if (version == mv.version || !member->pid || member->generation <= mv.leader_generation)
            continue;
        if (__atomic_load_n(&mv.control->publishing[version], __ATOMIC_SEQ_CST) ||
            member->reason == MV_REASON_LEADER_EXITED)
            return 1;
    }
    return 0;
}

/* Follower: has another one taken over? */
int mv_replaced(void) {
    return __atomic_load_n(&mv.control->leads, __ATOMIC_ACQUIRE) != mv.leader_generation;
}

/* ---- version indices --------------------------------------------------------------------------------- */

/* Has this process's main thread exited? kill(2) and tgkill(2) find it as long as its parent has not waited
 * for it, which may take seconds (that of one whose coordinator was killed with it), or for ever. But it has
 * no memory any more: the kernel has dropped that behind its last call. */
int mv_main_thread_is_gone(uint32_t pid) {
    uint8_t byte;
    struct {
        uint64_t base, length;
    } to = {(uint64_t)&byte, 1}, from = {(uint64_t)mv.control, 1};
    return mv_sys2(__NR_kill, pid, 0) == -3 /* ESRCH */ ||
           mv_sys6(__NR_process_vm_readv, pid, (long)&to, 1, (long)&from, 1, 0) == -3;
}

static int has_other_threads(uint32_t version, uint32_t pid) {
    for (uint32_t slot = 0; slot < MV_MAX_THREADS; slot++) {
        const struct mv_thread_info *info = &mv.control->threads[version][slot];
        if (info->state != MV_THREAD_FREE && info->tid && info->tid != pid &&
            !mv_sys3(__NR_tgkill, pid, info->tid, 0))
            return 1;
    }
    return 0;
}

/* All of it: the main thread may have ended by itself, and the others go on (pthread_exit(3)). */
int mv_process_is_gone(uint32_t version, uint32_t pid) {
    return mv_main_thread_is_gone(pid) && !has_other_threads(version, pid);
}

static int gone(uint32_t version) {
    uint32_t pid = mv_load_acquire32(&mv_member_of(version)->pid);
    return !pid || mv_process_is_gone(version, pid);
}

/* Leader: an index for another follower. What had it before is surely gone, with all its threads: one that is
 * merely ended may still move a cursor. (Its keeper may live as long as nobody begins logs under the index:
 * process/succession.c.) MV_VERSIONS: none is free. */
uint32_t mv_index_free(void) {
    uint32_t version = 0;
    while (version < MV_VERSIONS &&
           (version == mv.version || mv.control->publishing[version] || !gone(version)))
        version++;
    return version;
}
