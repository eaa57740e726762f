/* Do all threads rest, in a wait for the world, a condition or a semaphore? There nothing that a rule between
 * two versions stands for is half done: the lead can change hands.
 *
 * An update begins every other thread anew, at its start routine: so what lies on its stack must be such that
 * it can be given up, too, and it is to hold nothing that its stack is needed for.
 *
 * What is not seen here, a lock that a thread holds while it waits, shows as it begins anew: it does not come
 * to its wait again, and the update fails by name. */
#include "../calls/guard.h"
#include "../sys.h"
#include "update.h"

#define CONTROL_BLOCK                                                                                        \
    2304u /* bytes of glibc's struct pthread: at least those in which it points to frames                    \
           */

/* Blocks until the world moves it on: no descriptor that answers at once. */
static int blocks(uint64_t fd) {
    struct {
        uint64_t device, inode, links;
        uint32_t mode;
        uint8_t rest[116];
    } status = {.mode = 0};
    long flags = mv_sys2(__NR_fcntl, (long)fd, 3 /* F_GETFL */);
    return !mv_is_error(flags) && !(flags & 04000 /* O_NONBLOCK */) &&
           !mv_sys2(__NR_fstat, (long)fd, (long)&status) && (status.mode & 0170000) != 0100000 /* S_IFREG */;
}

int mv_rests_at(const struct mv_thread *area, uint32_t call, const uint64_t args[6]) {
    switch (call) {
    case MV_INTENT_NONE:
        return 0;
    case __NR_futex:
        return area->condition || area->semaphore;
    case __NR_nanosleep:
    case __NR_clock_nanosleep:
    case __NR_wait4:
    case __NR_waitid:
        return 1;
    case __NR_read:
    case __NR_readv:
        return blocks(args[0]);
    case __NR_recvfrom:
        return !(args[3] & 0x40 /* MSG_DONTWAIT */) && blocks(args[0]);
    case __NR_recvmsg:
        return !(args[2] & 0x40) && blocks(args[0]);
    default:
        return mv_waits_for_world(call, args);
    }
}

/* A clean-up handler (pthread_cleanup_push), or another word of the thread's control block that leads into
 * frames which would be given up. */
int mv_keeps_frames(const struct mv_thread *area) {
    for (uint64_t at = area->fs_base; at < area->fs_base + CONTROL_BLOCK; at += 8) {
        uint64_t word;
        if (mv_guard_load64((const void *)at, &word))
            break;
        if (word >= area->stand.rsp && word < area->origin[6])
            return 1;
    }
    return 0;
}

static void tell_where(const struct mv_thread *area, struct mv_text *why) {
    const struct mv_call_row *row = area->stand.call < 1024 ? mv_call_find(area->stand.call) : NULL;
    if (area->stand.call == __NR_futex)
        mv_text_add(why, " waits for a lock, a barrier or the end of another thread");
    else if (row) {
        mv_text_add(why, " is about to make the system call ");
        mv_text_add(why, row->name);
    } else
        mv_text_add(why, " is at work");
}

int mv_threads_rest(const struct mv_thread *self, int begin_anew, struct mv_text *why) {
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area)) {
        if (area == self || (begin_anew && !area->start))
            continue;
        /* (libc's own handler stands there in a wait for a condition or a semaphore, which is left first.) */
        int here = !begin_anew || area->stand.rsp < area->origin[6];
        int led = begin_anew && here && area->stand.call != __NR_futex && mv_keeps_frames(area);
        if (mv_rests_at(area, area->stand.call, area->stand.args) && here && !led)
            continue;
        mv_text_add(why, "thread ");
        mv_text_number(why, area->logical_tid);
        if (!here)
            mv_text_add(why, " is on another stack than its own, in a handler or a coroutine");
        else if (led)
            mv_text_add(why, " is within pthread_cleanup_push, or keeps the address of a local variable");
        else
            tell_where(area, why);
        return 0;
    }
    return 1;
}
