// A follower that is given a call's out-payload ends with exactly the memory of the leader that made the
// call: waits, children, clocks, the process's own state.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

static void ignore(int number) {
    (void)number;
}

static void waits(void) {
    test_begin();
    int pair[2];
    struct pollfd *fds = (struct pollfd *)arena;

    if (pipe(pair) || write(pair[1], "x", 1) != 1)
        abort();
    fds[0] = (struct pollfd){.fd = pair[0], .events = POLLIN, .revents = 77};
    fds[1] = (struct pollfd){.fd = pair[1], .events = POLLIN, .revents = 77};
    const struct observed *seen = OBSERVE3(SYS_poll, fds, 2, 0);
    CHECK(seen->result == 1 && seen->out_count == 1 && seen->out[0].len == 16 && seen->in[0].len == 16);

    struct timespec *timeout = (struct timespec *)(arena + 256);
    *timeout = (struct timespec){5, 0};
    CHECK(OBSERVE5(SYS_ppoll, fds, 2, timeout, 0, 8)->result == 1);

    fd_set *sets = (fd_set *)(arena + 512);
    struct timeval *time = (struct timeval *)(arena + 256);
    memset(sets, 0, 3 * sizeof *sets);
    FD_SET(pair[0], &sets[0]);
    FD_SET(pair[1], &sets[0]);
    FD_SET(pair[1], &sets[1]);
    *time = (struct timeval){5, 0};
    seen = OBSERVE5(SYS_select, pair[1] + 1, &sets[0], &sets[1], 0, time);
    CHECK(seen->result == 2 && !FD_ISSET(pair[1], &sets[0]));
    CHECK(seen->out_count == 3 && seen->out[0].len == 8 && seen->in_count == 3);

    struct sigset_argument {
        const void *set;
        size_t size;
    } *mask = (struct sigset_argument *)(arena + 300);
    memset(arena + 400, 0, 8);
    *mask = (struct sigset_argument){arena + 400, 8};
    FD_SET(pair[0], &sets[0]);
    *timeout = (struct timespec){5, 0};
    seen = OBSERVE6(SYS_pselect6, pair[0] + 1, &sets[0], 0, 0, timeout, mask);
    CHECK(seen->result == 1 && seen->in[seen->in_count - 1].addr == arena + 400);

    int instance = (int)OBSERVE1(SYS_epoll_create1, EPOLL_CLOEXEC)->result;
    struct epoll_event *event = (struct epoll_event *)(arena + 1024);
    *event = (struct epoll_event){.events = EPOLLIN, .data.u64 = 0x1234567890};
    CHECK(OBSERVE4(SYS_epoll_ctl, instance, EPOLL_CTL_ADD, pair[0], event)->in[0].len == 12);
    seen = OBSERVE4(SYS_epoll_wait, instance, at_the_end((size_t)5 * 12), 5, 0);
    CHECK(seen->result == 1 && seen->out_count == 1 && seen->out[0].len == 12);
    CHECK(OBSERVE6(SYS_epoll_pwait, instance, at_the_end(12), 1, 0, arena + 400, 8)->result == 1);
    close(instance);

    // An interrupted wait.
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = ignore}, NULL);
    struct itimerval soon = {.it_value.tv_usec = 20000, .it_interval.tv_usec = 20000};
    setitimer(ITIMER_REAL, &soon, NULL);
    *timeout = (struct timespec){5, 0};
    seen = OBSERVE2(SYS_nanosleep, timeout, arena + 700);
    CHECK(seen->result == -EINTR && seen->out_count == 1 && seen->out[0].len == 16);
    CHECK(OBSERVE4(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, timeout, arena + 700)->result == -EINTR);
    memset(sets, 0, sizeof *sets);
    FD_SET(pair[0], sets);
    char byte;
    if (read(pair[0], &byte, 1) != 1)
        abort();
    *timeout = (struct timespec){5, 0};
    seen = OBSERVE6(SYS_pselect6, pair[0] + 1, &sets[0], 0, 0, timeout, 0);
    CHECK(seen->result == -EINTR && timeout->tv_sec == 4 && seen->out_count == 1);
    fds[0].revents = 77;
    seen = OBSERVE3(SYS_poll, fds, 1, 5000);
    CHECK(seen->result == -EINTR && fds[0].revents == 0);
    soon = (struct itimerval){0};
    setitimer(ITIMER_REAL, &soon, NULL);
    close(pair[0]);
    close(pair[1]);
    test_end("waits_and_interrupted_waits");
}

