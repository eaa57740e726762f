/* The leader: makes each call, then publishes it.
 *
 * It waits for nobody. Whoever ends the follower clears control.publishing; the leader finds that at its
 * next call and goes solo. A log that is full, or a call that no follower can replay, ends the follower here. */
#include "../calls/payload.h"
#include "../calls/table.h"
#include "../log/barriers.h"
#include "../signals/signals.h"
#include "../sys.h"
#include "roles.h"
#include "streams.h"

/* The largest number of segments of one call: an iovec's limit and the message around it. */
#define MV_SEGMENTS_MAX 1040

int mv_leader_publishing(void)
{
    return __atomic_load_n(&mv.control->publishing, __ATOMIC_RELAXED) != 0;
}

int mv_leader_has_follower(void)
{
    return mv.role == MV_ROLE_LEADER && mv_leader_publishing() && mv.control->follower_pid != 0;
}

/* Any thread, any number of times: others that still see LEADER publish into logs that nobody reads. */
void mv_leader_to_solo(void)
{
    if (mv.role != MV_ROLE_LEADER)
        return;
    mv.role = MV_ROLE_SOLO;
    mv_fast_calls_for_role();
    for (uint32_t slot = 0; slot < MV_MAX_THREADS; slot++)
        if (mv_writers[slot].running)
            for (uint32_t reader = 0; reader < MV_MAX_READERS; reader++)
                mv_log_drop_reader(mv_log_base(mv.version, slot), reader);
    for (int number = 1; number <= 64; number++)
        if (number != 31 && mv_actions[number].handler == 0)
            mv_signal_install(number);
    mv.control->stage = MV_STAGE_SINGLE_LEADER;
    mv.control->follower_pid = 0;
    mv_control_changed();
}

void mv_end_follower(enum mv_reason reason, int code, const char *text)
{
    if (mv_publishing_end()) {
        struct mv_text line = {.used = 0};
        mv_reason(reason, code, text);
        mv.control->follower_state = 3;
        if (mv.control->follower_pid)
            mv_sys2(__NR_kill, mv.control->follower_pid, 9);
        mv_text_add(&line, "follower ended: ");
        mv_text_add(&line, text);
        mv_say(MV_WARNING, &line);
    }
    mv_leader_to_solo();
}

static void unsupported(const char *name)
{
    struct mv_text text = {.used = 0};
    mv_text_add(&text, "the server called ");
    mv_text_add(&text, name);
    mv_text_add(&text, ", which can't be replayed by a follower yet; the server goes on alone");
    mv_end_follower(MV_REASON_UNSUPPORTED, 0, text.bytes);
}

void mv_leader_log_refused(struct mv_thread *self)
{
    switch (self->log->refusal) {
    case MV_LOG_CURSOR_LOST:
        mv_end_follower(MV_REASON_CORRUPT, 0, "a reader's cursor in the event log is damaged");
        break;
    case MV_LOG_TOO_BIG:
        mv_end_follower(MV_REASON_LOG_LIMIT, 0, "one event is larger than the log limit: raise --log-limit");
        break;
    default:
        mv_end_follower(MV_REASON_LOG_LIMIT, 0, "the follower fell so far behind that the log limit is used up");
    }
}

/* A killed keeper is replaced; this thread's log must be told, in case the old one died in the middle of it. */
static void check_keeper(struct mv_thread *self)
{
    if (mv_keeper_lost())
        mv_keeper_start();
    if (self->keeper_epoch != mv_keeper_epoch) {
        self->keeper_epoch = mv_keeper_epoch;
        mv_log_keeper_lost(self->log, &mv_keeper_word);
    }
}

/* Has the follower fallen behind by more than the limit? Looked at every 256 records; the keeper every 4,096. */
static void check_limits(struct mv_thread *self)
{
    uint64_t limit = mv.control->lag_limit_bytes;
    if (!(self->log->sequence & 4095))
        check_keeper(self);
    if (!limit)
        return;
    const struct mv_log_cursor *cursor =
        (const struct mv_log_cursor *)(mv_log_base(mv.version, self->slot) + MV_CURSOR_OFFSET(0));
    uint64_t consumed = __atomic_load_n(&cursor->bytes, __ATOMIC_RELAXED);
    if (cursor->active && self->log->bytes > consumed && self->log->bytes - consumed > limit)
        mv_end_follower(MV_REASON_LAG_LIMIT, 0, "the follower fell behind by more than --lag-limit");
}

