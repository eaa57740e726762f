/* The outcomes of settled calls (settle.c). A promoted thread is given its dead counterpart's as it comes to
 * that call, or makes the call as if for the first time. Some are told earlier, before other threads of ours
 * change what tells. */
#include "../calls/guard.h"
#include "../calls/table.h"
#include "../log/barriers.h"
#include "../sys.h"
#include "epoll.h"
#include "leftover.h"
#include "rest.h"
#include "roles.h"
#include "settle.h"
#include "waits.h"

/* Whether the leader's registration was made, its repetition tells. */
long mv_register_again(const struct mv_frame *frame) {
    uint64_t operation = (uint32_t)frame->rsi;
    long result =
        mv_sys4(__NR_epoll_ctl, (long)frame->rdi, (long)operation, (long)frame->rdx, (long)frame->r10);
    if (operation == MV_EPOLL_DEL)
        return result == -2 /* ENOENT: gone already */ ? 0 : result;
    if (operation != MV_EPOLL_ADD || result != -17 /* EEXIST */)
        return result;
    struct mv_epoll_data wanted = {0, 0};
    if (mv_guard_copy(&wanted, (const void *)frame->r10, sizeof wanted))
        return result;
    mv_epoll_register((int32_t)frame->rdi, (int32_t)frame->rdx, wanted);
    return 0;
}

/* What is told by names and registrations, which other threads of ours may change as they go on, is told
 * before they do. A registration that another one's record shows to have been made is not repeated: it may be
 * gone since. */
void mv_settle_early(void) {
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area)) {
        const struct mv_frame *frame = mv_thread_frame(area);
        const uint64_t args[6] = {frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9};
        struct mv_settled *settled = &area->settled;
        long result = 0;
        if (!area->replaying || settled->call == MV_INTENT_NONE || !mv_load_acquire32(&area->asks) ||
            area->call != settled->call)
            continue;
        enum mv_way way = mv_call_way(settled->call);
        if (way == MV_WAY_REGISTERED && area->overtaken != area->reader.sequence + 1)
            result = mv_register_again(frame);
        else if (way != MV_WAY_REGISTERED && way != MV_WAY_NAMED)
            continue;
        int made = way == MV_WAY_REGISTERED || mv_names_settled(area->call, args, settled->noted, &result);
        settled->moved = (uint64_t)result;
        settled->decided = made ? MV_DECIDED_MADE : MV_DECIDED_NOT;
    }
}

/* The connection that the dead leader had accepted is given to the program. */
static long give(const struct mv_settled *settled, const struct mv_frame *frame) {
    struct mv_peer *peer = (struct mv_peer *)settled->copy;
    uint32_t size = 0;
    if (peer && frame->rsi && frame->rdx && !mv_guard_load32((const void *)frame->rdx, &size)) {
        if (size > peer->length)
            size = peer->length;
        if (size > sizeof peer->address)
            size = sizeof peer->address;
        mv_guard_copy((void *)frame->rsi, peer->address, size);
        mv_guard_copy((void *)frame->rdx, &peer->length, sizeof peer->length);
    }
    return (long)settled->moved;
}

void mv_settle_say(uint32_t call, const char *what) {
    struct mv_text text = {.used = 0};
    mv_text_add(&text, "the dead leader's last call, ");
    mv_text_add(&text, mv_call_find(call)->name);
    mv_text_add(&text, ", ");
    mv_text_add(&text, what);
    mv_say(MV_ERROR, &text);
}

/* The follower's next call is another one than its leader's last. */
static void not_reached(const struct mv_settled *settled, enum mv_way way) {
    if (way == MV_WAY_CLOSED)
        return;
    if (way == MV_WAY_BYTES) {
        mv_in_doubt(settled, "the follower's next call is another one");
        return;
    }
    if (way == MV_WAY_ACCEPTED || way == MV_WAY_OPENED) /* the connection is closed */
        mv_sys1(__NR_close, (long)settled->moved);
    mv_settle_say(settled->call, "was not the follower's next one: it is not made again");
}

/* It is made again; some answers mean that it was made before. */
static long repeated(struct mv_thread *self, struct mv_frame *frame) {
    static const struct {
        uint16_t call, error;
    } done[] = {
        {__NR_setsockopt, 98 /* EADDRINUSE: is a member of the group */},
        {__NR_setsockopt, 99 /* EADDRNOTAVAIL: is none any more */},
        {__NR_setsockopt, 17 /* EEXIST: the protocol above it is attached */},
        {__NR_inotify_rm_watch, 22 /* EINVAL */},
        {__NR_setxattr, 17 /* EEXIST */},
        {__NR_lsetxattr, 17},
        {__NR_fsetxattr, 17},
        {__NR_removexattr, 61 /* ENODATA */},
        {__NR_lremovexattr, 61},
        {__NR_fremovexattr, 61},
        {466 /* removexattrat */, 61},
        {__NR_mq_unlink, 2 /* ENOENT */},
        {__NR_umount2, 22 /* EINVAL */},
        {__NR_swapon, 16 /* EBUSY */},
        {__NR_swapoff, 22 /* EINVAL */},
        {__NR_delete_module, 2 /* ENOENT */},
    };
    long result = mv_make_call(self, frame);
    for (unsigned i = 0; i < sizeof done / sizeof done[0]; i++)
        if (done[i].call == self->call && result == -(long)done[i].error)
            return 0;
    return result;
}

