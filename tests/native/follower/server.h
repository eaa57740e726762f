/* A server of one connection at a time, line by line, on 127.0.0.1. */
#ifndef FOLLOWER_SERVER_H
#define FOLLOWER_SERVER_H

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../number.h"

/* A socket that listens there; -1: none. */
static inline int listen_on(const char *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_port = htons((unsigned short)number(port));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    return bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 5) ? -1 : listener;
}

/* `answer` puts its line for a line into reply (of 256 bytes). */
static inline int serve(const char *port, void (*answer)(char *reply, const char *line)) {
    int listener = listen_on(port);
    if (listener < 0)
        return 1;
    for (;;) {
        int connection = accept(listener, NULL, NULL);
        FILE *in = fdopen(connection, "r");
        char line[64], reply[256];
        while (in && fgets(line, sizeof line, in)) {
            answer(reply, line);
            if (write(connection, reply, strlen(reply)) < 0)
                break;
        }
        if (in)
            (void)fclose(in);
    }
}

#endif
