/* The backlog: what a dead leader's threads have left for ours to read, before one of ours takes over.
 *
 * A thread with unread records reads them, or waits for another of ours, which in the leader did what is
 * waited for before it died. Not so for locks whose order is not replayed (libc's own, or of the program's
 * making) and that are held over calls with a record: here another thread may have such a lock first, and
 * wait, with it, for a call that its dead leader's never made. When all that have not come to the end of
 * their logs wait for another thread, and nothing has been read for a while, nobody will read on. The
 * follower takes over all the same: those threads go on from where they are, and make anew what their
 * leaders' had made. The connections whose bytes that would be are shut down, as whatever can't be settled
 * is. */
#include "../calls/table.h"
#include "../log/barriers.h"
#include "../sys.h"
#include "reconcile.h"
#include "roles.h"
#include "settle.h"

#define STUCK_NS 5000000000ull /* one that has been woken may not have got a processor yet */

/* Is what the thread has not read no more than that its counterpart crashed? One that waits for another of
 * ours, by a call that has no record, comes to read it only when that one goes on. */
static int is_left_with_death(const struct mv_log_reader *reader) {
    struct mv_log_reader at = *reader;
    const struct mv_event *event;
    return mv_log_peek(&at, &event) > 0 && event->call == MV_CALL_DEATH;
}

/* A look at what a thread has not read, which it may read on meanwhile. (Its memory is given back then: the
 * peek finds a fault.) */
static struct mv_log_reader look_at(const struct mv_thread *area, struct mv_log_cursor *moved) {
    struct mv_log_reader reader = {.base = area->reader.base,
                                   .header = area->reader.header,
                                   .cursor = moved,
                                   .limit = area->reader.limit};
    reader.position = reader.published = mv_load_acquire64(&area->reader.cursor->position);
    reader.sequence = mv_load_relaxed64(&area->reader.cursor->sequence);
    return reader;
}

static int is_left(const struct mv_thread *area) {
    struct mv_log_cursor moved;
    if (!area->replaying)
        return 0;
    if (!mv_writer_dead(area->slot))
        return 1;
    if (mv_log_read_all_consumed(&area->reader))
        return mv_reconcile_is_within(area); /* the calls to come stand for what was seen outside */
    struct mv_log_reader reader = look_at(area, &moved);
    return !is_left_with_death(&reader);
}

/* Is this copy, or a thread of it, still being made? A copy's leader may die before its main thread has made
 * all the others. A thread that began as those of a leader would keep a follower's mask and net: nobody could
 * tell it otherwise; and the keeper, for which a copy that has let go of its word and never said that it
 * replays is nobody, would take along what the settlement reads. */
static int is_being_made(void) {
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        if (mv_load_acquire32(&area->unborn))
            return 1;
    return mv_load_acquire32(&mv_member_of(mv.version)->state) == MV_MEMBER_NONE;
}

/* A thread that is made meanwhile may have been passed by, if its area is one of the first: then another look
 * is needed. (It counts as made before the record that tells of it counts as read.) */
static int is_behind(void) {
    uint32_t made = mv_load_acquire32(&mv_threads_made);
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        if (is_left(area))
            return 1;
    return is_being_made() || mv_load_acquire32(&mv_threads_made) != made;
}

/* How much has been read; 0: somebody is on his way, or may be. */
static uint64_t standstill(void) {
    uint64_t read = 1;
    if (is_being_made() || !mv_leader_dead())
        return 0;
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area)) {
        if (!area->replaying)
            continue;
        if (!mv_load_acquire32(&area->come) && !mv_load_acquire32(&area->waits))
            return 0;
        read += mv_load_acquire64(&area->reader.cursor->sequence);
    }
    return read;
}

static void nap(void) {
    int64_t time[2] = {0, 20000};
    mv_sys2(__NR_nanosleep, (long)time, 0);
}

/* 0: threads of ours wait for each other, for good. */
int mv_backlog_await(void) {
    uint64_t since = mv_now(), before = 0;
    while (is_behind() && !mv_replaced()) {
        uint64_t now = mv_now(), read = standstill();
        if (!read || read != before)
            since = now;
        else if (now - since > STUCK_NS)
            return 0;
        before = read;
        nap();
    }
    return 1;
}

static int is_socket(uint64_t fd) {
    int type = 0, size = sizeof type;
    return !mv_sys5(__NR_getsockopt, (long)fd, 1 /* SOL_SOCKET */, 3 /* SO_TYPE */, (long)&type, (long)&size);
}

static void give_up(struct mv_thread *area) {
    struct mv_log_cursor moved;
    struct mv_log_reader reader = look_at(area, &moved);
    const struct mv_event *event;
    uint64_t shut[16] = {0}, calls = 0;
    for (; mv_log_peek(&reader, &event) > 0; mv_log_consume(&reader)) {
        uint64_t fd = (uint32_t)event->args[0];
        calls += event->call < MV_CALL_JUMP;
        if (event->call >= MV_CALL_JUMP || mv_call_way(event->call) != MV_WAY_BYTES || event->result <= 0 ||
            (fd < 1024 && (shut[fd / 64] >> fd % 64 & 1)) || !is_socket(fd))
            continue;
        const struct mv_settled settled = {.fd = (int32_t)fd};
        if (fd < 1024)
            shut[fd / 64] |= 1ull << fd % 64;
        mv_in_doubt(&settled, "a thread that has not come to it waits for a lock");
    }
    struct mv_text text = {.used = 0};
    mv_text_add(&text, "threads wait for each other at a lock whose order is not replayed: thread ");
    mv_text_number(&text, area->logical_tid);
    mv_text_add(&text, " goes on before ");
    mv_text_number(&text, (long)calls);
    mv_text_add(&text, " calls that the dead leader made, which it may make again");
    mv_say(MV_ERROR, &text);
}

/* This process leads: it goes on without what those threads have not read. */
void mv_backlog_give_up(void) {
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        if (is_left(area))
            give_up(area);
}
