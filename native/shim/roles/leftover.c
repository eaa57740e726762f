/* Failover between two versions. The leader died having done a part of what stands, by a rule, for one or
 * several calls of its follower, in another order or by other calls. The follower makes those calls; what the
 * leader has done already must not be done again.
 *
 * Up to where both versions are at one place again (the main thread's update point; another thread's wait,
 * which is the first equal call, too), each call of a thread is looked for in what is left of its leader's:
 * - bytes that went out: of the follower's next bytes to the same descriptor as many are not sent again,
 *   whatever call they come by; they must be the same bytes;
 * - any other event: the first equal call is given its outcome.
 * What is not met by then is said; a connection that was sent bytes which the follower doesn't send is shut
 * down, an accepted one that it doesn't accept closed.
 *
 * Each thread looks among its own, under a lock: several come to the end of their logs at once, the one that
 * takes over adds for all, and a number that one closes may be another's. It is never held over a call that
 * waits. */
#include "leftover.h"
#include "../calls/guard.h"
#include "../calls/payload.h"
#include "../calls/table.h"
#include "../log/barriers.h"
#include "../order/order.h"
#include "../sys.h"
#include "../update/update.h"
#include "compare.h"
#include "roles.h"

struct leftover {
    struct leftover *next;
    struct mv_thread *thread;
    uint64_t room; /* of this mapping */
    uint32_t is_sent;
    int32_t fd; /* of bytes that were sent */
    uint64_t size, done;
    const uint8_t *bytes;  /* NULL: not known */
    struct mv_event event; /* else; its payloads follow */
};

static struct leftover *first;
static uint32_t point, locked;

static void lock(void) {
    for (uint32_t spins = 0; !mv_swap32(&locked, 0, 1); spins++)
        mv_order_pause(spins);
}

static void unlock(void) {
    mv_store_release32(&locked, 0);
}

static struct leftover *append(struct mv_thread *thread, uint64_t size) {
    struct leftover *made = mv_room(sizeof *made + size), **end = &first;
    if (!made)
        mv_fail("there is no memory for what is left of the dead leader's calls");
    while (*end)
        end = &(*end)->next;
    made->room = sizeof *made + size;
    made->thread = thread;
    *end = made;
    return made;
}

static void drop(struct leftover *one) {
    struct leftover **at = &first;
    while (*at != one)
        at = &(*at)->next;
    *at = one->next;
    mv_sys2(__NR_munmap, (long)one, (long)one->room);
}

/* The next one of this thread, from there on. */
static struct leftover *own(const struct mv_thread *self, struct leftover *from) {
    while (from && from->thread != self)
        from = from->next;
    return from;
}

void mv_leftover_forget(void) {
    while (first)
        drop(first);
    locked = 0;
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area)) {
        if (area->leftover)
            __atomic_sub_fetch(&mv_unsettled, 1, __ATOMIC_ACQ_REL);
        area->leftover = 0;
    }
}

static int sends(uint32_t call) {
    return call == __NR_write || call == __NR_writev || call == __NR_sendto || call == __NR_sendmsg;
}

/* Of the bytes that a call is to send, those that are its data. */
static int is_data(const struct mv_segment *segment) {
    uint32_t how = segment->how & MV_HOW_MASK;
    return segment->arg == 1 && (how == MV_HOW_BYTES || how == MV_HOW_DATA);
}

static void add_bytes(struct mv_thread *self, const struct mv_event *event) {
    const uint8_t *payload = (const uint8_t *)(event + 1);
    uint64_t size = event->in_size, sent = (uint64_t)event->result;
    struct leftover *made = append(self, sent);
    uint8_t *to = (uint8_t *)(made + 1);
    made->is_sent = 1;
    made->fd = (int32_t)event->args[0];
    made->bytes = to;
    for (uint64_t at = 0; at < size && made->size < sent;) {
        const struct mv_payload_segment *header = (const struct mv_payload_segment *)(payload + at);
        const struct mv_segment segment = {.arg = header->arg, .how = header->how};
        uint64_t left = sent - made->size, length = header->length < left ? header->length : left;
        if (is_data(&segment)) {
            __builtin_memcpy(to + made->size, payload + at + sizeof *header, length);
            made->size += length;
        }
        at += MV_PAYLOAD_SPAN(header->length);
    }
}

void mv_leftover_add(struct mv_thread *self, const struct mv_event *event) {
    if (event->result < 0 || (sends(event->call) && !event->result))
        return; /* nothing was done */
    lock();
    if (sends(event->call))
        add_bytes(self, event);
    else
        __builtin_memcpy(&append(self, event->size)->event, event, event->size);
    unlock();
}

void mv_leftover_sent(struct mv_thread *of, int32_t fd, struct mv_received *sent) {
    lock();
    struct leftover *made = append(of, 0);
    made->is_sent = 1;
    made->fd = fd;
    made->size = sent ? sent->size : 1;
    made->bytes = sent ? sent->data : NULL;
    unlock();
}

void mv_leftover_begin(uint32_t at) {
    lock();
    point = at;
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area)) {
        if (!area->replaying || !(own(area, first) || area->settled.call != MV_INTENT_NONE))
            continue;
        area->leftover = 1;
        __atomic_add_fetch(&mv_unsettled, 1, __ATOMIC_ACQ_REL);
    }
    unlock();
}

int mv_leftover_ends(const struct mv_thread *self, const uint64_t args[6]) {
    if (!self->leftover)
        return 0;
    if (self->tid == mv.pid)
        return self->call == point;
    return self->call == __NR_exit || mv_rests_at(self, self->call, args);
}

int mv_leftover_may_come(const struct mv_thread *self) {
    return self->leftover != 0;
}

