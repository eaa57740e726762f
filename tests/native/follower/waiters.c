/* A server of threads that wait since before any follower exists: N of them for one condition, each in one of
 * the three ways to wait for it. A line on a connection tells what happens, the answer is a sum that depends
 * on who was woken in which order.
 *
 *   s COUNT   signals the condition, COUNT times, each time to one thread
 *   b COUNT   broadcasts it; the first COUNT threads go through
 *   l         lets the thread named "leaver" end, and joins it
 *   n         makes a new thread, and joins it
 *   x         maps memory that can be written and executed: no scan covers what may come there */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "../number.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turnstile = PTHREAD_COND_INITIALIZER, passed = PTHREAD_COND_INITIALIZER,
                      waits = PTHREAD_COND_INITIALIZER, end = PTHREAD_COND_INITIALIZER;
static long tickets, taken, sum, waiting, ending;

static int wait_once(long way) {
    struct timespec far = {.tv_sec = 1L << 40};
    switch (way % 3) {
    case 0:
        return pthread_cond_wait(&turnstile, &lock);
    case 1:
        return pthread_cond_timedwait(&turnstile, &lock, &far);
    default:
        return pthread_cond_clockwait(&turnstile, &lock, CLOCK_MONOTONIC, &far);
    }
}

static void *waiter(void *self) {
    pthread_mutex_lock(&lock);
    waiting++;
    pthread_cond_signal(&waits);
    for (;;) {
        while (!tickets)
            if (wait_once((long)self) != 0)
                abort(); /* no wait here may ever seem to have timed out */
        tickets--;
        taken++;
        sum = sum * 31 + (long)self;
        (void)!write(-1, &sum, sizeof sum); /* a call whose bytes a follower compares */
        pthread_cond_signal(&passed);
    }
    return NULL;
}

static void *leaver(void *unused) {
    (void)unused;
    pthread_mutex_lock(&lock);
    while (!ending)
        pthread_cond_wait(&end, &lock);
    sum += 1000;
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void admit(long count, int (*tell)(pthread_cond_t *)) {
    long goal = taken + count;
    tickets += count;
    tell(&turnstile);
    while (taken < goal)
        pthread_cond_wait(&passed, &lock);
}

static void join(pthread_t thread) {
    pthread_mutex_unlock(&lock);
    pthread_join(thread, NULL);
    pthread_mutex_lock(&lock);
}

static void *newcomer(void *unused) {
    (void)unused;
    pthread_mutex_lock(&lock);
    sum += 2000;
    pthread_mutex_unlock(&lock);
    return NULL;
}

int main(int argc, char **argv) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    pthread_t thread;
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    long count = argc > 2 ? number(argv[1]) : 0;
    address.sin_port = htons((unsigned short)number(argv[argc - 1]));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 5))
        return 1;
    for (long i = 0; i < count; i++)
        pthread_create(&thread, NULL, waiter, (void *)i);
    pthread_create(&thread, NULL, leaver, NULL);
    pthread_setname_np(thread, "leaver");
    pthread_mutex_lock(&lock);
    while (waiting < count)
        pthread_cond_wait(&waits, &lock);
    pthread_mutex_unlock(&lock);
    for (;;) {
        int connection = accept(listener, NULL, NULL);
        FILE *in = fdopen(connection, "r");
        char line[64];
        while (in && fgets(line, sizeof line, in)) {
            pthread_mutex_lock(&lock);
            if (line[0] == 'l') {
                ending = 1;
                pthread_cond_signal(&end);
                join(thread);
            } else if (line[0] == 'n') {
                pthread_t another;
                pthread_create(&another, NULL, newcomer, NULL);
                join(another);
            } else if (line[0] == 'x') {
                if (mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                         0) == MAP_FAILED)
                    return 1;
            } else if (line[0] == 'b')
                admit(number(line + 1), pthread_cond_broadcast);
            else
                for (long i = number(line + 1); i > 0; i--)
                    admit(1, pthread_cond_signal);
            int size = snprintf(line, sizeof line, "%lx\n", sum);
            pthread_mutex_unlock(&lock);
            if (write(connection, line, (size_t)size) != size)
                break;
        }
        if (in)
            (void)fclose(in);
    }
}
