#include "listener.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"

enum { PORT_SIZE = 8, BACKLOG = 4096 };

static void raise_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit))
        log_line(LOG_NOTICE, "the limit of descriptors can't be raised: %s", strerror(errno));
}

static int listen_at(const struct addrinfo *at) {
    int fd = socket(at->ai_family, at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, at->ai_protocol);
    if (fd < 0)
        return -1;
    int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static void announce(int fd, const char *version) {
    struct sockaddr_storage own;
    socklen_t size = sizeof own;
    char host[NI_MAXHOST], port[NI_MAXSERV];
    if (getsockname(fd, (struct sockaddr *)&own, &size) ||
        getnameinfo((struct sockaddr *)&own, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV))
        return;
    printf("kv %s listens at %s, port %s\n", version, host, port);
    (void)fflush(stdout);
    log_line(LOG_NOTICE, "kv %s listens at %s, port %s", version, host, port);
}

int listener_open(const char *address, unsigned port, const char *version) {
    raise_limit();
    char service[PORT_SIZE];
    (void)snprintf(service, sizeof service, "%u", port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICHOST};
    struct addrinfo *found = NULL;
    int error = getaddrinfo(address, service, &hints, &found);
    if (error) {
        log_line(LOG_ERROR, "%s is no address: %s", address, gai_strerror(error));
        return -1;
    }
    int fd = listen_at(found);
    if (fd < 0)
        log_line(LOG_ERROR, "can't listen at %s, port %u: %s", address, port, strerror(errno));
    else
        announce(fd, version);
    freeaddrinfo(found);
    return fd;
}