void mv_leader_check(struct mv_thread *self)
{
    if (__builtin_expect(!(self->log->sequence & 255), 0))
        check_limits(self);
}

/* Copies the in-segments into a reservation with room for whatever the call may bring back. NULL: the follower
 * has been ended. */
static struct mv_event *reserve_with_in(struct mv_thread *self, const struct mv_call_row *row, const uint64_t args[6])
{
    struct mv_segment segments[2 * MV_SEGMENTS_MAX];
    struct mv_segment *out = segments + MV_SEGMENTS_MAX;
    int ins = mv_call_in_segments(row, args, segments, MV_SEGMENTS_MAX);
    int outs = mv_call_out_targets(row, args, 1 << 30, out, MV_SEGMENTS_MAX);
    if (ins < 0 || outs < 0) {
        unsupported(row->name);
        return NULL;
    }
    uint64_t in_size = mv_payload_size(segments, ins), out_size = mv_payload_size(out, outs);
    struct mv_event *event =
        in_size + out_size < 1ull << 31 ? mv_log_reserve(self->log, (uint32_t)in_size, (uint32_t)out_size) : NULL;
    if (!event) {
        mv_leader_log_refused(self);
        return NULL;
    }
    mv_payload_write(event + 1, segments, ins);
    return event;
}

void mv_leader_complete(struct mv_thread *self, struct mv_event *event, const struct mv_call_row *row,
                        const uint64_t args[6], long result, uint64_t site, uint16_t flags)
{
    /* Only a call in the frame has an exit at which a handler can run; a hook (vDSO, pthread) has none. */
    if ((self->attention & MV_ATTEND_SIGNAL) && !self->hooked) {
        flags |= MV_EVENT_SIGNAL_FOLLOWS;
        self->signal_announced = 1;
    }
    event->call = (uint16_t)(row - mv_call_find(0));
    event->flags = flags;
    event->reserved = 0;
    event->result = result;
    event->site = site;
    event->stamp = self->stamp;
    self->stamp = 0;
    for (int i = 0; i < 6; i++)
        event->args[i] = args[i];
    mv_log_publish(self->log, event);
    mv_leader_check(self);
}

/* Publishes a call after it was made. `event`: a reservation with the in-payload, made before the call, or NULL. */
void mv_leader_publish(struct mv_thread *self, const struct mv_call_row *row, const uint64_t args[6], long result,
                       uint64_t site, uint16_t flags, const struct mv_call_entry *entry, struct mv_event *event)
{
    struct mv_segment segments[2 * MV_SEGMENTS_MAX];
    struct mv_segment *out = segments + MV_SEGMENTS_MAX;
    int ins = 0, outs = 0;
    if (!event && !(flags & MV_EVENT_RESTART) && (row->flags & (MV_CALL_IN | MV_CALL_COMMAND)))
        ins = mv_call_in_segments(row, args, segments, MV_SEGMENTS_MAX);
    if (!(flags & MV_EVENT_RESTART) && (row->flags & (MV_CALL_OUT | MV_CALL_COMMAND)))
        outs = mv_call_out_segments(row, args, result, entry, out, MV_SEGMENTS_MAX);
    if (ins < 0 || outs < 0) {
        unsupported(row->name);
        return;
    }
    uint64_t in_size = event ? event->in_size : ins ? mv_payload_size(segments, ins) : 0;
    uint64_t out_size = outs ? mv_payload_size(out, outs) : 0;
    if (event && out_size > event->out_size) {
        unsupported(row->name);
        return;
    }
    if (!event) {
        event = in_size + out_size < 1ull << 31 ? mv_log_reserve(self->log, (uint32_t)in_size, (uint32_t)out_size) : NULL;
        if (!event) {
            mv_leader_log_refused(self);
            return;
        }
        if (ins)
            mv_payload_write(event + 1, segments, ins);
    }
    event->out_size = (uint32_t)out_size;
    if (outs)
        mv_payload_write((uint8_t *)(event + 1) + in_size, out, outs);
    mv_leader_complete(self, event, row, args, result, site, flags);
}

