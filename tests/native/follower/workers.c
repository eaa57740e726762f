/* A server of threads: a line "N\n" on a connection is handed to a pool through a mutex and a condition,
 * answered in order with the sum that all workers have built so far. Besides: timed waits, threads that come
 * and go under load, a thread that only waits, and helpers that fsync and close. One connection at a time. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../number.h"

#define WORKERS 4
#define QUEUE   64

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER, done = PTHREAD_COND_INITIALIZER,
                      idle = PTHREAD_COND_INITIALIZER;
static long queue[QUEUE], sum, finished, ticks, closed;
static unsigned head, tail;
static int released;

static void *worker(void *unused) {
    (void)unused;
    for (;;) {
        pthread_mutex_lock(&lock);
        while (head == tail)
            pthread_cond_wait(&work, &lock);
        long value = queue[head++ % QUEUE];
        sum = sum * 31 + value; /* depends on the order in which workers took the lock */
        finished++;
        pthread_cond_signal(&done);
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

/* Waits with a limit that always runs out. */
static void *ticker(void *unused) {
    pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t never = PTHREAD_COND_INITIALIZER;
    (void)unused;
    for (;;) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 2000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        pthread_mutex_lock(&own);
        while (pthread_cond_timedwait(&never, &own, &until) == 0)
            ;
        pthread_mutex_unlock(&own);
        pthread_mutex_lock(&lock);
        ticks++;
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

/* Begins its wait before any follower exists, and comes back when a client says so. */
static void *sleeper(void *unused) {
    (void)unused;
    pthread_mutex_lock(&lock);
    for (;;) {
        while (!released)
            pthread_cond_wait(&idle, &lock);
        released = 0;
        sum += 1000;
        pthread_cond_signal(&done);
    }
    return NULL;
}

/* One job: makes a file safe and closes it, then exits. */
static void *closer(void *fd) {
    fsync((int)(long)fd);
    close((int)(long)fd);
    pthread_mutex_lock(&lock);
    closed++;
    pthread_cond_signal(&done);
    pthread_mutex_unlock(&lock);
    return NULL;
}

static long calculate(long value) {
    pthread_mutex_lock(&lock);
    long goal = finished + 3;
    for (int i = 0; i < 3; i++)
        queue[tail++ % QUEUE] = value + i;
    pthread_cond_broadcast(&work);
    while (finished < goal)
        pthread_cond_wait(&done, &lock);
    if (value % 7 == 0) {
        long before = sum;
        released = 1;
        pthread_cond_signal(&idle);
        while (sum == before)
            pthread_cond_wait(&done, &lock);
    }
    long result = sum;
    pthread_mutex_unlock(&lock);
    if (value % 25 == 0) {
        pthread_t thread;
        int fd = open("scratch", O_CREAT | O_WRONLY | O_APPEND, 0600);
        if (write(fd, "x\n", 2) != 2)
            exit(3);
        if (pthread_create(&thread, NULL, closer, (void *)(long)fd))
            exit(4);
        if (value % 2)
            pthread_join(thread, NULL);
        else
            pthread_detach(thread);
    }
    return result;
}

int main(int argc, char **argv) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    pthread_t thread;
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_port = htons((unsigned short)number(argv[argc - 1]));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 5))
        return 1;
    for (int i = 0; i < WORKERS; i++)
        pthread_create(&thread, NULL, worker, NULL);
    pthread_create(&thread, NULL, ticker, NULL);
    pthread_create(&thread, NULL, sleeper, NULL);
    for (;;) {
        int connection = accept(listener, NULL, NULL);
        FILE *in = fdopen(connection, "r");
        char line[64];
        while (in && fgets(line, sizeof line, in)) {
            int size = snprintf(line, sizeof line, "%lx\n", calculate(number(line)));
            if (write(connection, line, (size_t)size) != size)
                break;
        }
        if (in)
            (void)fclose(in);
    }
}