static void children(void) {
    test_begin();
    int gate[2];

    if (pipe(gate))
        abort();
    pid_t child = fork();
    if (child == 0) {
        char byte;

        _exit(read(gate[0], &byte, 1) == 1 ? 3 : 4);
    }
    const struct observed *seen = OBSERVE4(SYS_wait4, child, arena, WNOHANG, arena + 100);
    CHECK(seen->result == 0 && seen->out_count == 0);
    CHECK(OBSERVE5(SYS_waitid, P_PID, child, arena + 300, WEXITED | WNOHANG, 0)->result == 0);
    if (write(gate[1], "x", 1) != 1)
        abort();
    CHECK(OBSERVE5(SYS_waitid, P_PID, child, arena + 300, WEXITED | WNOWAIT, arena + 600)->result == 0);
    seen = OBSERVE4(SYS_wait4, child, at_the_end(4), 0, arena + 100);
    CHECK(seen->result == child && seen->out_count == 2 && *(int *)at_the_end(4) == 3 << 8);
    CHECK(OBSERVE5(SYS_waitid, P_PID, child, arena + 300, WEXITED, 0)->result == -ECHILD);
    close(gate[0]);
    close(gate[1]);
    test_end("wait4_and_waitid");
}

static void process_state(void) {
    test_begin();
    CHECK(OBSERVE1(SYS_uname, at_the_end(390))->result == 0);
    CHECK(OBSERVE1(SYS_sysinfo, at_the_end(112))->result == 0);
    CHECK(OBSERVE2(SYS_getrusage, RUSAGE_SELF, at_the_end(144))->result == 0);
    CHECK(OBSERVE2(SYS_getrlimit, RLIMIT_NOFILE, at_the_end(16))->result == 0);
    CHECK(OBSERVE4(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, at_the_end(16))->result == 0);
    CHECK(OBSERVE1(SYS_times, at_the_end(32))->result != -EFAULT);
    CHECK(OBSERVE3(SYS_getresuid, arena, arena + 8, arena + 16)->out_count == 3);
    CHECK(OBSERVE3(SYS_getresgid, arena, arena + 8, arena + 16)->out_count == 3);
    CHECK(OBSERVE2(SYS_getgroups, 100, arena)->result >= 0);
    CHECK(OBSERVE2(SYS_getgroups, 0, arena)->out_count == 0);
    CHECK(OBSERVE3(SYS_sched_getaffinity, 0, 128, arena)->result > 0);
    CHECK(OBSERVE2(SYS_sched_getparam, 0, at_the_end(4))->result == 0);
    CHECK(OBSERVE4(SYS_sched_getattr, 0, at_the_end(56), 56, 0)->result == 0);
    CHECK(OBSERVE4(SYS_sched_getattr, 0, at_the_end(48), 48, 0)->result == 0);
    CHECK(OBSERVE2(SYS_sched_rr_get_interval, 0, at_the_end(16))->result == 0);
    CHECK(OBSERVE3(SYS_getcpu, at_the_end(8), at_the_end(4), 0)->result == 0);
    struct __user_cap_header_struct *header = (struct __user_cap_header_struct *)arena;
    *header = (struct __user_cap_header_struct){_LINUX_CAPABILITY_VERSION_3, 0};
    CHECK(OBSERVE2(SYS_capget, header, at_the_end(24))->result == 0);
    header->version = 0;
    CHECK(OBSERVE2(SYS_capget, header, 0)->result == 0);
    CHECK(OBSERVE3(SYS_getrandom, arena, 100, 0)->result == 100);
    CHECK(OBSERVE2(SYS_rt_sigpending, at_the_end(8), 8)->result == 0);
    CHECK(OBSERVE2(SYS_prctl, 16 /* PR_GET_NAME */, at_the_end(16))->result == 0);
    put_string(at_the_end(4), "abc");
    const struct observed *seen = OBSERVE2(SYS_prctl, 15 /* PR_SET_NAME */, at_the_end(4));
    CHECK(seen->result == 0 && seen->in_count == 1 && seen->in[0].len == 4);
    CHECK(OBSERVE2(SYS_prctl, 37 /* PR_GET_CHILD_SUBREAPER */, at_the_end(4))->result == 0);
    test_end("identity_limits_and_resources");
}

