/* Preloaded into a server, with agent.c: whenever the server waits for events and a test has asked for
 * something, the server does it there, as a copy of a leader would at its update point. */
#define _GNU_SOURCE
#include <poll.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

void agent(void);

int epoll_wait(int set, struct epoll_event *events, int most, int limit) {
    struct pollfd requests = {.fd = 0, .events = POLLIN};
    if (poll(&requests, 1, 0) == 1)
        agent();
    return (int)syscall(SYS_epoll_wait, set, events, most, limit);
}
