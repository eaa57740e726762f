/* A server whose threads, one for each connection, share a lock of the program's own making (a bare futex),
 * which they hold over calls as libc holds its own over those of syslog or localtime. Nobody orders it: in a
 * follower another thread may have it first. Its lines:
 *   name NAME   names the connection's thread
 *   hold        takes the lock, answers "held", and gives it back at the next line, answering "released"
 *   take        takes the lock, answers "taken", and gives it back */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../number.h"

static unsigned held; /* 2: somebody waits */

static void take(void) {
    unsigned seen = 0;
    if (__atomic_compare_exchange_n(&held, &seen, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return;
    while (__atomic_exchange_n(&held, 2, __ATOMIC_ACQUIRE))
        syscall(SYS_futex, &held, FUTEX_WAIT_PRIVATE, 2, NULL);
}

static void give(void) {
    if (__atomic_exchange_n(&held, 0, __ATOMIC_RELEASE) == 2)
        syscall(SYS_futex, &held, FUTEX_WAKE_PRIVATE, 1);
}

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

static void *serve(void *number) {
    int connection = (int)(long)number;
    char line[64];
    while (line_from(connection, line))
        if (line[0] == 'n') {
            prctl(PR_SET_NAME, line + 5);
            say(connection, "ok\n");
        } else {
            take();
            say(connection, line[0] == 'h' ? "held\n" : "taken\n");
            if (line[0] == 'h') {
                line_from(connection, line);
                say(connection, "released\n");
            }
            give();
        }
    close(connection);
    return NULL;
}

int main(int argc, char **argv) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    pthread_t thread;
    (void)signal(SIGPIPE, SIG_IGN);
    address.sin_port = htons((unsigned short)number(argv[argc - 1]));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 16))
        return 1;
    for (;;) {
        long accepted = accept(listener, NULL, NULL);
        if (accepted < 0 || pthread_create(&thread, NULL, serve, (void *)accepted) || pthread_detach(thread))
            return 1;
    }
}
