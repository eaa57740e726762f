/* The keeper: a sleeping process that shares the leader's memory and descriptor table. It populates log
 * pages ahead of the writers and punches them behind, keeps memory and descriptors readable after a SIGKILL
 * of the leader, and notices the death of leader and follower through their death words. It goes when the
 * leader is dead and nobody needs what it keeps.
 *
 * It runs on a stack of its own but with the creator's thread pointer: nothing here may touch mv_self. */
#include "../fault/fault.h"
#include "../log/barriers.h"
#include "../roles/roles.h"
#include "../sys.h"

#include <linux/futex.h>
#include <linux/sched.h>

#define KEEPER_STACK (64u << 10)
#define KEEPER_WORD  MV_MAX_READERS /* the death word behind the readers' */
#define UNLINKED_MS  5              /* how soon a death that no word tells is seen */

struct mv_log_keeper mv_keeper = {.number = 1};
static uint32_t keeper_pid;
static uint32_t starting; /* lock: one thread makes or ends a keeper */
static uint32_t missing;  /* one could not be made: to be tried again */
static uint8_t *stack;

static uint32_t leaves; /* the keeper is asked to go */
static uint32_t polls;  /* the main thread's words are about to be unlinked, and not linked yet */

struct waiter {
    uint64_t value, address;
    uint32_t flags, reserved;
};

static struct mv_death_word *death_word(uint32_t version) {
    struct mv_log_header *header = (struct mv_log_header *)mv_log_base(version, 0);
    return &header->death[KEEPER_WORD];
}

static int dead(uint32_t word) {
    return (word & FUTEX_OWNER_DIED) != 0;
}

/* `words`: of leader and followers, as they were looked at. */
static void wait_for_something(int milliseconds, const uint32_t words[MV_VERSIONS]) {
    struct waiter waiters[MV_VERSIONS + 2] = {
        {0, (uint64_t)&mv_keeper.word, 2 /* U32 */ | 128 /* private */, 0}};
    uint32_t count = 1;
    for (uint32_t version = 0; version < MV_VERSIONS; version++)
        waiters[count++] = (struct waiter){words[version], (uint64_t)&death_word(version)->word, 2, 0};
    waiters[count].flags = 2;
    count += mv_remains_awaited(&waiters[count].address, &waiters[count].value) != 0;
    int64_t until[2] = {0, 0}, *limit = NULL;
    if (milliseconds >= 0) {
        mv_sys2(__NR_clock_gettime, 1, (long)until);
        until[1] += (int64_t)milliseconds * 1000000;
        until[0] += until[1] / 1000000000;
        until[1] %= 1000000000;
        limit = until;
    }
    mv_sys5(__NR_futex_waitv, (long)waiters, count, 0, (long)limit, 1 /* CLOCK_MONOTONIC */);
}

static int keep_logs(void) {
    int next = -1;
    for (uint32_t slot = 0; slot < MV_MAX_THREADS; slot++) {
        if (!mv_writers[slot].started)
            continue;
        int due = mv_log_keep(&mv_writers[slot], &mv_keeper);
        if (due >= 0 && (next < 0 || due < next))
            next = due;
    }
    return next;
}

/* What a follower still needs of us. */
enum need {
    NOTHING,
    MADE,     /* a copy that has not come to its first call: slow ones are overtaken by their leader, also by
               its death */
    REPLAYED, /* it replays, and may take over; or will, once it has become another version */
};

/* Looks at a follower; tells of its death. The state first: a follower links its words before it says what it
 * does, and until then they may hold the death of an earlier generation. */
static __attribute__((noinline)) enum need look_at(uint32_t version, uint32_t *word) { /* a test stops here */
    const struct mv_member *member = mv_member_of(version);
    uint32_t state = __atomic_load_n(&member->state, __ATOMIC_ACQUIRE);
    *word = __atomic_load_n(&death_word(version)->word, __ATOMIC_ACQUIRE);
    enum need need = state == MV_MEMBER_REPLAYING || state == MV_MEMBER_UPDATING ? REPLAYED : NOTHING;
    if (state == MV_MEMBER_NONE && mv.control->publishing[version] && member->pid)
        need = MADE;
    /* (Where no word is linked it is looked at itself. A copy that is being made has one thread.) */
    int died = need == MADE       ? mv_main_thread_is_gone(member->pid)
               : need == REPLAYED ? dead(*word) || (!*word && mv_process_is_gone(version, member->pid))
                                  : 0;
    if (!died)
        return need;
    mv_member_died(version, mv.followers[version].generation);
    return NOTHING;
}

/* Has the kernel dropped this thread of the dead leader's? One that was in a call as it was killed may still
 * finish it (the main thread's word tells nothing about the others): what it reads or sends must not be
 * settled before. Without a number it has not begun, and does nothing any more. */
