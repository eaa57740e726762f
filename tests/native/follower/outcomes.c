/* A server whose every call a death may find half done: one thread, a poll loop, a command on each line and
 * an answer in one, which says what the calls returned. Listens on 127.0.0.1 and at ./socket. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../number.h"
#include "operations.h"

#define CONNECTIONS 16

static struct pollfd polled[2 + CONNECTIONS];
static unsigned short ports[CONNECTIONS]; /* of the other ends, as accept told them */

/* Descriptors up to 63 that are open: a leak shows. */
static int open_descriptors(void) {
    int count = 0;
    for (int fd = 0; fd < 64; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void obey(char *command, int place, char *answer) {
    if (!strcmp(command, "who"))
        (void)sprintf(answer, "%d", ports[place]);
    else if (!strcmp(command, "open"))
        (void)sprintf(answer, "%d", open_descriptors());
    else
        operate(command, answer);
}

static void take(int listener) {
    struct sockaddr_in peer = {.sin_family = 0};
    socklen_t size = sizeof peer;
    int place = 0, fd = accept4(listener, (struct sockaddr *)&peer, &size, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    while (polled[2 + place].fd >= 0)
        if (++place == CONNECTIONS)
            exit(4);
    polled[2 + place] = (struct pollfd){.fd = fd, .events = POLLIN};
    ports[place] = ntohs(peer.sin_port);
}

static void serve(int place) {
    int fd = polled[2 + place].fd;
    char command[64], answer[256];
    size_t used = 0;
    while (read(fd, command + used, 1) == 1 && used + 1 < sizeof command) {
        if (command[used++] != '\n')
            continue;
        command[used - 1] = 0;
        obey(command, place, answer);
        size_t size = strlen(answer);
        answer[size++] = '\n';
        if (write(fd, answer, size) == (ssize_t)size)
            return;
        break;
    }
    close(fd);
    polled[2 + place].fd = -1;
}

static int listening(int fd, const void *address, socklen_t size) {
    int yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, address, size) || listen(fd, 16))
        exit(3);
    return fd;
}

int main(int argc, char **argv) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un path = {.sun_family = AF_UNIX, .sun_path = "socket"};
    own_port = (unsigned short)number(argv[argc - 1]);
    address.sin_port = htons(own_port);
    polled[0].fd = listening(socket(AF_INET, SOCK_STREAM, 0), &address, sizeof address);
    polled[1].fd = listening(socket(AF_UNIX, SOCK_STREAM, 0), &path, sizeof path);
    polled[0].events = polled[1].events = POLLIN;
    for (int i = 0; i < CONNECTIONS; i++)
        polled[2 + i].fd = -1;
    for (;;) {
        if (poll(polled, 2 + CONNECTIONS, -1) < 0)
            return 5;
        for (int i = 0; i < CONNECTIONS; i++)
            if (polled[2 + i].fd >= 0 && polled[2 + i].revents)
                serve(i);
        for (int i = 0; i < 2; i++)
            if (polled[i].revents)
                take(polled[i].fd);
    }
}
