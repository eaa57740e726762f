/* What a promotion hands over; see handover.c. */
#ifndef MV_HANDOVER_H
#define MV_HANDOVER_H

#include "epoll.h"
#include "streams.h"

struct mv_streams_handover {
    int32_t end; /* of what follows */
    uint32_t mask;
    struct mv_stream streams[MV_STREAMS];
};

#define MV_OWNED 256u
struct mv_owned {
    int32_t fd; /* + 1; 0: free */
    struct mv_owner {
        int32_t type, id; /* as the program names it */
    } owner;
};
struct mv_owners_handover {
    struct mv_owned owned[MV_OWNED];
};

#define MV_REGISTRATIONS   65536u
#define MV_EPOLL_INSTANCES 64u
struct mv_epoll_handover {
    uint32_t end, instance_count, ages;
    int32_t instances[MV_EPOLL_INSTANCES];
    struct mv_registration table[MV_REGISTRATIONS];
};

void mv_streams_give(struct mv_streams_handover *to);
void mv_streams_take(const struct mv_streams_handover *from);
void mv_owners_give(struct mv_owners_handover *to);
void mv_owners_take(const struct mv_owners_handover *from);
void mv_epoll_give(struct mv_epoll_handover *to);
void mv_epoll_take(const struct mv_epoll_handover *from);

void mv_handover_give(uint64_t generation);
int mv_handover_take(uint64_t generation);

#endif
