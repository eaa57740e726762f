/* hard [ACCEPTORS] PORT: the connections. With ACCEPTORS, so many threads accept on the one listening socket;
 * else the main thread does. */
#include "hard.h"

#include <arpa/inet.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "../../number.h"

#define FAMILIES 7
static const struct command *const families[FAMILIES] = {lock_commands,   wait_commands,  c11_commands,
                                                         thread_commands, stdio_commands, descriptor_commands,
                                                         signal_commands};

void wrong(const char *what, int line) {
    (void)fprintf(stderr, "hard: not so: %s (line %d)\n", what, line);
    abort();
}

struct timespec until(int clock, long milliseconds) {
    struct timespec at;
    clock_gettime(clock, &at);
    at.tv_sec += milliseconds / 1000;
    at.tv_nsec += milliseconds % 1000 * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_nsec -= 1000000000;
        at.tv_sec++;
    }
    return at;
}

static long *carry_out(struct connection *own, const char *name, long n) {
    int index = 0;
    for (size_t f = 0; f < FAMILIES; f++)
        for (const struct command *c = families[f]; c->name; c++, index++)
            if (!strcmp(c->name, name)) {
                CHECK(index < COMMANDS);
                long *total = &own->totals[index];
                *total += c->before ? c->before(own, n) : 0;
                *total += c->job ? together(own, c->job, n) : 0;
                *total += c->after ? c->after(own, n) : 0;
                return total;
            }
    return NULL;
}

static int next_line(int fd, char *line, size_t size) {
    for (size_t i = 0; i + 1 < size; i++) {
        if (read(fd, line + i, 1) != 1)
            return 0;
        if (line[i] == '\n') {
            line[i] = 0;
            return 1;
        }
    }
    return 0;
}

static void *serve(void *argument) {
    static const struct connection fresh = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                            .begin = PTHREAD_COND_INITIALIZER,
                                            .end = PTHREAD_COND_INITIALIZER};
    struct connection own = fresh;
    char line[64], reply[64];
    own.fd = (int)(long)argument;
    crew_start(&own);
    while (next_line(own.fd, line, sizeof line)) {
        char *space = strchr(line, ' ');
        CHECK(space);
        *space = 0;
        long *total = carry_out(&own, line, number(space + 1));
        int size = total ? snprintf(reply, sizeof reply, "%s %ld\n", line, *total)
                         : snprintf(reply, sizeof reply, "%s ?\n", line);
        if (write(own.fd, reply, (size_t)size) != size)
            break;
    }
    crew_end(&own);
    close(own.fd);
    return NULL;
}

static void *accept_all(void *listener) {
    for (;;) {
        pthread_t thread;
        int connection = accept((int)(long)listener, NULL, NULL);
        CHECK(connection >= 0);
        CHECK(pthread_create(&thread, NULL, serve, (void *)(long)connection) == 0);
        CHECK(pthread_detach(thread) == 0);
    }
    return NULL;
}

int main(int argc, char **argv) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_port = htons((unsigned short)number(argv[argc - 1]));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    signals_start(); /* what is blocked, all threads inherit */
    threads_start();
    stdio_start();
    descriptors_start();
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 64))
        return 1;
    pthread_t thread;
    for (long i = argc > 2 ? number(argv[1]) : 0; i > 1; i--)
        CHECK(pthread_create(&thread, NULL, accept_all, (void *)(long)listener) == 0);
    accept_all((void *)(long)listener);
}
