/* What a promoted process hands over to its former leader: what it has noted of descriptors, which the kernel
 * would have to be asked about with the server stopped (eight calls each; with 5,000 connections that took
 * 30 ms).
 *
 * As the lead changes sides both have done the same; so the follower's accounts are those that its former
 * leader has to begin with. They are written before the promoted process registers or sets anything of its
 * own: should it die in the middle of that, its leader knows from them what to make anew.
 *
 * Not so what children of the leader may have moved: their connections were in no account. Those the leader
 * looks at itself, before it offers the lead. */
#include "handover.h"
#include "../log/barriers.h"
#include "../sys.h"
#include "roles.h"
#include "watch.h"

struct handover {
    uint64_t generation; /* the promotion's, once all below is there */
    struct mv_streams_handover streams;
    struct mv_owners_handover owners;
    struct mv_epoll_handover epoll;
};
_Static_assert(sizeof(struct handover) <= MV_HANDOVER_SPAN, "MV_HANDOVER_SPAN");

static struct handover *handover(void) {
    return (struct handover *)((uint8_t *)mv.control + MV_HANDOVER_OFFSET);
}

/* The promoted process, while all stand still. */
void mv_handover_give(uint64_t generation) {
    struct handover *to = handover();
    mv_streams_give(&to->streams);
    mv_owners_give(&to->owners);
    mv_epoll_give(&to->epoll);
    __atomic_store_n(&to->generation, generation, __ATOMIC_RELEASE);
}

/* The former leader. 0: the other one died before it gave anything. Nobody needs it afterwards. */
int mv_handover_take(uint64_t generation) {
    struct handover *from = handover();
    if (mv_load_acquire64(&from->generation) != generation)
        return 0;
    mv_streams_take(&from->streams);
    mv_owners_take(&from->owners);
    mv_epoll_take(&from->epoll);
    mv_sys3(__NR_madvise, (long)from, MV_HANDOVER_SPAN, 9 /* REMOVE */);
    return 1;
}