static void publish_bare(struct mv_thread *self, uint16_t call, long result, uint64_t a, uint64_t b, uint64_t c,
                         const void *payload, uint32_t size)
{
    struct mv_event *event = mv_log_reserve(self->log, size, 0);
    if (!event) {
        mv_leader_log_refused(self);
        return;
    }
    event->call = call;
    event->flags = 0;
    event->reserved = 0;
    event->result = result;
    event->site = 0;
    event->stamp = 0;
    event->args[0] = a;
    event->args[1] = b;
    event->args[2] = c;
    event->args[3] = event->args[4] = event->args[5] = 0;
    for (uint32_t i = 0; i < size; i++)
        ((uint8_t *)(event + 1))[i] = ((const uint8_t *)payload)[i];
    mv_log_publish(self->log, event);
}

/* A crash is told before the kernel writes a core or frees the memory. */
void mv_leader_death(struct mv_thread *self, int number, const struct mv_siginfo *info, const struct mv_ucontext *uc)
{
    if (!self->log || !mv_leader_has_follower())
        return;
    if (number != 4 && number != 5 && number != 6 && number != 7 && number != 8 && number != 11) {
        /* Not a crash: somebody wants the server to end, and its follower with it. */
        mv_end_follower(MV_REASON_LEADER_EXITED, number, "the server was ended by a signal");
        return;
    }
    /* Elsewhere on the shim stack a record may be half written: then the robust list tells. */
    if (!mv_on_shim_stack(self, uc->rsp) ||
        (uc->rip >= (uint64_t)mv_interruptible_check && uc->rip <= (uint64_t)mv_interruptible_after))
        publish_bare(self, MV_CALL_DEATH, 0, (uint64_t)number, info->rest[0], uc->rip, info, 128);
    mv.control->reason = MV_REASON_LEADER_DIED;
    mv.control->reason_code = number;
}

void mv_leader_signal(struct mv_thread *self, int number, const struct mv_siginfo *info)
{
    if (self->log && mv_leader_publishing())
        publish_bare(self, MV_CALL_SIGNAL, 0, (uint64_t)number, 0, 0, info, 128);
}

void mv_leader_publish_order(struct mv_thread *self, uint32_t kind, uint64_t object, uint32_t clock, uint32_t value,
                             long result)
{
    struct mv_event *event = mv_log_reserve(self->log, 0, 0);
    if (!event) {
        mv_leader_log_refused(self);
        return;
    }
    event->call = MV_CALL_ORDER;
    event->flags = 0;
    event->reserved = 0;
    event->result = result;
    event->site = 0;
    event->stamp = (uint64_t)clock << 32 | value;
    event->args[0] = kind;
    event->args[1] = object;
    event->args[2] = clock;
    event->args[3] = value;
    event->args[4] = event->args[5] = 0;
    mv_log_publish(self->log, event);
}

/* ---- signals that find the program computing ------------------------------------------------------ */

/* A one-shot timer for this thread; its SIGSYS finds out whether a call was reached meanwhile. */
void mv_leader_deferral_timer(struct mv_thread *self)
{
    struct {
        uint64_t value;
        int32_t signal, notify, tid;
        int32_t rest[11];
    } event = {.value = MV_KICK_LATE, .signal = 31, .notify = 4 /* SIGEV_THREAD_ID */, .tid = (int32_t)self->tid};
    int32_t timer;
    if (self->late_timer)
        return;
    if (mv_sys3(__NR_timer_create, 1 /* CLOCK_MONOTONIC */, (long)&event, (long)&timer))
        return;
    int64_t after[4] = {0, 0, 0, 10000000};
    mv_sys4(__NR_timer_settime, timer, 0, (long)after, 0);
    self->late_timer = (uint32_t)timer + 1;
}

/* The signal is being delivered: no timer is needed any more. */
void mv_leader_deferral_met(struct mv_thread *self)
{
    if (self->late_timer)
        mv_sys1(__NR_timer_delete, self->late_timer - 1);
    self->late_timer = 0;
}

