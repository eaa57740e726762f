/* An echo server on epoll: edge | shot (EPOLLONESHOT) | exclusive | shared (one pointer for two descriptors)
 * | level. Each connection has memory of its own, which lies elsewhere in a follower. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../number.h"

struct connection {
    int fd;
    char buffer[1 << 20];
};

static uint32_t flags;
static int poller, shared;

static int watch(int operation, struct connection *connection) {
    struct epoll_event event = {.events = EPOLLIN | flags, .data.ptr = connection};
    return epoll_ctl(poller, operation, connection->fd, &event);
}

static void welcome(int listener) {
    struct connection *connection =
        mmap(NULL, sizeof *connection, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    connection->fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (watch(EPOLL_CTL_ADD, connection))
        close(connection->fd);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (shared)
        epoll_ctl(poller, EPOLL_CTL_ADD, eventfd(0, 0), &event); /* never ready */
}

static void echo(struct connection *connection) {
    ssize_t size;
    while ((size = read(connection->fd, connection->buffer, sizeof connection->buffer)) > 0)
        if (write(connection->fd, connection->buffer, (size_t)size) != size)
            break;
    if (size == 0) {
        close(connection->fd);
        munmap(connection, sizeof *connection);
    } else if (flags & EPOLLONESHOT) {
        watch(EPOLL_CTL_MOD, connection);
    }
}

int main(int argc, char **argv) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    flags = !strcmp(argv[1], "edge")        ? EPOLLET
            : !strcmp(argv[1], "shot")      ? EPOLLONESHOT
            : !strcmp(argv[1], "exclusive") ? EPOLLEXCLUSIVE
                                            : 0;
    shared = !strcmp(argv[1], "shared");
    address.sin_port = htons((unsigned short)number(argv[argc - 1]));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 5))
        return 1;
    poller = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        if (epoll_wait(poller, &event, 1, -1) != 1)
            continue;
        if (event.data.ptr)
            echo(event.data.ptr);
        else
            welcome(listener);
    }
}
