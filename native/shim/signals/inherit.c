/* A signal that had arrived in a dead leader's thread, and whose handler's record is missing: nobody would
 * send it again. The shim had noted it in the thread's area; it is sent to the thread's counterpart.
 *
 * What the kernel still held back, blocked, is gone with the process; the coordinator looks for that. */
#include "../log/barriers.h"
#include "../roles/roles.h"
#include "../sys.h"
#include "signals.h"

/* In the dead leader, of the thread area at `area`. */
static int noted(uint64_t area, size_t field, void *to, size_t size) {
    return mv_remains_read(to, area + field, size);
}

/* Promoted; `area`'s own kernel mask still blocks everything. */
void mv_signal_inherit(const struct mv_thread *area) {
    uint64_t frame = mv.control->threads[mv.reads][area->slot].frame, record = 0;
    uint64_t theirs = frame - offsetof(struct mv_frame, r15) + sizeof(struct mv_frame);
    uint32_t number = 0;
    struct mv_siginfo info;
    if (!frame || !noted(theirs, offsetof(struct mv_thread, deferred), &number, sizeof number))
        return;
    if (!number) { /* it is noted until its record is there */
        noted(theirs, offsetof(struct mv_thread, signal_untold), &number, sizeof number);
        noted(theirs, offsetof(struct mv_thread, signal_record), &record, sizeof record);
        if (record != area->reader.sequence)
            return;
    }
    if (number >= 1 && number <= 64 && number != 31 /* SIGSYS */ &&
        noted(theirs, offsetof(struct mv_thread, deferred_info), &info, sizeof info))
        mv_sys4(__NR_rt_tgsigqueueinfo, mv.pid, area->tid, number, (long)&info);
}