void mv_leader_deferral_expired(struct mv_thread *self)
{
    mv_leader_deferral_met(self);
    self->signal_late = 0;
    if (!self->deferred)
        return;
    mv_end_follower(MV_REASON_ASYNC_SIGNAL, (int)self->deferred,
                    "a signal had to be delivered in the middle of a computation of more than 10 ms");
    int number = (int)self->deferred;
    self->deferred = 0;
    self->attention &= ~(uint32_t)MV_ATTEND_SIGNAL;
    mv_sys4(__NR_rt_tgsigqueueinfo, mv.pid, self->tid, number, (long)self->deferred_info);
    self->mask_replaced = 0; /* the handler of the kick unblocks it as it returns */
}

/* ---- calls ---------------------------------------------------------------------------------------- */

/* Intents: what is about to be consumed or emitted, for the settlement after a kill. */
static void intend(struct mv_thread *self, const struct mv_frame *frame)
{
    struct mv_intent *intent = &mv_log_header_of(self->log)->intent;
    intent->fd = (int32_t)frame->rdi;
    intent->buffer = frame->rsi;
    intent->length = frame->rdx;
    intent->sequence = self->log->sequence;
    mv_store_release32(&intent->call, self->call);
}

static enum mv_action run_and_publish(struct mv_thread *self, struct mv_frame *frame, const struct mv_call_row *row,
                                      const uint64_t args[6])
{
    struct mv_call_entry entry = {0, 0};
    struct mv_event *event = NULL;
    if (row->flags & (MV_CALL_CONSUME | MV_CALL_EMIT))
        intend(self, frame);
    if (self->call <= __NR_write && mv_leader_plain(self, frame, row))
        return MV_ACTION_RETURN;
    if (row->flags & MV_CALL_CAPTURE)
        mv_call_capture(row, args, &entry);
    if ((row->flags & MV_CALL_INOUT) && !(event = reserve_with_in(self, row, args)))
        return mv_execute(self, frame); /* the follower has just been ended */
    enum mv_action action = mv_execute(self, frame);
    if (action != MV_ACTION_RETURN || mv.role != MV_ROLE_LEADER)
        return action; /* a call that returns twice; or a fork's child, which is nobody's leader */
    long result = (long)frame->rax;
    if (result >= 0 && ((self->call == __NR_openat && (args[2] & 02000 /* O_APPEND */)) ||
                        (self->call == __NR_open && (args[1] & 02000))))
        mv_stream_file_now((int)result, 1, &self->stamp);
    if (result != -MV_ERESTART)
        mv_leader_publish(self, row, args, result, frame->site, 0, &entry, event);
    else if (self->attention & MV_ATTEND_SIGNAL)
        mv_leader_publish(self, row, args, result, frame->site, MV_EVENT_RESTART, NULL, NULL);
    return action;
}

/* A file that is mapped: the follower needs the same file, and the leader may close the descriptor at once. So
 * a duplicate is lent to it, under a hidden number that the event names; the follower closes it. */
static enum mv_action map_file(struct mv_thread *self, struct mv_frame *frame, const struct mv_call_row *row,
                               uint64_t args[6])
{
    long lent = mv_leader_has_follower() ? mv_sys3(__NR_fcntl, (long)frame->r8, 1030 /* F_DUPFD_CLOEXEC */, 512) : -1;
    enum mv_action action = mv_execute(self, frame);
    long result = (long)frame->rax;
    if (mv_is_error(lent) && !mv_is_error(result) && mv_leader_has_follower()) {
        unsupported("mmap of a file, with no descriptor left to lend");
        return action;
    }
    args[4] = (uint64_t)lent;
    mv_leader_publish(self, row, args, result, frame->site, MV_EVENT_LENT, NULL, NULL);
    return action;
}

/* Calls that every version makes for itself; what has no row here is made and published. */
static enum mv_action both(struct mv_thread *self, struct mv_frame *frame, const struct mv_call_row *row,
                           const uint64_t args[6])
{
    switch (self->call) {
    case __NR_execve:
    case __NR_execveat:
        unsupported(row->name);
        return mv_execute(self, frame);
    case __NR_setuid:
    case __NR_setgid:
    case __NR_setreuid:
    case __NR_setregid:
    case __NR_setresuid:
    case __NR_setresgid:
    case __NR_setgroups:
    case __NR_setfsuid:
    case __NR_setfsgid:
    case __NR_capset:
    case __NR_setsid:
    case __NR_setpgid:
    case __NR_personality:
    case __NR_chroot:
        unsupported(row->name);
        return mv_execute(self, frame);
    case __NR_exit_group:
        mv_leader_publish(self, row, args, 0, frame->site, 0, NULL, NULL);
        mv.control->stage = MV_STAGE_ENDED;
        mv.control->reason = MV_REASON_LEADER_EXITED;
        mv_control_changed();
        return mv_execute(self, frame);
    default:
        return run_and_publish(self, frame, row, args);
    }
}

