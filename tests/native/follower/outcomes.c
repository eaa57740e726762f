/* A server whose every call a death may find half done: one thread, a poll loop, a command on each line and
 * an answer in one, which says what the calls returned. Listens on 127.0.0.1 and at ./socket. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
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
static int collector, journal, twin = -1; /* twin: another number for the connection that asked for it */
static unsigned short ports[CONNECTIONS]; /* of the other ends, as accept told them */

/* Descriptors up to 63 that are open: a leak shows. */
static int open_descriptors(void) {
    int count = 0;
    for (int fd = 0; fd < 64; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* A line for whoever reads the pipe "collector" (if there is one), and for the file "journal". */
static void tell(const char *line, char *answer) {
    char text[80];
    int size = sprintf(text, "%s\n", line);
    ssize_t sent = collector < 0 ? size : write(collector, text, (size_t)size);
    ssize_t written = write(journal, text, (size_t)size);
    (void)sprintf(answer, "%d %s", sent == size && written == size && !fsync(journal), line);
}

/* To the file, or to the pipe. */
static void *tell_one(void *to) {
    return (void *)write(*(int *)to, "both\n", 5);
}

/* Two threads, each in a call of its own. */
static void tell_both(char *answer) {
    pthread_t one, other;
    void *first = NULL, *second = NULL;
    if (pthread_create(&one, NULL, tell_one, &collector) || pthread_create(&other, NULL, tell_one, &journal))
        exit(6);
    pthread_join(one, &first);
    pthread_join(other, &second);
    (void)sprintf(answer, "%ld %ld", (long)first, (long)second);
}

#define MUCH 400000 /* more than a pipe holds, less than two sockets' buffers must */
static char much[40 * MUCH];

static long wrong_bytes(size_t size) {
    long wrong = 0;
    for (size_t i = 0; i < size; i++)
        wrong += much[i] != (char)('a' + i % 23);
    return wrong;
}

/* All in one write to a file, and back in one read. */
static void file_much(char *answer) {
    int fd = open("much", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (size_t i = 0; i < sizeof much; i++)
        much[i] = (char)('a' + i % 23);
    long written = write(fd, much, sizeof much);
    memset(much, 0, sizeof much);
    lseek(fd, 0, SEEK_SET);
    long again = read(fd, much, sizeof much);
    (void)sprintf(answer, "%ld %ld %ld", written, again, wrong_bytes(sizeof much));
    close(fd);
}

/* One call that waits until all is moved. */
static void move_much(const char *how, int fd, char *answer) {
    long moved = -1, wrong = 0;
    size_t size = strcmp(how, "send") ? MUCH : sizeof much;
    for (size_t i = 0; i < size; i++)
        much[i] = (char)('a' + i % 23);
    if (!strcmp(how, "send")) {
        moved = write(fd, much, size);
    } else if (!strcmp(how, "pipe")) {
        moved = write(collector, much, size);
    } else {
        memset(much, 0, size);
        moved = recv(fd, much, size, MSG_WAITALL);
        wrong = wrong_bytes(size);
    }
    (void)sprintf(answer, "%ld %ld", moved, wrong);
}

/* A child says something on the same connection. */
static void by_child(int fd, char *answer) {
    pid_t child = fork();
    if (!child)
        _exit(write(fd, "child\n", 6) != 6);
    (void)sprintf(answer, "parent %d", waitpid(child, NULL, 0) == child);
}

static volatile sig_atomic_t signals;

static void count_signal(int number) {
    (void)number;
    signals++;
}

/* SIGUSR1 is held back, or let in. */
static void hold(int how, char *answer) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    (void)sprintf(answer, "%d", sigprocmask(how, &set, NULL));
}

static void obey(char *command, int place, char *answer) {
    int fd = polled[2 + place].fd;
    if (!strcmp(command, "who"))
        (void)sprintf(answer, "%d", ports[place]);
    else if (!strncmp(command, "tell ", 5))
        tell(command + 5, answer);
    else if (!strcmp(command, "hold"))
        hold(SIG_BLOCK, answer);
    else if (!strcmp(command, "let"))
        hold(SIG_UNBLOCK, answer);
    else if (!strcmp(command, "signals"))
        (void)sprintf(answer, "%d", (int)signals);
    else if (!strcmp(command, "numbers"))
        (void)sprintf(answer, "%d %d", collector, journal);
    else if (!strcmp(command, "both"))
        tell_both(answer);
    else if (!strcmp(command, "much file"))
        file_much(answer);
    else if (!strncmp(command, "much ", 5))
        move_much(command + 5, fd, answer);
    else if (!strcmp(command, "child"))
        by_child(fd, answer);
    else if (!strcmp(command, "twin"))
        (void)sprintf(answer, "%d", (twin = dup(fd)) >= 0);
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
        if (write(twin >= 0 ? twin : fd, answer, size) == (ssize_t)size)
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
    (void)signal(SIGUSR1, count_signal);
    collector = open("collector", O_WRONLY | O_CLOEXEC);
    journal = open("journal", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    own_port = (unsigned short)number(argv[argc - 1]);
    address.sin_port = htons(own_port);
    polled[0].fd = listening(socket(AF_INET, SOCK_STREAM, 0), &address, sizeof address);
    polled[1].fd = listening(socket(AF_UNIX, SOCK_STREAM, 0), &path, sizeof path);
    polled[0].events = polled[1].events = POLLIN;
    for (int i = 0; i < CONNECTIONS; i++)
        polled[2 + i].fd = -1;
    for (;;) {
        if (poll(polled, 2 + CONNECTIONS, -1) < 0) {
            if (errno == EINTR)
                continue;
            return 5;
        }
        for (int i = 0; i < CONNECTIONS; i++)
            if (polled[2 + i].fd >= 0 && polled[2 + i].revents)
                serve(i);
        for (int i = 0; i < 2; i++)
            if (polled[i].revents)
                take(polled[i].fd);
    }
}
