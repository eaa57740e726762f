/* Signals: every outcome that a program can see is the kernel's (pitfalls 7, 8, 9, 28). */
#define _GNU_SOURCE
#include "solo.h"

#include <poll.h>
#include <setjmp.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/time.h>

static volatile sig_atomic_t count;
static void counts(int number) {
    (void)number;
    count++;
}

/* ---- a storm of timer signals during millions of calls: no result and no signal is lost ------------ */

TEST(calls_are_exact_in_a_timer_storm) {
    CHECK(handle(SIGALRM, counts, SA_RESTART) == 0);
    pid_t parent = getppid();
    sigset_t empty, seen, usr;
    sigemptyset(&empty);
    sigemptyset(&usr);
    sigaddset(&usr, SIGUSR2);
    CHECK(sigprocmask(SIG_SETMASK, &usr, NULL) == 0);
    storm(100);
    for (int i = 0; i < rounds(400000); i++) {
        CHECK(raw0(SYS_getppid) == parent);                        /* the fast path */
        CHECK(raw4(SYS_rt_sigprocmask, 0, &empty, &seen, 8) == 0); /* the slow one */
        CHECK(sigismember(&seen, SIGUSR2) && !sigismember(&seen, SIGALRM));
        if (i % 16 == 0) {
            void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            CHECK(page != MAP_FAILED);
            CHECK(munmap(page, 4096) == 0);
        }
    }
    storm(0);
    CHECK(count > 50);
    return 0;
}

/* Handlers that make calls of both kinds themselves, of two signals that nest. */
static volatile int bad;
static void busy(int number) {
    sigset_t seen;
    struct sigaction action;
    count++;
    bad |= raw4(SYS_rt_sigprocmask, 0, 0, &seen, 8) != 0;
    bad |= sigismember(&seen, SIGUSR2) != 1; /* the program's mask shows through */
    bad |= sigismember(&seen, number) != 1;  /* and its own signal is blocked */
    bad |= sigaction(SIGUSR2, NULL, &action) != 0 || action.sa_handler != counts;
    bad |= getppid() == 0;
}

TEST(handlers_nest_and_make_calls_in_a_storm) {
    CHECK(handle(SIGALRM, busy, SA_RESTART) == 0 && handle(SIGVTALRM, busy, SA_RESTART) == 0);
    CHECK(handle(SIGPROF, busy, 0) == 0 && handle(SIGUSR2, counts, 0) == 0);
    sigset_t usr, seen;
    sigemptyset(&usr);
    sigaddset(&usr, SIGUSR2);
    CHECK(sigprocmask(SIG_SETMASK, &usr, NULL) == 0);
    struct itimerval fast = {{0, 170}, {0, 170}};
    storm(130);
    setitimer(ITIMER_VIRTUAL, &fast, NULL);
    setitimer(ITIMER_PROF, &fast, NULL);
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGPROF};
    struct itimerspec often = {{0, 110000}, {0, 110000}};
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 && timer_settime(timer, 0, &often, NULL) == 0);
    for (int i = 0; i < rounds(200000); i++) {
        CHECK(raw4(SYS_rt_sigprocmask, 0, 0, &seen, 8) == 0);
        CHECK(sigismember(&seen, SIGUSR2) && !sigismember(&seen, SIGALRM) && !sigismember(&seen, SIGPROF));
        CHECK(!sigismember(&seen, SIGVTALRM));
        CHECK(getppid() != 0);
    }
    CHECK(!bad && count > 50);
    return 0;
}

/* The same with handlers on an alternate stack, whose frames don't lie above the shim's own stack. */
TEST(nested_handlers_on_an_alternate_stack) {
    static char alternate[256 * 1024];
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    CHECK(sigaltstack(&stack, NULL) == 0);
    CHECK(handle(SIGALRM, busy, SA_RESTART | SA_ONSTACK) == 0 && handle(SIGPROF, busy, SA_ONSTACK) == 0);
    CHECK(handle(SIGUSR2, counts, 0) == 0);
    sigset_t usr, seen;
    sigemptyset(&usr);
    sigaddset(&usr, SIGUSR2);
    CHECK(sigprocmask(SIG_SETMASK, &usr, NULL) == 0);
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGPROF};
    struct itimerspec often = {{0, 60000}, {0, 60000}};
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 && timer_settime(timer, 0, &often, NULL) == 0);
    storm(50);
    for (int i = 0; i < rounds(200000); i++) {
        CHECK(raw4(SYS_rt_sigprocmask, 0, 0, &seen, 8) == 0);
        CHECK(sigismember(&seen, SIGUSR2) && !sigismember(&seen, SIGALRM) && !sigismember(&seen, SIGPROF));
    }
    CHECK(!bad && count > 50);
    return 0;
}