static int is_gone(uint32_t slot) {
    uint32_t tid = mv.control->threads[mv.version][slot].tid;
    long result = mv_sys3(__NR_tgkill, mv.pid, tid, 0);
    if (result == 0 && tid == mv.pid)
        return mv_main_thread_is_gone(tid);
    return result == -3 /* ESRCH */ || result == -22 /* EINVAL */;
}

/* A leader that was killed before its threads had linked their words (in the middle of an attachment, or with
 * list_op_pending set) is told dead by us: the follower waits on nothing else. We may have been kept from the
 * processor since we looked who leads, and the log be another generation's by now: so ours is named. Told
 * again at every round: a reader may have looked just before it went to sleep. */
static __attribute__((noinline)) void tell_the_leaders_death(void) { /* a test stops here */
    for (uint32_t slot = 0; slot < MV_MAX_THREADS; slot++) {
        struct mv_log_header *header = (struct mv_log_header *)mv_log_base(mv.version, slot);
        if (!mv_writers[slot].running || !is_gone(slot))
            continue;
        for (uint32_t watcher = 0; watcher < MV_WATCHERS; watcher++) {
            struct mv_death_word *death = &header->death[watcher];
            if (dead(mv_load_acquire32(&death->word)))
                continue;
            mv_store_release32(&death->told, (uint32_t)mv.log_generation);
            mv_sys3(__NR_futex, (long)&death->word, FUTEX_WAKE, 0x7fffffff);
        }
    }
}

static void keep(void) {
    struct mv_control *control = mv.control;
    uint32_t leader = mv.pid, leads = 0;
    /* The promoted follower reads through us what the dead leader had read (settle.c), also under Yama. */
    mv_sys2(__NR_prctl, 0x59616d61 /* PR_SET_PTRACER */, -1);
    mv_fault(MV_FAULT_KEEPER_COMES);
    if (!mv_keeper_come())
        mv_sys1(__NR_exit, 0);
    for (;;) {
        __atomic_store_n(&mv_keeper.word, 0, __ATOMIC_SEQ_CST);
        /* Once another one leads, what follows is another generation's, and its words are not ours to judge.
         * (A promoted leader makes its keeper before it says that it leads.) */
        uint32_t told = __atomic_load_n(&control->leader_pid, __ATOMIC_ACQUIRE) == leader;
        if (__atomic_load_n(&leaves, __ATOMIC_SEQ_CST) || (leads && !told))
            mv_sys1(__NR_exit, 0);
        leads |= told;
        mv_remains_serve();
        mv_fault(MV_FAULT_KEEPER_WAKES);
        int next = keep_logs();
        mv_fault(MV_FAULT_KEEPER_KEPT);
        uint32_t words[MV_VERSIONS], copies = 0, replays = 0, untold = 0;
        uint32_t leader_word = words[mv.version] =
            __atomic_load_n(&death_word(mv.version)->word, __ATOMIC_ACQUIRE);
        /* Before the look at who follows: a leader that was seen dead makes no copy behind that look. */
        int leader_died = dead(leader_word) || mv_process_is_gone(mv.version, leader);
        for (uint32_t version = 0; version < MV_VERSIONS; version++) {
            enum need need = version == mv.version ? NOTHING : look_at(version, &words[version]);
            copies += need == MADE;
            replays += need == REPLAYED;
            untold += need == REPLAYED && !words[version];
        }
        if (leader_died) {
            /* What it keeps is needed until the follower serves, or is dead too. One that is just being made
             * has not said yet that it replays: it may be kept from the processor for as long as it likes. */
            if (!copies && (!replays || control->leader_pid != leader))
                mv_sys1(__NR_exit, 0);
            if (replays)
                tell_the_leaders_death();
            next = copies && !replays ? UNLINKED_MS : 1;
        }
        /* No word to wait for: the copy's, or a main thread was parked while glibc changed its list
         * (mv_thread_link_death). A leader that publishes nothing needs no keeper. */
        untold += copies + (__atomic_load_n(&polls, __ATOMIC_SEQ_CST) != 0);
        if (untold || !leader_word) {
            int limit = untold || control->publishes ? UNLINKED_MS : 1000;
            next = next < 0 || next > limit ? limit : next;
        }
        wait_for_something(next, words);
    }
}

/* In a copy of the process: the keeper shares the original's memory, not ours. */
void mv_keeper_forget(void) {
    keeper_pid = missing = 0;
    mv_keeper.lives = 0;
}

