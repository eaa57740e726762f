/* A server for deaths at a given moment: a thread for each connection, a command on each line, an answer in
 * one. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "../number.h"

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
static volatile int alarms, stays; /* stays: set by a debugger, in one version only */
static sigset_t ringing;
static int data;
static long born;

static void on_alarm(int number) {
    (void)number;
    alarms++;
}

/* Answers by itself, with what it has counted. */
static void *answer(void *connection) {
    char line[32];
    int size = snprintf(line, sizeof line, "%ld\n", ++born);
    if (write((int)(long)connection, line, (size_t)size) != size)
        exit(3);
    return NULL;
}

/* Two threads at once, under each of the ways to wait for each other that take a clock. */
static pthread_barrier_t barrier;
static sem_t turn;
static char way;
static void *count(void *own) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 20;
    int waited = pthread_barrier_wait(&barrier);
    if (way == 's' ? sem_clockwait(&turn, CLOCK_MONOTONIC, &until)
                   : pthread_rwlock_clockwrlock(&lock, CLOCK_MONOTONIC, &until))
        exit(4);
    *(long *)own = way == 'b' ? waited == PTHREAD_BARRIER_SERIAL_THREAD : ++born;
    if (way == 's')
        sem_post(&turn);
    else
        pthread_rwlock_unlock(&lock);
    return NULL;
}

static const char *count_two(char *line) {
    pthread_t thread;
    long mine, its;
    if (pthread_create(&thread, NULL, count, &its))
        return "none";
    count(&mine);
    pthread_join(thread, NULL);
    (void)sprintf(line, "%ld %ld", mine, its);
    return line;
}

static int make_timer(void) {
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    struct itimerspec often = {{0, 50000000}, {0, 50000000}};
    timer_t timer;
    return timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &often, NULL);
}

static int map_once(void) {
    void *at = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, data, 0);
    return at == MAP_FAILED || munmap(at, 4096);
}

/* Takes a lock for a second, and once more at once: before anybody who waits for it has woken. */
static long hold(void) {
    pthread_mutex_lock(&held);
    nanosleep(&(struct timespec){1, 0}, NULL);
    pthread_mutex_unlock(&held);
    pthread_mutex_lock(&held);
    long count = ++born;
    pthread_mutex_unlock(&held);
    return count;
}

/* As libc does to look up a user: it asks for a service that is not there. */
static const char *look_up(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "nobody"};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    int found = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    return close(fd) || found ? "found" : "ok";
}

/* What to answer; NULL: it has been answered. */
static const char *obey(const char *command, int connection, char *line) {
    off_t offset = 0;
    pthread_t thread;
    if (!strcmp(command, "read")) {
        pthread_rwlock_rdlock(&lock);
        pthread_rwlock_unlock(&lock);
    } else if (!strcmp(command, "hold")) {
        (void)sprintf(line, "%ld", hold());
        return line;
    } else if (!strcmp(command, "file")) {
        return sendfile(connection, data, &offset, 11) == 11 && offset == 11 ? NULL : "short";
    } else if (!strcmp(command, "fork")) {
        pid_t child = fork(); /* the descriptors are its, too, until this thread ends */
        if (!child) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            (void)pause();
            _exit(0);
        }
        return child < 0 ? "no child" : "ok";
    } else if (!strcmp(command, "copy")) {
        int copy = dup(connection);
        ssize_t written = write(copy, "by a duplicate\n", 15);
        return close(copy) || written != 15 ? "short" : NULL;
    } else if (!strncmp(command, "close ", 6)) {
        return close((int)number(command + 6)) ? "ok" : "closed"; /* there is no such descriptor */
    } else if (!strcmp(command, "thread")) {
        if (pthread_create(&thread, NULL, answer, (void *)(long)connection))
            return "none";
        pthread_join(thread, NULL);
        return NULL;
    } else if (!strcmp(command, "leave") && !stays) {
        return "";
    } else if (!strcmp(command, "no queue")) {
        struct rlimit none = {0, 0};
        return setrlimit(RLIMIT_SIGPENDING, &none) ? "not limited" : "ok";
    } else if (!strcmp(command, "alarm")) {
        pthread_sigmask(SIG_UNBLOCK, &ringing,
                        NULL); /* it rings in this thread: no other's memory is looked at */
        alarm(1);
    } else if (!strcmp(command, "alarms")) {
        (void)sprintf(line, "%d", alarms);
        return line;
    } else if (!strncmp(command, "two ", 4)) {
        way = command[4];
        return count_two(line);
    } else if (!strcmp(command, "timer")) {
        pthread_sigmask(SIG_UNBLOCK, &ringing, NULL);
        return make_timer() ? "no timer" : "ok";
    } else if (!strcmp(command, "look up")) {
        return look_up();
    } else if (!strcmp(command, "map")) {
        return map_once() ? "no map" : "ok";
    } else if (!strncmp(command, "out ", 4)) {
        return write(1, command, strlen(command)) == (ssize_t)strlen(command) ? "ok" : "not written";
    } else if (!strncmp(command, "err ", 4)) {
        return write(2, command, strlen(command)) == (ssize_t)strlen(command) ? "ok" : "not written";
    }
    return "ok";
}

static void *serve(void *connection) {
    int fd = (int)(long)connection;
    char command[64], line[64];
    size_t used = 0;
    while (used < sizeof command && read(fd, command + used, 1) == 1) {
        if (command[used++] != '\n')
            continue;
        command[used - 1] = 0;
        used = 0;
        const char *text = obey(command, fd, line);
        char reply[80];
        if (text && !*text)
            return NULL; /* without a further call */
        int size = text ? snprintf(reply, sizeof reply, "%s\n", text) : 0;
        if (size && write(fd, reply, (size_t)size) != size)
            break;
    }
    close(fd);
    return NULL;
}

int main(int argc, char **argv) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    pthread_barrier_init(&barrier, NULL, 2);
    sem_init(&turn, 0, 1);
    (void)signal(SIGALRM, on_alarm);
    (void)signal(SIGPIPE, SIG_IGN);
    sigemptyset(&ringing);
    sigaddset(&ringing, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &ringing, NULL);
    data = open("data", O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (data < 0 || write(data, "0123456789\n", 11) != 11)
        return 2;
    address.sin_port = htons((unsigned short)number(argv[argc - 1]));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 5))
        return 1;
    for (;;) {
        pthread_t thread;
        int connection = accept(listener, NULL, NULL);
        if (connection < 0 || pthread_create(&thread, NULL, serve, (void *)(long)connection))
            continue;
        pthread_detach(thread);
    }
}