static void clocks(void) {
    test_begin();
    CHECK(OBSERVE2(SYS_clock_gettime, CLOCK_REALTIME, at_the_end(16))->result == 0);
    CHECK(OBSERVE2(SYS_clock_getres, CLOCK_REALTIME, at_the_end(16))->result == 0);
    CHECK(OBSERVE2(SYS_gettimeofday, arena, at_the_end(8))->result == 0);
    CHECK(OBSERVE1(SYS_time, at_the_end(8))->result > 0);
    struct itimerval *timer = (struct itimerval *)arena;
    *timer = (struct itimerval){.it_value.tv_sec = 1000};
    CHECK(OBSERVE3(SYS_setitimer, ITIMER_VIRTUAL, timer, at_the_end(32))->result == 0);
    CHECK(OBSERVE2(SYS_getitimer, ITIMER_VIRTUAL, at_the_end(32))->result == 0);
    int fd = (int)OBSERVE2(SYS_timerfd_create, CLOCK_MONOTONIC, 0)->result;
    struct itimerspec *spec = (struct itimerspec *)arena;
    *spec = (struct itimerspec){.it_value.tv_sec = 1000};
    const struct observed *seen = OBSERVE4(SYS_timerfd_settime, fd, 0, spec, at_the_end(32));
    CHECK(seen->result == 0 && seen->in_count == 1 && seen->out_count == 1);
    CHECK(OBSERVE2(SYS_timerfd_gettime, fd, at_the_end(32))->result == 0);
    close(fd);
    struct sigevent *event = (struct sigevent *)(arena + 256);
    memset(event, 0, sizeof *event);
    event->sigev_notify = SIGEV_NONE;
    CHECK(OBSERVE3(SYS_timer_create, CLOCK_MONOTONIC, event, at_the_end(4))->result == 0);
    int id = *(int *)at_the_end(4);
    CHECK(OBSERVE4(SYS_timer_settime, id, 0, spec, at_the_end(32))->result == 0);
    CHECK(OBSERVE2(SYS_timer_gettime, id, at_the_end(32))->result == 0);
    memset(arena, 0, 208);
    CHECK(OBSERVE1(SYS_adjtimex, arena)->result >= 0);
    test_end("clocks_and_timers");
}

static void queues(void) {
    test_begin();
    char *name = (char *)arena;
    struct mq_attr *attributes = (struct mq_attr *)(arena + 128);

    (void)snprintf(name, 64, "mvedsua-%d", getpid());
    memset(attributes, 0, 64);
    attributes->mq_maxmsg = 2;
    attributes->mq_msgsize = 100;
    const struct observed *seen = OBSERVE4(SYS_mq_open, name, O_RDWR | O_CREAT, 0600, attributes);
    if (seen->result == -ENOSYS) {
        printf("skip message_queues: the kernel has none\n");
        return;
    }
    int fd = (int)seen->result;
    CHECK(fd >= 0 && seen->in_count == 2);
    CHECK(OBSERVE5(SYS_mq_timedsend, fd, arena + 300, 10, 7, 0)->result == 0);
    CHECK(OBSERVE3(SYS_mq_getsetattr, fd, 0, at_the_end(64))->result == 0);
    seen = OBSERVE5(SYS_mq_timedreceive, fd, arena + 1000, 100, arena + 600, 0);
    CHECK(seen->result == 10 && seen->out_count == 2 && *(uint32_t *)(arena + 600) == 7);
    CHECK(OBSERVE1(SYS_mq_unlink, name)->result == 0);
    close(fd);
    test_end("message_queues");
}

int main(void) {
    harness_start();
    waits();
    children();
    process_state();
    clocks();
    queues();
    return failures != 0;
}
