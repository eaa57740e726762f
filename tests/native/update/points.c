/* points PORT: a server that says itself where it may be updated, and goes on at main. One client at a time;
 * each line is answered by itself and its number, but "argument": by what the program was started with, and
 * "version". It may be updated before it waits for a line ("asks") and when it has answered one ("answered");
 * main passes "begins". */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mvedsua/update.h>

#include "../number.h"

#ifndef VERSION
#define VERSION 1
#endif

static int listener, client = -1;
static unsigned count;

static void point(const char *name) {
    if (mvedsua_update_point)
        mvedsua_update_point(name);
}

static int opened(const char *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int yes = 1;
    address.sin_port = htons((unsigned short)number(port));
    listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    return !bind(listener, (struct sockaddr *)&address, sizeof address) && !listen(listener, 16);
}

static void answer(const char *argument) {
    char line[128], text[160];
    if (client < 0)
        client = accept(listener, NULL, NULL);
#ifndef WAITS_IN_READ /* which is no place for an update */
    struct pollfd readable = {.fd = client, .events = POLLIN};
    (void)poll(&readable, 1, -1);
#endif
    ssize_t size = read(client, line, sizeof line - 1);
    if (size <= 0) {
        close(client);
        client = -1;
        return;
    }
    line[size] = 0;
    line[strcspn(line, "\r\n")] = 0;
    if (!strcmp(line, "argument"))
        size = snprintf(text, sizeof text, "%s\n", argument);
    else if (!strcmp(line, "version"))
        size = snprintf(text, sizeof text, "%d\n", VERSION);
    else
        size = snprintf(text, sizeof text, "%s %u\n", line, ++count);
    if (write(client, text, (size_t)size) != size)
        client = -1;
}

int main(int argc, char **argv) {
    int updated = mvedsua_is_updating && mvedsua_is_updating();
    if (argc != 2 || (!updated && !opened(argv[1])))
        return 2;
    point("begins");
    for (;;) {
        if (!updated) {
            point("asks");
            answer(argv[1]);
        }
        updated = 0;
        point("answered");
    }
}
