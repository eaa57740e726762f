/* A server that is asked to become somebody else: user, groups, capabilities, session, process group. It
 * tells what it is after each command. `threads N` begins N threads that sleep in a call each, so that libc
 * must tell them of a new user, too. */
#define _GNU_SOURCE
#include "server.h"

#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static void *sleeper(void *none) {
    (void)none;
    while (pause() < 0)
        ;
    return NULL;
}

static int change(const char *line) {
    unsigned long n = strchr(line, ' ') ? strtoul(strchr(line, ' '), NULL, 10) : 0;
    if (!strncmp(line, "user", 4))
        return setgroups(0, NULL) || setresgid((gid_t)n, (gid_t)n, (gid_t)n) ||
               setresuid((uid_t)n, (uid_t)n, (uid_t)n);
    if (!strncmp(line, "groups", 6)) {
        gid_t list[2] = {(gid_t)n, (gid_t)n + 1};
        return setgroups(2, list);
    }
    if (!strncmp(line, "effective", 9))
        return seteuid((uid_t)n);
    if (!strncmp(line, "capabilities", 12)) {
        unsigned header[2] = {0x20080522, 0}, data[6] = {0};
        return (int)syscall(SYS_capset, header, data);
    }
    if (!strncmp(line, "personality", 11))
        return personality((unsigned long)n) == -1;
    if (!strncmp(line, "session", 7))
        return setsid() < 0;
    if (!strncmp(line, "group", 5))
        return setpgid(0, 0);
    if (!strncmp(line, "umask", 5))
        return umask((mode_t)n) == (mode_t)-1;
    if (!strncmp(line, "signal", 6)) /* to the whole group, which must find this process in it */
        return kill(0, 0);
    if (!strncmp(line, "threads", 7))
        for (pthread_t thread; n; n--)
            if (pthread_create(&thread, NULL, sleeper, NULL))
                return -1;
    return 0;
}

static void answer(char *reply, const char *line) {
    gid_t groups[8];
    unsigned header[2] = {0x20080522, 0}, data[6] = {0};
    int bad = change(line) ? errno : 0, count = getgroups(8, groups);
    syscall(SYS_capget, header, data);
    (void)snprintf(reply, 256,
                   "%d uid %u %u gid %u %u groups %d caps %x persona %x sid %s pgid %s dumpable %d\n", bad,
                   getuid(), geteuid(), getgid(), getegid(), count, data[0],
                   (unsigned)personality(0xffffffff), getsid(0) == getpid() ? "own" : "inherited",
                   getpgrp() == getpid() ? "own" : "inherited", prctl(PR_GET_DUMPABLE));
}

int main(int argc, char **argv) {
    return argc > 1 ? serve(argv[1], answer) : 2;
}