/* ---- bytes -------------------------------------------------------------------------------------------- */

static struct leftover *sent_to(const struct mv_thread *self, int32_t fd) {
    struct leftover *one = own(self, first);
    while (one && !(one->is_sent && one->fd == fd))
        one = own(self, one->next);
    return one;
}

static int equal(const uint8_t *left, const uint8_t *own, uint64_t size) {
    uint8_t byte = 0;
    for (uint64_t i = 0; i < size; i++)
        if (mv_guard_copy(&byte, own + i, 1) || byte != left[i])
            return 0;
    return 1;
}

/* How many of the call's first bytes went out already; -1: others did. */
static int64_t sent_already(const struct mv_thread *self, const uint64_t args[6]) {
    struct mv_segment pieces[MV_SEGMENTS_MAX];
    struct leftover *one;
    int64_t sum = 0;
    int count = mv_call_in_segments(mv_call_find(self->call), args, pieces, MV_SEGMENTS_MAX);
    for (int i = 0; i < count; i++) {
        uint64_t done = 0;
        if (!is_data(&pieces[i]))
            continue;
        while (done < pieces[i].len && (one = sent_to(self, (int32_t)args[0]))) {
            uint64_t own = pieces[i].len - done, left = one->size - one->done;
            uint64_t size = own < left ? own : left;
            if (!one->bytes || !equal(one->bytes + one->done, (uint8_t *)pieces[i].addr + done, size))
                return -1;
            one->done += size;
            done += size;
            sum += (int64_t)size;
            if (one->done == one->size)
                drop(one);
        }
    }
    return sum;
}

/* Whoever's they are: a number that was closed since means another connection. */
static void forget_bytes(int32_t fd) {
    for (struct leftover *one = first, *next; one; one = next) {
        next = one->next;
        if (one->is_sent && one->fd == fd)
            drop(one);
    }
}

/* ---- other calls -------------------------------------------------------------------------------------- */

static int event_outcome(struct mv_thread *self, struct mv_frame *frame, const uint64_t args[6],
                         long *result) {
    const struct mv_call_row *row = mv_call_find(self->call);
    struct mv_comparison with;
    struct leftover *one = own(self, first);
    while (one && (one->is_sent || mv_compare(&with, row, args, &one->event) != MV_DIFFERS_NOT))
        one = own(self, one->next);
    if (!one)
        return 0;
    *result = with.result;
    if (self->call == __NR_epoll_ctl) {
        *result = mv_register_again(frame); /* with this version's own data */
    } else if (one->event.out_size) {
        int count = mv_call_out_targets(row, args, *result, with.segments, MV_SEGMENTS_MAX);
        if (count >= 0)
            mv_payload_fill((const uint8_t *)(&one->event + 1) + one->event.in_size, one->event.out_size,
                            with.segments, count);
    }
    drop(one);
    return 1;
}

/* Both versions would be at one place, and aren't. */
static void not_met(const struct leftover *one) {
    if (one->is_sent) {
        const struct mv_settled settled = {.fd = one->fd};
        mv_in_doubt(&settled, "it sent bytes that this version does not send");
        return;
    }
    uint32_t call = one->event.call;
    if (call == __NR_accept || call == __NR_accept4)
        mv_sys1(__NR_close, (long)one->event.result);
    if (mv_call_way(call) > MV_WAY_AGAIN)
        mv_settle_say(call, "is none of this version's: it stands as it was made");
}

/* Its own, taken out of the list. */
static struct leftover *take_own(const struct mv_thread *self) {
    struct leftover *taken = NULL, **last = &taken, **at = &first;
    while (*at)
        if ((*at)->thread == self) {
            *last = *at;
            *at = (*at)->next;
            last = &(*last)->next;
        } else {
            at = &(*at)->next;
        }
    *last = NULL;
    return taken;
}

static void end(struct mv_thread *self) {
    lock();
    struct leftover *taken = take_own(self);
    unlock();
    while (taken) {
        struct leftover *one = taken;
        taken = one->next;
        not_met(one);
        mv_sys2(__NR_munmap, (long)one, (long)one->room);
    }
    self->leftover = 0;
    if (!__atomic_sub_fetch(&mv_unsettled, 1, __ATOMIC_ACQ_REL) && mv.role == MV_ROLE_SOLO)
        mv_fast_calls_for_role();
}

/* What is left of a send may block: it is sent without the lock. */
static int bytes_outcome(struct mv_thread *self, struct mv_frame *frame, const uint64_t args[6],
                         long *result) {
    struct mv_settled settled = {.call = self->call, .fd = (int32_t)args[0]};
    lock();
    int64_t sent = sent_to(self, settled.fd) ? sent_already(self, args) : 0;
    if (sent < 0)
        forget_bytes(settled.fd);
    unlock();
    if (sent < 0) {
        *result = mv_in_doubt(&settled, "what it sent is not what this version sends");
        return 1;
    }
    settled.moved = (uint64_t)sent;
    return sent ? mv_bytes_outcome(self, &settled, frame, result) : 0;
}

int mv_leftover_outcome(struct mv_thread *self, struct mv_frame *frame, long *result) {
    const uint64_t args[6] = {frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9};
    int given = 0;
    if (!self->leftover && !(first && self->call == __NR_close))
        return 0;
    if (self->leftover && sends(self->call))
        return bytes_outcome(self, frame, args, result);
    lock();
    if (self->leftover)
        given = event_outcome(self, frame, args, result);
    if (self->call == __NR_close)
        forget_bytes((int32_t)args[0]);
    unlock();
    if (mv_leftover_ends(self, args))
        end(self);
    return given;
}
