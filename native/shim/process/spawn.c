/* posix_spawn: its child runs in the parent's memory, on a stack of its own, until it execs or tells why it
 * could not: in a word of the parent's stack frame, and in errno. A follower has no such child, so the leader
 * publishes what that left: with the record of the clone, in its last argument.
 *
 * What a child of vfork() itself leaves may stand anywhere, as it runs on its parent's stack: one that could
 * not exec ends the follower by name. */
#include "../calls/guard.h"
#include "../roles/roles.h"
#include "../state.h"

#include <linux/sched.h>

extern int *__errno_location(void) __attribute__((weak));

#define LEFT       (1ull << 63) /* in the argument: the error, the word's index in the frame, errno */
#define ERROR_BITS 16
#define ERROR_MASK 0xffffull

static uint32_t *frame_of(const struct mv_frame *frame) {
    return (uint32_t *)frame->rsp;
}

/* Leader: before the clone. */
void mv_spawn_begins(struct mv_thread *self, const struct mv_frame *frame, uint64_t flags, uint64_t stack) {
    self->spawn_words = 0;
    if (mv.role != MV_ROLE_LEADER || self->raw_depth || !stack || !(flags & CLONE_VM) ||
        !(flags & CLONE_VFORK))
        return;
    self->spawn_words =
        MV_SPAWN_WORDS -
        (uint32_t)(mv_guard_copy(self->spawn_frame, frame_of(frame), sizeof self->spawn_frame) + 3) / 4;
}

/* … and when its child has left: what is to be published. 0: nothing; ~0: more than can be told. */
uint64_t mv_spawn_left(struct mv_thread *self, const struct mv_frame *frame) {
    uint64_t left = LEFT | (uint64_t)(uint16_t)(__errno_location ? *__errno_location() : 0)
                               << (2 * ERROR_BITS);
    uint32_t words = self->spawn_words, changed = 0;
    self->spawn_words = 0;
    for (uint32_t i = 0; i < words; i++) {
        uint32_t now;
        if (mv_guard_load32(frame_of(frame) + i, &now) || now == self->spawn_frame[i])
            continue;
        if (changed++ || now > 4095)
            return ~0ull;
        left |= now | (uint64_t)i << ERROR_BITS;
    }
    return words ? left : 0;
}

/* Follower: the same here. `left`: the last argument of a clone's record, which otherwise is a slot. */
void mv_spawn_replayed(struct mv_thread *self, uint64_t left) {
    uint32_t error = left & ERROR_MASK;
    if (!(left & LEFT))
        return;
    if (error)
        mv_guard_copy(frame_of(mv_thread_frame(self)) + (left >> ERROR_BITS & ERROR_MASK), &error,
                      sizeof error);
    if (__errno_location)
        *__errno_location() = (int)(left >> (2 * ERROR_BITS) & ERROR_MASK);
}
