/* Order words: what other threads had done when a call returned, in that call's record.
 *
 * A call that may let another thread go on (a write to a pipe, a close that frees a number) *emits*: as it
 * begins, the thread notes in `emitted` which event it has come to. A call that may go on because of another
 * thread's *consumes*: its record lists, as it is published, whatever was emitted since this thread looked
 * last. The follower's thread waits before it takes such a record until each named thread has come to the
 * named event: then all that it did in memory before is done.
 *
 * No wait is for ever, because each is for something that had happened in the leader before the record with
 * which a follower's thread waits was published: of all that wait, the one whose record is the earliest does
 * not. This holds as long as
 * - words are only taken from notes: what has happened, not what must have. (A receiver that waited for the
 *   count of its signals waited for a later one when the count was wrong.) A consumer that looks may see
 *   emissions that it does not depend on; that orders more than is needed, nothing later.
 * - a call emits before it begins, so whoever goes on because of it finds the note: `emitted` is stored
 * before `epoch` is raised (a locked instruction) before the kernel is entered.
 * - only what will have a record emits, or is passed by on the way to the next that has.
 * - the follower's thread arrives at an event before it can wait in it: for a record, words, a turn, a lock,
 *   a barrier. An emitting call that blocks has no record yet: its thread has come to it all the same, and
 *   that is all that is waited for. So is one whose record was lost with the leader.
 * - what the follower notes of numbers (streams, epoll, owners), of children and of signals must be noted in
 *   the leader's order: a close before the number is given again, a registration before its event and its
 *   removal, a fork before the child is waited for, a signal before its receipt. A word of such a call asks
 * that the event be done, not just come to; whoever has come to it does it without a wait, and waits by that
 * record's own words afterwards. A leader that died between call and record leaves none to be done: then it
 * is enough that its thread has read its log to the end.
 * - turns are in the order in which objects were taken (wall.c), and one that was lost is passed over
 * (lost.c).
 * - a lock that nobody orders (libc's own) is not held over such a wait: it might be taken in another order
 *   here. Calls that libc makes under one have no words (MV_ORDER_UNTOLD). Not so, as yet: what localtime and
 *   fflush(NULL) do under theirs.
 *
 * A thread's slot may be another's later: events are counted through all threads of a slot (`before`). */
#include "../log/barriers.h"
#include "../roles/roles.h"
#include "../sys.h"
#include "order.h"

static uint64_t emitted[MV_MAX_THREADS] __attribute__((aligned(64))); /* 1 + its order word; 0: nothing */
static uint64_t before[MV_MAX_THREADS];                               /* events of a slot's earlier threads */
static uint32_t slots; /* that have emitted: at and beyond nothing is noted */
static struct {
    uint64_t value;
    uint64_t padding[7];
} epoch __attribute__((aligned(64)));
static struct { /* the follower's threads: how far they have come */
    uint64_t value;
    uint64_t awaited; /* 1 + the least value that somebody sleeps for, until it is more; 0: nobody does */
    uint32_t woken;   /* counts; the futex of those who sleep */
    uint32_t padding[11];
} progress[MV_MAX_THREADS] __attribute__((aligned(64)));

/* For a new follower, the only one. `running`: logs go on with their sequence, for tracers. */
void mv_order_progress_start(int running) {
    for (uint32_t i = 0; i < MV_MAX_THREADS; i++) {
        emitted[i] = progress[i].value = 0;
        if (!running)
            before[i] = 0;
    }
    slots = 0;
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area)) {
        area->order = 0;
        area->order_epoch = epoch.value;
        for (uint32_t i = 0; i < MV_MAX_THREADS; i++)
            area->order_seen[i] = 0;
    }
}

/* A thread's last record is published (leader), or about to count as read (follower). */
void mv_order_thread_ended(uint32_t slot, uint64_t events) {
    before[slot] += events;
}

/* ---- the leader ------------------------------------------------------------------------------------ */