/* Kernel objects that belong to the process and which a promoted follower could not make again yet. */
static int refused_with_follower(const struct mv_frame *frame)
{
    switch (mv_self->call) {
    case __NR_mmap: /* what one version writes, the other would see */
        return (frame->r10 & 3) == 1 /* MAP_SHARED */ && (frame->rdx & 2 /* PROT_WRITE */);
    case __NR_close_range:
        return (frame->rdx & 2 /* CLOSE_RANGE_UNSHARE */) != 0;
    case __NR_timer_create:
    case __NR_signalfd:
    case __NR_signalfd4:
        return 1;
    case __NR_fcntl:
        return frame->rsi == 8 /* F_SETOWN */ || frame->rsi == 15 /* F_SETOWN_EX */;
    case __NR_futex: {
        uint32_t op = (uint32_t)frame->rsi & 0x7f;
        return op == 6 || op == 7 || op == 8 || op == 11 || op == 12 || op == 13; /* priority inheritance */
    }
    default:
        return 0;
    }
}

/* A local call is not published; a signal that it leaves behind has no place in the follower. */
static enum mv_action local(struct mv_thread *self, struct mv_frame *frame)
{
    enum mv_action action = mv_execute(self, frame);
    int64_t result = (int64_t)frame->rax;
    if (self->call == __NR_set_robust_list && result == 0 && self->log)
        mv_thread_link_death(self); /* a new thread's first calls */
    if (action == MV_ACTION_RETURN && mv.role == MV_ROLE_LEADER && (self->attention & MV_ATTEND_SIGNAL) &&
        (result == -MV_ERESTART || result == -4 /* EINTR */))
        mv_end_follower(MV_REASON_ASYNC_SIGNAL, (int)self->deferred,
                        "a signal interrupted a wait for another thread; its place can't be replayed yet");
    return action;
}

enum mv_action mv_leader_call(struct mv_thread *self, struct mv_frame *frame)
{
    if (self->signal_late) {
        self->signal_late = 0;
        self->attention |= MV_ATTEND_SIGNAL;
    }
    if (!mv_leader_publishing() || !self->log) {
        mv_leader_to_solo();
        return mv_execute(self, frame);
    }
    uint64_t args[6] = {frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9};
    const struct mv_call_row *row = mv_call_find(self->call);
    mv_thread_note(self, frame);
    if (!row || row->cls == MV_CLASS_REFUSED)
        return mv_execute(self, frame); /* the same refusal in both */
    uint8_t cls = mv_call_class_of(row, args);
    if (cls == MV_CLASS_NONE || (mv_call_flags_of(row, args) & MV_CALL_NOFOLLOW) || refused_with_follower(frame)) {
        unsupported(row->name);
        return mv_execute(self, frame);
    }
    if (self->call == __NR_mmap && !(frame->r10 & 0x20 /* MAP_ANONYMOUS */))
        return map_file(self, frame, row, args);
    if (cls == MV_CLASS_LOCAL)
        return local(self, frame);
    if (cls == MV_CLASS_BOTH)
        return both(self, frame, row, args);
    return run_and_publish(self, frame, row, args);
}

/* A call that returned twice is back in the parent. The new thread's slot stands in args[5]. */
void mv_leader_after_raw(struct mv_thread *self, struct mv_frame *frame, uint32_t slot)
{
    uint64_t args[6] = {frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, slot};
    mv_leader_publish(self, mv_call_find(self->call), args, (long)frame->rax, frame->site, 0, NULL, NULL);
}

void mv_leader_thread_exit(struct mv_thread *self, uint64_t status)
{
    uint64_t args[6] = {status, 0, 0, 0, 0, 0};
    if (mv_leader_publishing())
        mv_leader_publish(self, mv_call_find(__NR_exit), args, 0, 0, 0, NULL, NULL);
}
