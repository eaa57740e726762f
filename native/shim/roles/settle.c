/* Settling: the leader was killed between an intent and its record. Did the call happen, and with which
 * bytes?
 *
 * Each call has its way (calls/table/settle.tbl). What can be told only now, by the kernel's counters and the
 * dead leader's memory, is noted in the thread as it is promoted; the rest is looked at when the thread
 * reaches the same call next (the same version, the same history). It is given that outcome instead of making
 * the call a second time; a call that did not happen is made as if for the first time.
 *
 * What can't be settled is said by name, and a connection in doubt is shut down, never continued silently. */
#include "settle.h"
#include "../calls/guard.h"
#include "../calls/segments.h"
#include "../calls/table.h"
#include "../log/barriers.h"
#include "../sys.h"
#include "epoll.h"
#include "leftover.h"
#include "reconcile.h"
#include "roles.h"
#include "strangers.h"
#include "streams.h"
#include "waits.h"

#include <linux/sched.h>

uint32_t mv_unsettled;

/* The other end of an accepted connection. One that has been reset meanwhile has no name any more: then as
 * the kernel told it to the dead leader. */
static struct mv_peer *peer_of(const struct mv_intent *intent, int fd) {
    struct mv_peer *peer = mv_room(sizeof *peer);
    if (!peer)
        return NULL;
    peer->length = sizeof peer->address;
    if (!mv_sys3(__NR_getpeername, fd, (long)peer->address, (long)&peer->length))
        return peer;
    peer->length = 0;
    if (intent->buffer && mv_remains_read(&peer->length, intent->length, 4))
        mv_remains_read(peer->address, intent->buffer,
                        peer->length < sizeof peer->address ? peer->length : sizeof peer->address);
    return peer;
}

static struct mv_settled accepted(const struct mv_intent *intent) {
    struct mv_settled settled = {.call = MV_INTENT_NONE};
    int32_t fd = mv_stranger_accepted_by(intent->fd);
    if (fd >= 0)
        settled = (struct mv_settled){.call = intent->call,
                                      .fd = intent->fd,
                                      .moved = (uint64_t)fd,
                                      .copy = (uint8_t *)peer_of(intent, fd)};
    return settled;
}

/* A string of the dead leader's; "" when it can't be read. It may end with a page. */
static void read_string(char *to, uint64_t from, uint64_t size) {
    uint64_t first = MV_PAGE - from % MV_PAGE;
    *to = 0;
    if (from && mv_remains_read(to, from, first < size ? first : size) && first < size)
        mv_remains_read(to + first, from + first, size - first);
    to[size - 1] = 0;
}

static struct mv_settled opened(const struct mv_intent *intent) {
    struct mv_settled settled = {.call = MV_INTENT_NONE};
    static char path[MV_PAGE]; /* only the one thread that promotes is here */
    int by_directory = intent->call == __NR_openat || intent->call == __NR_openat2;
    uint64_t flags = intent->call == __NR_open ? intent->buffer : intent->length;
    if (intent->call == __NR_creat)
        flags = 01 /* O_WRONLY */;
    if (intent->call == __NR_openat2 && !mv_remains_read(&flags, intent->length, 8))
        flags = 0;
    read_string(path, by_directory ? intent->buffer : intent->noted[0], sizeof path);
    int32_t fd = mv_stranger_opened(by_directory ? intent->fd : -100 /* AT_FDCWD */, path, (uint32_t)flags);
    if (fd >= 0)
        settled = (struct mv_settled){.call = intent->call, .fd = intent->fd, .moved = (uint64_t)fd};
    return settled;
}

/* The number is free, or another descriptor's: of a thread whose accept is told of already, or, by what it
 * means, of one whose call is still to be settled. */
static struct mv_settled closed(const struct mv_intent *intent) {
    const struct mv_stream *stream = mv_stream_of(intent->fd);
    int made = stream && stream->early;
    if (!made && mv_stream_is_open(intent->fd)) {
        uint64_t identity = mv_identity_of(intent->fd);
        made = !identity || (intent->noted[0] && identity != intent->noted[0]);
        if (made && identity)
            mv_strangers_add(intent->fd);
    }
    return (struct mv_settled){.call = made ? intent->call : MV_INTENT_NONE, .fd = intent->fd};
}

static struct mv_settled forked(const struct mv_intent *intent) {
    long child = mv_fork_settled(intent);
    int open = child || !intent->noted[1]; /* of a vfork nobody knows */
    return (struct mv_settled){.call = open ? intent->call : MV_INTENT_NONE, .moved = (uint64_t)child};
}

/* How many descriptors a call makes that is made again. */
static int makes(uint32_t call) {
    return call == __NR_pipe || call == __NR_pipe2 || call == __NR_socketpair ? 2 : 1;
}

