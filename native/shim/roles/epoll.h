/* epoll registrations as a follower knows them; see epoll.c and rearm.c. */
#ifndef MV_EPOLL_H
#define MV_EPOLL_H

#include <stdint.h>

#define MV_EPOLL_ADD 1
#define MV_EPOLL_DEL 2
#define MV_EPOLL_MOD 3

#define MV_EPOLL_EXCLUSIVE (1u << 28)
#define MV_EPOLL_ONESHOT   (1u << 30)
#define MV_EPOLL_EDGE      (1u << 31)
#define MV_EPOLL_MODES     (0xfu << 28) /* what is left of the events of one that has fired once */

struct mv_epoll_data {
    uint32_t events;
    uint64_t data;
} __attribute__((packed));
_Static_assert(sizeof(struct mv_epoll_data) == 12, "the kernel's struct epoll_event");

struct mv_registration {
    int32_t instance;
    int32_t descriptor;
    uint32_t events;
    uint32_t used;
    uint32_t fired; /* EPOLLONESHOT: its event was replayed; disabled until it is registered again */
    uint32_t age;   /* the larger, the later registered */
    uint64_t leader, own;
};

/* The registration of a descriptor in an instance that differs from the leader's, or that fires once; NULL.
 */
const struct mv_registration *mv_epoll_find(int32_t instance, int32_t descriptor);

/* Registers in the kernel what a promoted process needs: `wanted` for what is `present`. */
void mv_epoll_register(int32_t instance, int32_t descriptor, struct mv_epoll_data wanted);

/* Visits every registration of the instance. 0: the kernel does not tell which there are. */
int mv_epoll_each(int32_t instance,
                  void (*visit)(int32_t instance, int32_t descriptor, struct mv_epoll_data present));

/* Makes every registration of the instance ours. 0: the kernel does not tell which there are. */
int mv_epoll_rearm(int32_t instance);

#endif
