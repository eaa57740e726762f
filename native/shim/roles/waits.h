/* Waits for children; see waits.c. */
#ifndef MV_WAITS_H
#define MV_WAITS_H

#include "../signals/signals.h"
#include "../thread.h"

/* What a wait tells: in the witness, siginfo and rusage. */
struct mv_waited {
    struct mv_siginfo info;
    uint8_t rusage[144];
};
_Static_assert(offsetof(struct mv_witness, rusage) - offsetof(struct mv_witness, child) ==
                       offsetof(struct mv_waited, rusage) &&
                   sizeof(struct mv_waited) == 128 + 144,
               "struct mv_witness");

/* wait4 or waitid, made. */
long mv_wait_call(struct mv_thread *self, struct mv_frame *frame);

/* Promoted: of whom the dead leader's last call told, and that the program is told so. */
struct mv_settled mv_wait_settled(const struct mv_log_header *header);
long mv_wait_outcome(const struct mv_thread *self, const struct mv_frame *frame,
                     const struct mv_settled *settled);

/* children.c */
struct mv_siginfo mv_orphan_info(const struct mv_orphan *orphan);
void mv_orphan_signal(
    const struct mv_orphan *orphan); /* SIGCHLD, as the kernel sends it for a parent's child */
void mv_orphan_forget(struct mv_orphan *orphan);
void mv_children_waited_for(uint32_t pid);

#endif
