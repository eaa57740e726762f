/* What a follower may not do, though the call is one that each version makes for itself: reach beyond its own
 * memory. What travels is never made by a follower (follower.c); code that the rewriter did not see is
 * trapped (signals/net.c); here is the rest.
 *
 * - The session memory and the shim itself: a follower that unlocked the leader's logs could write what the
 *   leader reads there.
 * - Memory that is shared with others and was mapped to be read: mprotect makes it writable, and what is
 *   written is in the file. A leader that does so is followed no longer (leader.c).
 *
 * Shared mappings are noted: all that there are when a follower is made (obstacles.c), and each that comes
 * later. munmap is not looked at; what is mapped over one is. */
#include "../log/barriers.h"
#include "../sys.h"
#include "roles.h"

#include <linux/mman.h>

#define SHARED_MAX 256u

static struct range { uint64_t start, end; } shared[SHARED_MAX];
static uint32_t shared_count, lock;

static void enter(void) {
    while (mv_exchange32(&lock, 1))
        mv_pause();
}
static void leave(void) {
    mv_store_release32(&lock, 0);
}

static uint64_t end_of(uint64_t start, uint64_t size) {
    uint64_t end = start + ((size + MV_PAGE - 1) & ~(uint64_t)(MV_PAGE - 1));
    return end < start ? UINT64_MAX : end;
}

static int meet(uint64_t start, uint64_t end, uint64_t other, uint64_t other_end) {
    return start < other_end && other < end;
}

void mv_shared_forget_all(void) {
    lock = 0;
    shared_count = 0;
}

static int add(uint64_t start, uint64_t end) {
    if (shared_count == SHARED_MAX || start >= end)
        return start >= end;
    shared[shared_count++] = (struct range){start, end};
    return 1;
}

/* A private mapping took the place. */
void mv_shared_replaced(uint64_t start, uint64_t size) {
    uint64_t end = end_of(start, size);
    if (!mv_load_relaxed32(&shared_count))
        return;
    enter();
    for (uint32_t i = shared_count; i-- > 0;) {
        struct range one = shared[i];
        if (!meet(one.start, one.end, start, end))
            continue;
        shared[i] = shared[--shared_count];
        add(one.start, start < one.end ? start : one.end);
        add(end > one.start ? end : one.start, one.end);
    }
    leave();
}

/* 0: too many to be told apart. */
int mv_shared_mapped(uint64_t start, uint64_t size) {
    enter();
    int added = add(start, end_of(start, size));
    leave();
    return added;
}

int mv_shared_at(uint64_t start, uint64_t size) {
    uint64_t end = end_of(start, size);
    int found = 0;
    if (!mv_load_relaxed32(&shared_count))
        return 0;
    enter();
    for (uint32_t i = 0; i < shared_count; i++)
        found |= meet(shared[i].start, shared[i].end, start, end);
    leave();
    return found;
}

static int is_ours(uint64_t start, uint64_t size) {
    extern char _end[] __attribute__((visibility("hidden")));
    uint64_t end = end_of(start, size), control = (uint64_t)mv.control;
    int found = meet(start, end, control, control + MV_CONTROL_SPAN) ||
                meet(start, end, (uint64_t)mv_text_start, end_of((uint64_t)_end, 0));
    for (unsigned version = 0; version < MV_VERSIONS; version++)
        found |= meet(start, end, (uint64_t)mv.logs[version],
                      (uint64_t)mv.logs[version] + MV_MAX_THREADS * MV_LOG_SPAN);
    return found;
}

/* What this call of a follower would do beyond its own memory; NULL: nothing. */
const char *mv_reaches_beyond(const struct mv_frame *frame, uint32_t call) {
    int ours = 0;
    switch (call) {
    case __NR_mmap:
        ours = (frame->r10 & MAP_FIXED) && is_ours(frame->rdi, frame->rsi);
        break;
    case __NR_mremap:
        ours = is_ours(frame->rdi, frame->rsi) ||
               ((frame->r10 & MREMAP_FIXED) && is_ours(frame->r8, frame->rdx));
        break;
    case __NR_mprotect:
    case __NR_pkey_mprotect:
        if ((frame->rdx & PROT_WRITE) && mv_shared_at(frame->rdi, frame->rsi))
            return "it made memory writable that it shares with other processes; its leader did not";
        ours = is_ours(frame->rdi, frame->rsi);
        break;
    case __NR_munmap:
    case __NR_madvise:
    case __NR_remap_file_pages:
    case __NR_mbind:
    case 462 /* mseal */:
        ours = is_ours(frame->rdi, frame->rsi);
        break;
    case __NR_arch_prctl:
        /* The shim would not know the thread any more. */
        return frame->rdi == 0x1002 /* ARCH_SET_FS */ ? "it replaced its thread pointer" : NULL;
    default:
        return NULL;
    }
    return ours ? "it reached for the memory of the session, or of the shim" : NULL;
}

/* A thread that the shim does not know, from entry.S and net.c: its thread pointer is another than it was. */
_Noreturn void mv_follower_unseen(void) {
    mv_follower_end(MV_REASON_ESCAPE, 0,
                    "the follower made a system call under a thread pointer of its own; it was not made");
}