void mv_order_emit(struct mv_thread *self, int noted) {
    uint32_t slot = self->slot, known = mv_load_relaxed32(&slots);
    mv_store_release64(&emitted[slot], 1 + ((before[slot] + self->log->sequence) << 1 | (uint32_t)noted));
    while (known <= slot &&
           !__atomic_compare_exchange_n(&slots, &known, slot + 1, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        ;
    mv_add64(&epoch.value, 1);
}

uint64_t mv_order_word_of(const struct mv_thread *area, uint64_t sequence) {
    return MV_ORDER_WORD(area->slot, (before[area->slot] + sequence) << 1);
}

/* What was emitted since this thread looked last: the words' size in bytes. */
uint64_t mv_order_news(struct mv_thread *self, uint64_t *words) {
    uint64_t now = mv_load_acquire64(&epoch.value), size = 0;
    if (now == self->order_epoch)
        return 0;
    self->order_epoch = now;
    for (uint32_t slot = 0, end = mv_load_acquire32(&slots); slot < end; slot++) {
        uint64_t at = mv_load_acquire64(&emitted[slot]);
        if (slot == self->slot || at == self->order_seen[slot])
            continue;
        self->order_seen[slot] = at;
        words[size / 8] = MV_ORDER_WORD(slot, at - 1);
        size += 8;
    }
    return size;
}

/* An event is over (in `order`: what its call did): from here on the thread counts as being in the program.
 * The size of its record's words. */
uint64_t mv_order_leave(struct mv_thread *self, uint32_t order, uint64_t *words) {
    if (self->moment == 1) { /* the reading that begins it */
        self->moment++;
        uint64_t size = mv_moment_words(self, words);
        mv_moment_leave(self);
        return size;
    }
    uint32_t moments = self->moments;
    int told = mv_moment_leave(self);
    if (order & MV_ORDER_UNTOLD) {
        self->moments = moments; /* the next record tells */
        return 0;
    }
    return told || (order & MV_ORDER_CONSUMES) ? mv_order_news(self, words) : 0;
}

/* ---- the follower ---------------------------------------------------------------------------------- */

/* In a copy of the leader, before its threads run: each has come to where its leader's stands. Beside
 * followers that count on, records may name what a thread did before this copy was made, while it waits for
 * another ever since and comes to no event: behind its last one, or in one that it has begun (a lock that it
 * had to wait for, which a moment names, too). */
void mv_order_join(void) {
    for (uint32_t slot = 0; slot < MV_MAX_THREADS; slot++)
        progress[slot].value = before[slot] << 1;
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        if (area->log)
            progress[area->slot].value += area->log->sequence << 1;
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        if (area->log && area->in_event == MV_IN_HOOK)
            progress[area->slot].value |= 1;
    for (uint32_t slot = 0; slot < MV_MAX_THREADS; slot++)
        if (emitted[slot] && !(progress[slot].value & 1) &&
            (emitted[slot] - 1) >> 1 == progress[slot].value >> 1)
            progress[slot].value++;
}

/* SEQ_CST: who sleeps says so before he looks at the value once more; one of the two sees the other. */
static void come_to(uint32_t slot, uint64_t value) {
    __atomic_store_n(&progress[slot].value, value, __ATOMIC_SEQ_CST);
    uint64_t awaited = __atomic_load_n(&progress[slot].awaited, __ATOMIC_SEQ_CST);
    if (!awaited || value < awaited)
        return;
    __atomic_store_n(&progress[slot].awaited, 0,
                     __ATOMIC_SEQ_CST); /* those who sleep for more say so again */
    __atomic_add_fetch(&progress[slot].woken, 1, __ATOMIC_SEQ_CST);
    mv_order_wake(&progress[slot].woken, ~0u);
}

static void sleep_until_it_is_beyond(uint32_t slot, uint64_t at) {
    uint32_t woken = __atomic_load_n(&progress[slot].woken, __ATOMIC_SEQ_CST);
    uint64_t awaited = __atomic_load_n(&progress[slot].awaited, __ATOMIC_SEQ_CST);
    while ((!awaited || at + 1 < awaited) &&
           !__atomic_compare_exchange_n(&progress[slot].awaited, &awaited, at + 1, 0, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
        ;
    if (__atomic_load_n(&progress[slot].value, __ATOMIC_SEQ_CST) <= at)
        mv_order_sleep(&progress[slot].woken, woken, ~0u);
}

/* This thread has come to its next event. */
void mv_order_arrive(struct mv_thread *self) {
    come_to(self->slot, ((before[self->slot] + self->reader.sequence) << 1) + 1);
}

/* It has parted from its dead leader, and drops the rest of its log: nobody is to wait for what stood there.
 */
void mv_order_part(const struct mv_thread *self) {
    come_to(self->slot, ~0ull);
}

/* It has noted what the call means here. Only now it waits by that record's words: others wait for this
 * mark, and may be named there by what they did after it. */
void mv_order_note(struct mv_thread *self, const struct mv_event *event) {
    if (mv_threads_exist)
        come_to(self->slot, ((before[self->slot] + self->reader.sequence) << 1) + 2);
    mv_order_await(event);
}

/* Has the thread of a dead leader's left no record of the call? */
static int lost(uint32_t slot) {
    const uint8_t *base = mv_log_base(mv.reads, slot);
    return mv_leader_dead() &&
           mv_load_acquire64(&((const struct mv_log_header *)base)->published) ==
               mv_load_acquire64(
                   &((const struct mv_log_cursor *)(base + MV_CURSOR_OFFSET(mv.version)))->position);
}

static void await(uint64_t word) {
    uint32_t slot = MV_ORDER_WORD_SLOT(word);
    uint64_t at = MV_ORDER_WORD_AT(word);
    if (slot >= MV_MAX_THREADS)
        mv_follower_end(MV_REASON_CORRUPT, 0, "an order word in the event log names an impossible thread");
    for (uint32_t pauses = 0;; pauses++) {
        // cppcheck-suppress arrayIndexOutOfBoundsCond ; mv_follower_end does not return
        uint64_t come = mv_load_acquire64(&progress[slot].value);
        if (come > at || mv.role != MV_ROLE_FOLLOWER || (come == at && pauses >= MV_ORDER_LONG && lost(slot)))
            break;
        if (pauses == MV_ORDER_LONG) /* the takeover is to see it (roles/backlog.c) */
            mv_store_release32(&mv_self->waits, 1);
        if (pauses < MV_ORDER_SPINS)
            __builtin_ia32_pause();
        else
            sleep_until_it_is_beyond(slot, at);
    }
    mv_store_release32(&mv_self->waits, 0);
}

/* Before the record is taken, so that no promotion begins while somebody waits here. */
void mv_order_await(const struct mv_event *event) {
    const mv_word *words = (const mv_word *)((const uint8_t *)(event + 1) + event->in_size + event->out_size);
    for (uint32_t i = 0; i < event->order_size / 8; i++)
        await(words[i]);
}