static char alternate[64 * 1024];
static volatile int on_it;
static void where(int number) {
    char here;
    (void)number;
    on_it = &here >= alternate && &here < alternate + sizeof alternate;
    getppid();
    raw4(SYS_rt_sigprocmask, 0, 0, 0, 8);
}

TEST(sigaltstack_handlers_run_on_it) {
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate}, seen;
    CHECK(sigaltstack(&stack, NULL) == 0);
    CHECK(handle(SIGUSR1, where, SA_ONSTACK) == 0 && handle(SIGUSR2, where, 0) == 0);
    (void)raise(SIGUSR1);
    CHECK(on_it == 1);
    (void)raise(SIGUSR2);
    CHECK(on_it == 0);
    CHECK(sigaltstack(NULL, &seen) == 0 && seen.ss_sp == alternate && seen.ss_flags == 0);
    return 0;
}

/* The mask, the flags and the handler that a program installed are the ones that it reads. */
TEST(sigaction_reads_back_what_was_set) {
    struct sigaction set = {.sa_handler = counts, .sa_flags = SA_RESTART | SA_NODEFER}, seen;
    sigemptyset(&set.sa_mask);
    sigaddset(&set.sa_mask, SIGHUP);
    sigaddset(&set.sa_mask, SIGSYS);
    CHECK(sigaction(SIGUSR1, &set, NULL) == 0 && sigaction(SIGUSR1, NULL, &seen) == 0);
    CHECK(seen.sa_handler == counts && (seen.sa_flags & ~0x04000000) == (SA_RESTART | SA_NODEFER));
    CHECK(sigismember(&seen.sa_mask, SIGHUP) && sigismember(&seen.sa_mask, SIGSYS));
    CHECK(!sigismember(&seen.sa_mask, SIGINT));
    for (int number = 1; number < 32; number++) {
        CHECK(sigaction(number, NULL, &seen) == 0);
        printf("%d: %s\n", number,
               seen.sa_handler == SIG_DFL   ? "default"
               : seen.sa_handler == SIG_IGN ? "ignored"
                                            : "handler");
    }
    CHECK(sigaction(SIGKILL, &set, NULL) == -1 && errno == EINVAL);
    CHECK(sigaction(65, &set, NULL) == -1 && errno == EINVAL);
    CHECK(raw4(SYS_rt_sigaction, SIGUSR1, 8, 0, 8) == -EFAULT);
    CHECK(raw4(SYS_rt_sigaction, SIGUSR1, 0, 8, 8) == -EFAULT);
    CHECK(raw4(SYS_rt_sigaction, SIGUSR1, 0, 0, 7) == -EINVAL);
    CHECK(raw4(SYS_rt_sigprocmask, 0, 8, 0, 8) == -EFAULT);
    CHECK(raw4(SYS_rt_sigprocmask, 0, 0, 8, 8) == -EFAULT);
    uint64_t mask = 0;
    CHECK(raw4(SYS_rt_sigprocmask, 9, &mask, 0, 8) == -EINVAL);
    return 0;
}

static sigset_t inside;
static void notes_mask(int number) {
    (void)number;
    sigprocmask(SIG_SETMASK, NULL, &inside);
}

static void print_mask(const char *what, const sigset_t *mask) {
    printf("%s:", what);
    for (int number = 1; number < 65; number++)
        if (sigismember(mask, number) == 1)
            printf(" %d", number);
    putchar('\n');
}