/* Does the call take its descriptor as its first argument? */
static int by_descriptor(enum mv_way way) {
    return way == MV_WAY_BYTES || way == MV_WAY_ACCEPTED || way == MV_WAY_CLOSED;
}

/* Is this the call that was settled? */
static int is_settled(const struct mv_settled *settled, uint32_t call, const struct mv_frame *frame) {
    return settled->call == call && !(by_descriptor(mv_call_way(call)) && settled->fd != (int32_t)frame->rdi);
}

static int outcome(struct mv_thread *self, struct mv_frame *frame, const struct mv_settled *settled,
                   long *result) {
    enum mv_way way = mv_call_way(settled->call);
    const uint64_t args[6] = {frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9};
    if (!is_settled(settled, self->call, frame)) {
        not_reached(settled, way);
        return 0;
    }
    if (settled->decided) {
        *result = (long)settled->moved;
        return settled->decided == MV_DECIDED_MADE;
    }
    switch (way) {
    case MV_WAY_CLOSED:
        *result = 0;
        return 1;
    case MV_WAY_REGISTERED:
        *result = mv_register_again(frame);
        return 1;
    case MV_WAY_ACCEPTED:
        *result = give(settled, frame);
        if (settled->copy)
            mv_sys2(__NR_munmap, (long)settled->copy, sizeof(struct mv_peer));
        return 1;
    case MV_WAY_FORKED:
        if (!settled->moved) {
            mv_settle_say(settled->call, "may have been made or not, which can't be told: it is made again");
            return 0;
        }
        mv_fork_adopt(self, frame, (long)settled->moved);
        *result = (long)settled->moved;
        return 1;
    case MV_WAY_OPENED:
        *result = (long)settled->moved;
        return 1;
    case MV_WAY_WAITED:
        *result = mv_wait_outcome(self, frame, settled);
        return 1;
    case MV_WAY_NAMED:
        return mv_names_settled(self->call, args, settled->noted, result);
    case MV_WAY_BOUND:
    case MV_WAY_CONNECTED:
    case MV_WAY_SHUT:
    case MV_WAY_MOVED:
        return mv_states_settled(self, frame, settled->noted, result);
    case MV_WAY_REPEATED:
        *result = repeated(self, frame);
        return 1;
    case MV_WAY_TOLD:
        mv_settle_say(settled->call, "may have been made or not, which can't be told: it is made again");
        return 0;
    default:
        return mv_bytes_outcome(self, settled, frame, result);
    }
}

/* A call of a promoted thread: its first, or one until its leftovers end. 1: *result is its outcome, and it
 * must not be made. (One that a kick came before is asked for again.) */
int mv_settled_outcome(struct mv_thread *self, struct mv_frame *frame, long *result) {
    if (mv_leftover_outcome(self, frame, result))
        return 1;
    if (self->settled.call == MV_INTENT_NONE ||
        (!is_settled(&self->settled, self->call, frame) && mv_leftover_may_come(self)))
        return 0;
    int given = outcome(self, frame, &self->settled, result);
    if (given && *result == -MV_ERESTART)
        return 1;
    self->settled.call = MV_INTENT_NONE;
    if (!__atomic_sub_fetch(&mv_unsettled, 1, __ATOMIC_ACQ_REL) && mv.role == MV_ROLE_SOLO)
        mv_fast_calls_for_role();
    return given;
}

/* Any call of a process that nobody follows (any more). */
enum mv_action mv_settle_or_make(struct mv_thread *self, struct mv_frame *frame) {
    uint64_t args[6] = {frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9};
    const struct mv_call_row *row = mv_call_find(self->call);
    long result;
    if (mv_unsettled && row &&
        (mv_call_class_of(row, args) != MV_CLASS_LOCAL || mv_leftover_ends(self, args)) &&
        mv_settled_outcome(self, frame, &result)) {
        frame->rax = (uint64_t)result;
        mv_rest_after_call(self, frame);
        return MV_ACTION_RETURN;
    }
    enum mv_action action = mv_execute(self, frame);
    if (action == MV_ACTION_RETURN)
        mv_rest_after_call(self, frame);
    return action;
}