static const struct mv_log_header *header_of(const struct mv_thread *area) {
    return (const struct mv_log_header *)mv_log_base(mv.reads, area->slot);
}

/* The call that the dead leader's thread was in, if there is no record of it; or NULL. */
const struct mv_intent *mv_intent_of(const struct mv_thread *area) {
    if (!area->replaying || !area->info) /* (of a thread that has ended, the log may be another's) */
        return NULL;
    const struct mv_intent *intent = &header_of(area)->intent;
    int open =
        mv_load_acquire32(&intent->call) != MV_INTENT_NONE && intent->sequence == area->reader.sequence;
    return open ? intent : NULL;
}

/* This thread's intent to be settled, or NULL. */
static const struct mv_intent *intent_of(const struct mv_thread *area, enum mv_way *way) {
    const struct mv_intent *intent = mv_intent_of(area);
    if (!intent || intent->call == MV_INTENT_COME)
        return NULL;
    *way = mv_call_way(intent->call);
    return intent;
}

/* Once all leader threads are dead and all records replayed, before any call is made: notes in each thread
 * what its counterpart's last call has done, or what will tell when the thread reaches that call. */
void mv_settle_intents(void) {
    int made = 0;
    mv_unsettled = 0;
    mv_strangers_look();
    for (int pass = 0; pass < 2; pass++)
        for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area)) {
            enum mv_way way = MV_WAY_NONE;
            const struct mv_intent *intent = intent_of(area, &way);
            struct mv_settled settled = {.call = MV_INTENT_NONE};
            /* Which numbers were closed says who was given one since; what was read, what is left of what was
             * written. */
            int first = way == MV_WAY_CLOSED || (way == MV_WAY_BYTES && mv_bytes_consumed_by(intent->call));
            if (first != !pass) {
                if (!pass)
                    area->settled = settled;
                continue;
            }
            switch (way) {
            case MV_WAY_NONE:
            case MV_WAY_AGAIN:
                break;
            case MV_WAY_BYTES:
                settled = mv_bytes_settled(header_of(area));
                if (mv_rules_image)
                    mv_bytes_leave(area, &settled, intent);
                break;
            case MV_WAY_ACCEPTED:
                settled = accepted(intent);
                break;
            case MV_WAY_OPENED:
                settled = opened(intent);
                break;
            case MV_WAY_FORKED:
                settled = forked(intent);
                break;
            case MV_WAY_CLOSED:
                settled = closed(intent);
                break;
            case MV_WAY_WAITED:
                settled = mv_wait_settled(header_of(area));
                break;
            case MV_WAY_MADE:
                made += makes(intent->call);
                break;
            default:
                if (intent->call ==
                    __NR_chroot) /* what else is looked up may be under the new root already */
                    mv_proc_take(intent->noted[1]);
                settled.call = intent->call;
                settled.fd = intent->fd;
                __builtin_memcpy(settled.noted, intent->noted, sizeof settled.noted);
            }
            area->settled = settled;
            mv_unsettled += settled.call != MV_INTENT_NONE;
        }
    mv_strangers_close(made);
}

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
        return MV_ACTION_RETURN;
    }
    return mv_execute(self, frame);
}

/* How a call will be settled: by its row, or, where a command or an argument decides, by that. */
enum mv_way mv_way_of(uint32_t call, const uint64_t args[6]) {
    enum mv_way way = mv_call_way(call);
    uint64_t flags = 0;
    switch (call) {
    case __NR_fcntl:
        return args[1] == 0 || args[1] == 1030 /* F_DUPFD, F_DUPFD_CLOEXEC */ ? way : MV_WAY_AGAIN;
    case __NR_signalfd:
    case __NR_signalfd4:
        return (int32_t)args[0] < 0 ? way : MV_WAY_AGAIN;
    case __NR_ioctl: {
        /* All that the table knows set a state, or ask for one, but for these. */
        int twice = args[1] == 0x5412 /* TIOCSTI */ || args[1] == 0x5409 /* TCSBRK */ ||
                    args[1] == 0x5425 /* TCSBRKP */;
        return twice || !mv_command_find(MV_ARG_IOCTLARG, (uint32_t)args[1]) ? way : MV_WAY_AGAIN;
    }
    case __NR_clone:
        return args[0] & CLONE_THREAD ? MV_WAY_AGAIN : way;
    case __NR_clone3: /* (a thread does nothing before it is published) */
        mv_guard_load64((const void *)args[0], &flags);
        return flags & CLONE_THREAD ? MV_WAY_AGAIN : way;
    case __NR_kill:
    case __NR_tgkill:
    case __NR_rt_sigqueueinfo:
    case __NR_rt_tgsigqueueinfo: /* what it sent itself died with it */
        return (uint32_t)args[0] == mv.logical_pid ? MV_WAY_AGAIN : way;
    default:
        return way;
    }
}