/* Under which mask a handler runs, for each way to get there. */
TEST(handlers_run_under_the_mask_that_was_asked_for) {
    struct sigaction action = {.sa_handler = notes_mask};
    sigset_t base, temporary, after;
    sigemptyset(&base);
    sigaddset(&base, SIGHUP);
    sigaddset(&base, SIGUSR1);
    sigemptyset(&temporary);
    sigaddset(&temporary, SIGTERM);
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGINT);
    for (int flags = 0; flags <= 1; flags++) {
        action.sa_flags = flags ? SA_NODEFER : 0;
        CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
        CHECK(sigprocmask(SIG_SETMASK, &base, NULL) == 0);
        struct pollfd none = {.fd = -1};
        struct timespec second = {5, 0};
        int epoll = epoll_create1(EPOLL_CLOEXEC);
        struct epoll_event event;
        for (int way = 0; way < 5; way++) {
            sigemptyset(&inside);
            (void)raise(SIGUSR1); /* pending until the temporary mask lets it in */
            int result = way == 0   ? sigsuspend(&temporary)
                         : way == 1 ? ppoll(&none, 1, &second, &temporary)
                         : way == 2 ? pselect(0, NULL, NULL, NULL, &second, &temporary)
                         : way == 3
                             ? epoll_pwait(epoll, &event, 1, 5000, &temporary)
                             : (int)syscall(SYS_epoll_pwait2, epoll, &event, 1, &second, &temporary, 8);
            printf("way %d: %d %s\n", way, result, strerror(errno));
            print_mask("inside", &inside);
            CHECK(sigprocmask(SIG_SETMASK, NULL, &after) == 0);
            print_mask("after", &after);
        }
        close(epoll);
        sigset_t plain = base;
        sigdelset(&plain, SIGUSR1);
        CHECK(sigprocmask(SIG_SETMASK, &plain, NULL) == 0);
        (void)raise(SIGUSR1);
        print_mask("raised", &inside);
    }
    return 0;
}

/* Two signals that only the temporary mask lets in: both handlers run before the call returns. */
static volatile int order[4], order_count;
static void ordered(int number) {
    order[order_count++ & 3] = number;
}
TEST(sigsuspend_delivers_all_that_its_mask_lets_in) {
    CHECK(handle(SIGUSR1, ordered, 0) == 0 && handle(SIGUSR2, ordered, 0) == 0);
    sigset_t both, none;
    sigemptyset(&none);
    sigemptyset(&both);
    sigaddset(&both, SIGUSR1);
    sigaddset(&both, SIGUSR2);
    sigprocmask(SIG_BLOCK, &both, NULL);
    for (int i = 0; i < 100; i++) {
        order_count = 0;
        (void)raise(SIGUSR1);
        (void)raise(SIGUSR2);
        CHECK(sigsuspend(&none) == -1 && errno == EINTR);
        CHECK(order_count == 2);
    }
    printf("%d before %d\n", order[0], order[1]);
    return 0;
}

/* ---- siginfo, order, values ------------------------------------------------------------------------ */

static volatile int values[64], value_count;
static void takes_value(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    values[value_count++ & 63] = info->si_value.sival_int;
    bad |= info->si_code != SI_QUEUE || info->si_pid != getpid();
}

TEST(sigqueue_delivers_all_values_in_order) {
    struct sigaction action = {.sa_sigaction = takes_value, .sa_flags = SA_SIGINFO};
    CHECK(sigaction(SIGRTMIN, &action, NULL) == 0);
    sigset_t rt, none;
    sigemptyset(&none);
    sigemptyset(&rt);
    sigaddset(&rt, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &rt, NULL);
    for (int i = 0; i < 32; i++)
        CHECK(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}) == 0);
    sigprocmask(SIG_UNBLOCK, &rt, NULL);
    /* Handlers nest at the kernel's discretion; here the signal is blocked while its handler runs. */
    CHECK(value_count == 32 && !bad);
    for (int i = 0; i < 32; i++)
        printf("%d ", values[i]);
    putchar('\n');
    return 0;
}

/* From another process, while this one is in calls of both kinds: none lost, none swapped. */
static volatile int last_value, swapped;
static void in_order(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    swapped |= info->si_value.sival_int != last_value + 1;
    last_value = info->si_value.sival_int;
}
TEST(queued_signals_keep_their_order_during_calls) {
    struct sigaction action = {.sa_sigaction = in_order, .sa_flags = SA_SIGINFO | SA_RESTART};
    CHECK(sigaction(SIGRTMIN + 1, &action, NULL) == 0);
    pid_t parent = getpid(), child = fork();
    int all = rounds(5000);
    if (child == 0) {
        for (int i = 1; i <= all; i++)
            while (sigqueue(parent, SIGRTMIN + 1, (union sigval){.sival_int = i}) == -1) {
                if (errno != EAGAIN || getppid() != parent)
                    _exit(1);
                sched_yield();
            }
        _exit(0);
    }
    sigset_t seen;
    while (last_value < all) {
        raw4(SYS_rt_sigprocmask, 0, 0, &seen, 8);
        CHECK(sigisemptyset(&seen));
        void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        munmap(page, 4096);
        CHECK(!swapped);
    }
    CHECK(ended(child) == 0 && !swapped);
    return 0;
}

