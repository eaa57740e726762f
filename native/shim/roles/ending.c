/* The end of a follower, by itself: it tells why, and goes. Its leader goes on without it. */
#include "../signals/signals.h"
#include "../sys.h"
#include "roles.h"

/* Whoever ends the follower first tells why. Set before publishing ends: the other threads find that ended at
 * once, and would end the process before the reason is told. */
static uint32_t ending; /* tid */

void mv_follower_ending(void) {
    uint32_t nobody = 0, self = (uint32_t)mv_sys0(__NR_gettid);
    if (__atomic_compare_exchange_n(&ending, &nobody, self, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) ||
        nobody == self)
        return;
    for (;;)
        mv_sys0(__NR_pause);
}

/* Ends this process; the leader goes on alone. */
void mv_follower_end(enum mv_reason reason, int code, const char *text) {
    mv_follower_ending();
    if (mv_member_end(mv.version, mv.generation, reason, code, text)) {
        mv_member_is(mv.version, MV_MEMBER_ENDED);
        mv_say_string(MV_WARNING, text);
    }
    for (;;)
        mv_sys1(__NR_exit_group, 0);
}

void mv_follower_crashed(struct mv_thread *self, int number, const struct mv_siginfo *info,
                         const struct mv_ucontext *uc) {
    struct mv_text text = {.used = 0};
    (void)self;
    mv_follower_ending();
    mv_text_add(&text, "the follower got signal ");
    mv_text_number(&text, number);
    mv_text_add(&text, " at ");
    mv_text_hex(&text, uc->rip);
    mv_text_add(&text, ", address ");
    mv_text_hex(&text, info->rest[0]);
    mv_member_of(mv.version)->crashed_at = uc->rip; /* before the end is told */
    if (!mv_member_end(mv.version, mv.generation, MV_REASON_FOLLOWER_DIED, number, text.bytes))
        return;
    mv_member_is(mv.version, MV_MEMBER_ENDED);
    mv_say(MV_WARNING, &text);
}
