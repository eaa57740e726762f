/* A server whose threads, one for each connection, share a lock of the program's own making (a bare futex),
 * which they hold over calls as libc holds its own over those of syslog or localtime. Nobody orders it: in a
 * follower another thread may have it first. Its lines:
 *   name NAME   names the connection's thread
 *   hold        takes the lock, answers "held", and gives it back at the next line, answering "released"
 *   take        takes the lock, answers "taken", and gives it back */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "lines.h"

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

static void *lines(void *number) {
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
    (void)signal(SIGPIPE, SIG_IGN);
    return serve_all(argv[argc - 1], lines);
}