static void one_shot(int number) {
    struct sigaction now;
    sigaction(number, NULL, &now);
    count += now.sa_handler == SIG_DFL ? 1 : 100;
}
TEST(resethand_and_nodefer) {
    CHECK(handle(SIGUSR1, one_shot, (int)SA_RESETHAND) == 0);
    (void)raise(SIGUSR1);
    CHECK(count == 1);
    pid_t child = fork();
    if (child == 0) {
        (void)raise(SIGUSR1);
        _exit(0);
    }
    CHECK(ended(child) == 256 + SIGUSR1);
    return 0;
}

/* ---- leaving handlers by a jump -------------------------------------------------------------------- */

static sigjmp_buf jump;
static void jumps(int number) {
    siglongjmp(jump, number);
}

TEST(longjmp_out_of_handlers_during_calls) {
    CHECK(handle(SIGALRM, jumps, 0) == 0);
    static struct timespec pause_time = {0, 300000};
    volatile int jumped = 0, limit = rounds(3000);
    pid_t parent = getppid();
    sigset_t seen;
    sigsetjmp(jump, 1);
    jumped++;
    if (jumped < limit) {
        struct itimerval once = {{0, 0}, {0, 100 + jumped % 37}};
        setitimer(ITIMER_REAL, &once, NULL);
        for (;;) {
            if (raw0(SYS_getppid) != parent || raw4(SYS_rt_sigprocmask, 0, 0, &seen, 8) != 0 ||
                !sigisemptyset(&seen))
                return 1;
            if (jumped % 3 == 0)
                raw2(SYS_nanosleep, &pause_time, 0);
        }
    }
    return 0;
}

/* ---- SIGSYS is the program's too ------------------------------------------------------------------- */

TEST(sigsys_is_virtualised) {
    sigset_t all, seen;
    CHECK(handle(SIGSYS, counts, 0) == 0);
    struct sigaction action;
    CHECK(sigaction(SIGSYS, NULL, &action) == 0 && action.sa_handler == counts);
    (void)raise(SIGSYS);
    CHECK(count == 1);
    kill(getpid(), SIGSYS);
    CHECK(count == 2);
    (void)signal(SIGSYS, SIG_IGN);
    (void)raise(SIGSYS);
    CHECK(count == 2);
    sigfillset(&all);
    CHECK(sigprocmask(SIG_BLOCK, &all, NULL) == 0);
    getppid();
    CHECK(sigprocmask(SIG_SETMASK, NULL, &seen) == 0);
    printf("SIGTERM is %s\n", sigismember(&seen, SIGTERM) ? "blocked" : "open");
    CHECK(sigprocmask(SIG_UNBLOCK, &all, NULL) == 0);
    (void)signal(SIGSYS, SIG_DFL);
    pid_t child = fork();
    if (child == 0) {
        (void)raise(SIGSYS);
        _exit(0);
    }
    CHECK(ended(child) == 256 + SIGSYS);
    return 0;
}

/* A handler may look at and change the interrupted context. */
static void skips(int number, siginfo_t *info, void *context) {
    ucontext_t *uc = context;
    (void)number;
    count += info->si_addr == (void *)0x123;
    uc->uc_mcontext.gregs[REG_RAX] = (long)&count; /* let the load succeed */
}
TEST(a_fault_handler_repairs_the_context) {
    struct sigaction action = {.sa_sigaction = skips, .sa_flags = SA_SIGINFO};
    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
    for (int i = 0; i < 1000; i++) {
        long value = 0x123;
        __asm__ volatile("mov (%%rax), %%ecx" : "+a"(value) : : "ecx", "memory");
        CHECK(value == (long)&count);
    }
    CHECK(count == 1000);
    return 0;
}

/* sigwait, signalfd-like waiting: blocked signals reach who waits for them. */
TEST(sigwait_takes_blocked_signals) {
    sigset_t usr;
    int number = 0;
    sigemptyset(&usr);
    sigaddset(&usr, SIGUSR1);
    sigprocmask(SIG_BLOCK, &usr, NULL);
    for (int i = 0; i < 1000; i++) {
        kill(getpid(), SIGUSR1);
        CHECK(sigwait(&usr, &number) == 0 && number == SIGUSR1);
    }
    return 0;
}
