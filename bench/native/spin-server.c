/* spin-server PORT MICROSECONDS: answers each request of check-load's http with its page, after its thread
 * has used that much processor time. Of a server whose cost is known the harness must measure that cost
 * (tests/Mvedsua.Bench.Tests). The time is the thread's own: what others take of the processor meanwhile is
 * no work of this server's. */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../../tests/native/number.h"

enum { PAGE = 4096, CLIENTS = 64 };

static char answer[PAGE + 128];
static size_t answer_length;

static void make_answer(void) {
    answer_length =
        (size_t)snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", PAGE);
    for (int i = 0; i < PAGE; i++)
        answer[answer_length++] = (char)('a' + i % 26);
}

static long long own_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void spin(long long nanoseconds) {
    long long begin = own_nanoseconds();
    while (own_nanoseconds() - begin < nanoseconds)
        ;
}

/* A connection has one request on its way at a time, which comes whole. 0: it is closed. */
static int serve(int client, long long nanoseconds) {
    char request[1024];
    if (read(client, request, sizeof request) <= 0)
        return 0;
    spin(nanoseconds);
    return write(client, answer, answer_length) == (ssize_t)answer_length;
}

static int listener(long port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) ||
        bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, CLIENTS)) {
        perror("spin-server");
        exit(1);
    }
    return fd;
}

int main(int argc, char **argv) {
    if (argc != 3)
        return fputs("usage: spin-server PORT MICROSECONDS\n", stderr), 2;
    long long nanoseconds = number(argv[2]) * 1000LL;
    struct pollfd fds[CLIENTS] = {{.fd = listener(number(argv[1])), .events = POLLIN}};
    nfds_t count = 1;
    make_answer();
    for (;;) {
        if (poll(fds, count, -1) < 0)
            return perror("poll"), 1;
        for (nfds_t i = count - 1; i > 0; i--) {
            if (fds[i].revents && !serve(fds[i].fd, nanoseconds)) {
                close(fds[i].fd);
                fds[i] = fds[--count];
            }
        }
        if (fds[0].revents && count < CLIENTS) {
            int client = accept4(fds[0].fd, NULL, NULL, SOCK_CLOEXEC);
            if (client >= 0)
                fds[count++] = (struct pollfd){.fd = client, .events = POLLIN};
        }
    }
}