static int start(void) {
    if (!stack) {
        long at = mv_sys6(__NR_mmap, 0, KEEPER_STACK, 3, 0x22, -1, 0);
        if (mv_is_error(at))
            return (int)at;
        stack = (uint8_t *)at;
    }
    uint64_t top = (uint64_t)stack + KEEPER_STACK - 64;
    /* Not on this stack: the keeper reads it after we have gone on. */
    static uint64_t context[8];
    context[6] = top - 8;
    context[7] = (uint64_t)keep;
    uint64_t mask = ~0ull, before;
    mv_sys4(__NR_rt_sigprocmask, 2, (long)&mask, (long)&before, 8);
    __atomic_add_fetch(&mv_keeper.number, 1, __ATOMIC_ACQ_REL); /* what the last one held is free */
    __atomic_store_n(&mv_keeper.lives, 1, __ATOMIC_RELEASE);
    leaves = 0;
    mv_keeper_expect();
    long pid = mv_clone_thread(CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_PARENT | CLONE_CHILD_CLEARTID, top,
                               (uint64_t)&mv_keeper.lives, 0, context);
    mv_sys4(__NR_rt_sigprocmask, 2, (long)&before, 0, 8);
    if (mv_is_error(pid)) {
        mv_keeper.lives = 0;
        missing = 1;
        return (int)pid;
    }
    missing = 0;
    keeper_pid = (uint32_t)pid;
    mv.control->keeper_pid = keeper_pid;
    return 0;
}

/* Is the keeper that this process made gone, or was none to be made? */
int mv_keeper_lost(void) {
    return (keeper_pid || missing) && !__atomic_load_n(&mv_keeper.lives, __ATOMIC_ACQUIRE);
}

/* Of a keeper that is gone or is to go. The coordinator is not to take its end for a death: it would kick
 * this process, which is about to become another program. */
static void untell(void) {
    uint32_t told = keeper_pid; /* unless another leader's is told already */
    __atomic_compare_exchange_n(&mv.control->keeper_pid, &told, 0, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* Before logs are begun anew, all threads but this one being parked. One that was killed in the middle of a
 * step holds their locks for ever. (While they run each thread finds out for itself.) One of an earlier
 * process has to go: -EBUSY until it has. */
int mv_keeper_bury(void) {
    if (keeper_pid && !mv_keeper_lost())
        return 0;
    untell();
    keeper_pid = 0;
    return mv_keeper_succeed();
}

/* One keeper a process; a dead one is replaced. 0 or -errno. Any thread of a leader, one at a time. */
int mv_keeper_start(void) {
    if (keeper_pid && !mv_keeper_lost())
        return 0;
    if (__atomic_exchange_n(&starting, 1, __ATOMIC_ACQ_REL))
        return 0; /* another thread is at it */
    /* (Or was at it: two keepers would take each other's locks.) */
    int result = keeper_pid && !mv_keeper_lost() ? 0 : start();
    __atomic_store_n(&starting, 0, __ATOMIC_RELEASE);
    return result;
}

static void look(void) {
    __atomic_store_n(&mv_keeper.word, 1, __ATOMIC_SEQ_CST);
    mv_sys3(__NR_futex, (long)&mv_keeper.word, 129 /* WAKE, private */, 1);
}

/* The main thread, before it unlinks its words, and once it has linked them: between the two no word tells of
 * its death, and nothing wakes a keeper that sleeps on one. Either the keeper finds what is stored here, or
 * mv_keeper.word has changed since it set that to 0, and it does not go to sleep. */
void mv_keeper_poll(int yes) {
    __atomic_store_n(&polls, (uint32_t)yes, __ATOMIC_SEQ_CST);
    if (yes && keeper_pid)
        look();
}

/* Before an exec: what the keeper knows of the logs would be wrong for the next program, which begins them
 * anew, and it would keep the descriptors open that the next program closes. (If the exec fails, the next
 * session makes a new keeper.) */
void mv_keeper_stop(void) {
    uint32_t lives;
    missing = 0;
    if (!keeper_pid)
        return;
    while (__atomic_exchange_n(&starting, 1, __ATOMIC_ACQ_REL)) /* nobody makes another one meanwhile */
        mv_pause();
    untell();
    /* A server that has given up its privileges may not kill what it made before. */
    if (mv_is_error(mv_sys2(__NR_kill, keeper_pid, 9))) {
        __atomic_store_n(&leaves, 1, __ATOMIC_SEQ_CST);
        look();
    }
    while ((lives = __atomic_load_n(&mv_keeper.lives, __ATOMIC_ACQUIRE)) != 0)
        mv_sys4(__NR_futex, (long)&mv_keeper.lives, 0 /* WAIT, shared: the kernel's wake is */, lives, 0);
    keeper_pid = 0;
    __atomic_store_n(&starting, 0, __ATOMIC_RELEASE);
}
