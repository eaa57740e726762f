/* For servers that answer lines, in a thread for each connection. */
#ifndef MV_TEST_LINES_H
#define MV_TEST_LINES_H

#include <pthread.h>

#include "server.h"

/* 0: the connection has ended. */
static int line_from(int connection, char line[64]) {
    long size = 0;
    while (size < 63 && read(connection, line + size, 1) == 1 && line[size] != '\n')
        size++;
    line[size] = 0;
    return size > 0;
}

static void say(int connection, const char *what) {
    (void)!write(connection, what, strlen(what));
}

/* `lines` is given the connection's number. Does not return but for a failure. */
static int serve_all(const char *port, void *(*lines)(void *)) {
    int listener = listen_on(port);
    pthread_t thread;
    while (listener >= 0) {
        long accepted = accept(listener, NULL, NULL);
        if (accepted < 0 || pthread_create(&thread, NULL, lines, (void *)accepted) || pthread_detach(thread))
            break;
    }
    return 1;
}

/* "thread": as above; "main": in the main thread, one connection after another. */
static inline int serve_in(const char *where, const char *port, void *(*lines)(void *)) {
    if (!strcmp(where, "thread"))
        return serve_all(port, lines);
    int listener = listen_on(port), accepted;
    while (listener >= 0 && (accepted = accept(listener, NULL, NULL)) >= 0)
        lines((void *)(long)accepted);
    return 1;
}

#endif
