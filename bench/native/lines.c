#define _GNU_SOURCE
#include "lines.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int listen_at(long port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) ||
        bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 5)) {
        perror("listen");
        exit(1);
    }
    return fd;
}

/* A line feed ends it. 0: the client has gone, or its line is none. */
static int read_line(int fd, char *line, size_t room) {
    for (size_t used = 0; used < room;) {
        ssize_t got = read(fd, line + used, room - used);
        if (got <= 0)
            return 0;
        used += (size_t)got;
        if (line[used - 1] == '\n') {
            line[used - 1] = 0;
            return 1;
        }
    }
    return 0;
}

void serve_lines(long port, void (*answer)(const char *line, char *reply, size_t room)) {
    char line[256], reply[256];
    int yes = 1, listener = listen_at(port);
    for (;;) {
        int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (client < 0)
            continue;
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        while (read_line(client, line, sizeof line)) {
            if (!strcmp(line, "quit")) {
                close(client);
                close(listener);
                return;
            }
            answer(line, reply, sizeof reply - 1);
            size_t length = strlen(reply);
            reply[length] = '\n';
            if (write(client, reply, length + 1) != (ssize_t)length + 1)
                break;
        }
        close(client);
    }
}
