/* A server whose timekeeper stores the second in plain memory, after waits that run out of time ("timed") or
 * that another thread ends ("woken"); a thread for each connection answers every line with it, without a
 * lock. "held": as "timed", and another thread holds a gate nearly always, for more than a second; a line
 * "gate" is answered with the second before the gate, from behind it. "joins": as "timed", and each time that
 * it has stored a second it waits for the end of another thread, for most of that second. A line "storm" is
 * answered with the milliseconds that 4,000 calls take. "first": for a line on each connection it does what a
 * server does as it starts: reads the clock, makes a thread that looks for the time, and stores a first one
 * later, as a rule within the same second; the answer is how often that thread has looked (to a line
 * "beside", at least once before). */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../number.h"

static volatile long now;
static int alarms[2]; /* a pipe */

static void *waker(void *unused) {
    while (poll(NULL, 0, 50) == 0 && write(alarms[1], "", 1) == 1)
        ;
    return unused;
}

static void *timekeeper(void *woken) {
    for (;;) {
        struct timespec time;
        char byte;
        if (woken)
            (void)read(alarms[0], &byte, 1);
        else
            (void)poll(NULL, 0, 50);
        clock_gettime(CLOCK_MONOTONIC, &time);
        now = time.tv_sec;
    }
    return woken;
}

static void *sleeper(void *unused) {
    (void)poll(NULL, 0, 1700);
    return unused;
}

static void *joining_timekeeper(void *unused) {
    for (;;) {
        struct timespec time;
        pthread_t other;
        if (pthread_create(&other, NULL, sleeper, NULL))
            return NULL;
        do {
            (void)poll(NULL, 0, 50);
            clock_gettime(CLOCK_MONOTONIC, &time);
        } while (now == time.tv_sec);
        now = time.tv_sec;
        pthread_join(other, NULL);
    }
    return unused;
}

static long storm(void) {
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int i = 0; i < 4000; i++)
        (void)getppid();
    clock_gettime(CLOCK_MONOTONIC, &end);
    return (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void *gatekeeper(void *unused) {
    do
        pthread_mutex_lock(&gate);
    while (poll(NULL, 0, 1200) == 0 && pthread_mutex_unlock(&gate) == 0 && poll(NULL, 0, 20) == 0);
    return unused;
}

static void *connection(void *number) {
    FILE *in = fdopen((int)(long)number, "r");
    char line[64];
    while (in && fgets(line, sizeof line, in)) {
        for (volatile long i = 0; line[0] == 'g' && i < 3000000; i++)
            ; /* longer than a follower needs for a second's worth of the timekeeper's records */
        long second = now;
        if (line[0] == 'g') {
            pthread_mutex_lock(&gate);
            pthread_mutex_unlock(&gate);
        }
        int size = snprintf(line, sizeof line, "%ld\n", line[0] == 's' ? storm() : second);
        if (write(fileno(in), line, (size_t)size) != size)
            break;
    }
    if (in)
        (void)fclose(in);
    return NULL;
}

static volatile long first, looked;

static void *looks(void *unused) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    while (!first) {
        pthread_mutex_lock(&lock);
        looked++;
        pthread_mutex_unlock(&lock);
    }
    return unused;
}

/* `beside`: not before the thread looks. */
static long begin(int beside) {
    struct timespec time;
    pthread_t thread;
    first = looked = 0;
    if (clock_gettime(CLOCK_MONOTONIC, &time) || pthread_create(&thread, NULL, looks, NULL))
        return -1;
    while (beside && !looked)
        ; /* no event, as the loop below */
    for (volatile long i = 0; i < 3000000; i++)
        ;
    clock_gettime(CLOCK_MONOTONIC, &time);
    first = time.tv_sec;
    (void)getppid(); /* an event; the wait for a thread is none */
    return pthread_join(thread, NULL) ? -1 : looked;
}

static void begin_for(int connection) {
    char line[64];
    if (read(connection, line, sizeof line) > 0) {
        int size = snprintf(line, sizeof line, "%ld\n", begin(line[0] == 'b'));
        (void)write(connection, line, (size_t)size);
    }
    close(connection);
}

int main(int argc, char **argv) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    pthread_t thread;
    if (argc != 3 || pipe(alarms))
        return 2;
    void *woken = argv[1][0] == 'w' ? alarms : NULL;
    address.sin_port = htons((unsigned short)number(argv[2]));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 16) ||
        (argv[1][0] != 'f' &&
         pthread_create(&thread, NULL, argv[1][0] == 'j' ? joining_timekeeper : timekeeper, woken)) ||
        (woken && pthread_create(&thread, NULL, waker, NULL)) ||
        (argv[1][0] == 'h' && pthread_create(&thread, NULL, gatekeeper, NULL)))
        return 1;
    for (;;) {
        long accepted = accept(listener, NULL, NULL);
        if (argv[1][0] == 'f' && accepted >= 0) {
            begin_for((int)accepted);
            continue;
        }
        if (accepted < 0 || pthread_create(&thread, NULL, connection, (void *)accepted) ||
            pthread_detach(thread))
            return 1;
    }
}
