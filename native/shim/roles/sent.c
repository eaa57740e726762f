/* Signals that threads of the process send to each other, as the follower counts them: what was sent and not
 * handled when the leader died is sent again.
 *
 * What the sender wrote before, the handler may read (libc tells all threads of a new user so). That needs no
 * count: the record of a receipt lists what was emitted before (order/progress.c), a sending call among it.
 * So the sender's note is there before the receiver's, but for a call whose record was lost with the leader;
 * and what is not there is not taken away.
 *
 * A standard signal that is sent twice may arrive once: a count that is too high sends one again that was
 * handled. What was pending when the follower was made counts as sent. */
#include "../log/barriers.h"
#include "../signals/signals.h"
#include "../sys.h"
#include "roles.h"

#define SI_TKILL (-6)

static int sends(uint32_t call, const uint64_t args[6], uint32_t *number) {
    *number = (uint32_t)args[call == __NR_tkill ? 1 : 2];
    return (call == __NR_tkill || call == __NR_tgkill) && *number >= 1 && *number <= 64;
}

static uint64_t target_of(uint32_t call, const uint64_t args[6]) {
    return args[call == __NR_tkill ? 0 : 1];
}

/* Follower: a call that sends or receives was replayed; before its record counts as read. */
void mv_sent_replayed(uint32_t call, const uint64_t args[6], long result) {
    uint32_t number;
    if (call == __NR_rt_sigtimedwait && result > 0 && args[1])
        mv_sent_received(mv_self, (int)result, (const struct mv_siginfo *)args[1]);
    if (result != 0 || !sends(call, args, &number))
        return;
    struct mv_thread *target = mv_thread_called((uint32_t)target_of(call, args));
    if (target)
        __atomic_add_fetch(&target->sent[number - 1], 1, __ATOMIC_ACQ_REL);
}

/* In a thread that is about to be copied, with all signals blocked: what is pending, perhaps for the whole
 * process. */
void mv_sent_pending(struct mv_thread *self) {
    mv_sys2(__NR_rt_sigpending, (long)&self->pending, 8);
    self->pending_exact = 0;
}

/* The kernel's list of what is pending for this thread alone. 0: there is no /proc. */
static int read_pending(struct mv_thread *area) {
    static const char name[] = "\nSigPnd:\t";
    struct mv_text path = {.used = 0};
    char text[4096] = {0};
    mv_text_add(&path, "/proc/self/task/");
    mv_text_number(&path, area->tid);
    mv_text_add(&path, "/status");
    long fd = mv_sys4(__NR_openat, -100, (long)path.bytes, 02000000 /* O_CLOEXEC */, 0);
    if (mv_is_error(fd))
        return 0;
    long size = mv_sys3(__NR_read, fd, (long)text, sizeof text);
    mv_sys1(__NR_close, fd);
    for (long at = 0; at + (long)sizeof name + 15 < size; at++) {
        unsigned i = 0;
        uint64_t bits = 0;
        while (name[i] && text[at + i] == name[i])
            i++;
        if (name[i])
            continue;
        for (unsigned digit = 0; digit < 16; digit++) {
            char c = text[at + i + digit];
            bits = bits << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
        }
        area->pending = bits;
        return 1;
    }
    return 0;
}

/* When all are parked: a thread may have been sent a signal after it parked. */
void mv_sent_look(void) {
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area)) {
        area->pending_exact = (uint32_t)read_pending(area);
        if (area->deferred && ((const struct mv_siginfo *)area->deferred_info)->code == SI_TKILL)
            area->pending |= 1ull << (area->deferred - 1);
    }
}

/* In the copy. (A kick that is pending is the shim's own.) */
void mv_sent_start(struct mv_thread *area) {
    area->pending &= ~MV_SIGSYS_BIT;
    for (unsigned i = 0; i < 64; i++)
        area->sent[i] = area->pending >> i & 1;
    area->sent_before = area->pending_exact ? 0 : area->pending;
}

/* Follower: the leader's thread was given this signal. */
void mv_sent_received(struct mv_thread *self, int number, const struct mv_siginfo *info) {
    uint32_t *sent = &self->sent[number - 1];
    uint32_t sender = (uint32_t)info->rest[0]; /* a promoted leader has a pid of its own */
    if (info->code != SI_TKILL || (sender != mv.logical_pid && sender != mv.leader_pid))
        return;
    if (!mv_load_acquire32(sent)) /* nobody else makes it less */
        return;
    if (!__atomic_sub_fetch(sent, 1, __ATOMIC_ACQ_REL))
        self->sent_before &= ~(1ull << (number - 1));
}

/* Promoted, all signals blocked: standard signals that the dead leader's threads were sent and had not
 * handled. The kernel keeps one of each, so what was inherited already (signals/inherit.c) does not come
 * twice. One that is not waited for here, or would do nothing, is left. */
void mv_sent_promote(void) {
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        for (int number = 1; number < 32; number++) {
            uint32_t before = area->sent_before >> (number - 1) & 1;
            int matters = mv_actions[number].handler > 1 || (area->program_mask >> (number - 1) & 1);
            if (area->sent[number - 1] > before && matters)
                mv_sys3(__NR_tgkill, mv.pid, area->tid, number);
        }
}
