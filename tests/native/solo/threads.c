/* Threads: creation in every form, ends, cancellation (pitfalls 1, 2, 24). */
#define _GNU_SOURCE
#include "solo.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

static void *makes_calls(void *arg) {
    pid_t parent = getppid();
    for (int i = 0; i < 50; i++)
        if (raw0(SYS_getppid) != parent || raw4(SYS_rt_sigprocmask, 0, 0, 0, 8) != 0)
            return NULL;
    return arg;
}

TEST(threads_created_and_ended_in_a_storm) {
    /* Joined and detached ones; then memory must not grow any more. */
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 65536);
    long resident = 0, virtual = 0;
    int all = rounds(400);
    for (int round = 0; round < all; round++) {
        pthread_t threads[16];
        for (int i = 0; i < 16; i++)
            CHECK(pthread_create(&threads[i], &attr, makes_calls, threads + i) == 0);
        for (int i = 0; i < 16; i++) {
            void *result;
            CHECK(pthread_join(threads[i], &result) == 0 && result == &threads[i]);
        }
        if (round == all / 4) {
            resident = resident_kb();
            virtual = virtual_kb();
        }
    }
    CHECK(resident_kb() < resident + 2048);
    CHECK(virtual_kb() < virtual + 65536);
    return 0;
}

static int *arrived_at;
static void *detached(void *arg) {
    (void)arg;
    getppid();
    __atomic_fetch_add(arrived_at, 1, __ATOMIC_RELEASE);
    return NULL;
}
TEST(detached_threads_end_by_themselves) {
    static int arrived;
    arrived_at = &arrived;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, 65536);
    int all = rounds(4000);
    for (int i = 0; i < all; i++) {
        pthread_t thread;
        int error;
        while ((error = pthread_create(&thread, &attr, detached, NULL)) == EAGAIN)
            sched_yield();
        CHECK(error == 0);
        while (i - __atomic_load_n(&arrived, __ATOMIC_ACQUIRE) > 200)
            sched_yield();
    }
    while (__atomic_load_n(&arrived, __ATOMIC_ACQUIRE) < all)
        sched_yield();
    return 0;
}

/* 1,500 at once, all alive and in calls. */
static sem_t gate;
static void *waits(void *arg) {
    sem_wait(&gate);
    return arg;
}
TEST(many_threads_at_once) {
    enum { MANY = 1500 };
    static pthread_t threads[MANY];
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 65536);
    sem_init(&gate, 0, 0);
    for (int i = 0; i < MANY; i++)
        CHECK(pthread_create(&threads[i], &attr, waits, threads + i) == 0);
    for (int i = 0; i < MANY; i++)
        sem_post(&gate);
    for (int i = 0; i < MANY; i++) {
        void *result;
        CHECK(pthread_join(threads[i], &result) == 0 && result == &threads[i]);
    }
    return 0;
}

/* ---- raw clone and clone3, as a runtime without pthreads would call them ---------------------------- */

static char child_stack[65536] __attribute__((aligned(64)));
static volatile int child_ran;

/* The child starts on its own stack with nothing on it; parent and child leave by the same instruction. */
static long clone_process(int use3, uint64_t flags, void *stack, size_t size) {
    long result;
    struct clone_args args = {
        .flags = flags & ~0xffull, .exit_signal = flags & 0xff, .stack = (uint64_t)stack, .stack_size = size};
    if (use3)
        __asm__ volatile(
            "syscall\n"
            "test %%rax, %%rax\n"
            "jnz 1f\n"
            "xor %%ebp, %%ebp\n"
            "call solo_child\n"
            "hlt\n"
            "1:"
            : "=a"(result)
            : "a"(SYS_clone3), "D"(&args), "S"(sizeof args)
            : "rcx", "r11", "memory");
    else
        __asm__ volatile(
            "xor %%r10d, %%r10d; xor %%r8d, %%r8d\n"
            "syscall\n"
            "test %%rax, %%rax\n"
            "jnz 1f\n"
            "xor %%ebp, %%ebp\n"
            "call solo_child\n"
            "hlt\n"
            "1:"
            : "=a"(result)
            : "a"(SYS_clone), "D"(flags), "S"(stack ? (char *)stack + size : NULL), "d"(0)
            : "rcx", "r11", "r10", "r8", "memory");
    return result;
}

__attribute__((used)) void solo_child(void) {
    char here;
    int own = &here >= child_stack && &here < child_stack + sizeof child_stack;
    child_ran = 1 + own;
    for (int i = 0; i < 100; i++)
        if (raw0(SYS_getppid) <= 0 || raw4(SYS_rt_sigprocmask, 0, 0, 0, 8) != 0)
            raw1(SYS_exit_group, 9);
    raw1(SYS_exit_group, raw0(SYS_getpid) == raw0(SYS_gettid) ? 40 + own : 8);
}

TEST(clone_child_returns_on_its_own_stack) {
    for (int i = 0; i < 50; i++) {
        long child = clone_process(0, SIGCHLD, child_stack, sizeof child_stack);
        CHECK(child > 0 && ended((pid_t)child) == 41);
    }
    return 0;
}

TEST(clone3_child_returns_on_its_own_stack) {
    for (int i = 0; i < 50; i++) {
        long child = clone_process(1, SIGCHLD, child_stack, sizeof child_stack);
        CHECK(child > 0 && ended((pid_t)child) == 41);
    }
    return 0;
}

TEST(clone_without_a_stack_is_a_fork) {
    for (int use3 = 0; use3 < 2; use3++)
        for (int i = 0; i < 50; i++) {
            long child = clone_process(use3, SIGCHLD, NULL, 0);
            CHECK(child > 0 && ended((pid_t)child) == 40);
        }
    CHECK(child_ran == 0);
    return 0;
}

TEST(vfork_like_clone_on_its_own_stack) {
    for (int use3 = 0; use3 < 2; use3++)
        for (int i = 0; i < 50; i++) {
            child_ran = 0;
            long child =
                clone_process(use3, CLONE_VM | CLONE_VFORK | SIGCHLD, child_stack, sizeof child_stack);
            CHECK(child > 0 && child_ran == 2);
            CHECK(ended((pid_t)child) == 41);
        }
    return 0;
}

TEST(wrong_clones_fail_as_natively) {
    struct clone_args args = {.flags = CLONE_THREAD, .exit_signal = 0};
    CHECK(raw2(SYS_clone3, &args, sizeof args) == -EINVAL);
    CHECK(raw2(SYS_clone3, &args, 8) == -EINVAL);
    CHECK(raw2(SYS_clone3, 8, 88) == -EFAULT);
    CHECK(raw6(SYS_clone, CLONE_SIGHAND, 0, 0, 0, 0, 0) == -EINVAL);
    CHECK(raw6(SYS_clone, CLONE_THREAD | CLONE_VM | CLONE_SETTLS, (long)child_stack, 0, 0, 0, 0) == -EINVAL);
    return 0;
}

/* ---- the thread that creates is not disturbed ------------------------------------------------------- */

static volatile sig_atomic_t alarms;
static void counts(int number) {
    (void)number;
    alarms++;
}
static void *reads_mask(void *arg) {
    sigset_t *mask = arg;
    pthread_sigmask(SIG_SETMASK, NULL, mask);
    return NULL;
}
TEST(threads_created_in_a_timer_storm) {
    CHECK(handle(SIGALRM, counts, SA_RESTART) == 0);
    storm(150);
    for (int i = 0; i < rounds(3000); i++) {
        pthread_t thread;
        sigset_t mask;
        CHECK(pthread_create(&thread, NULL, reads_mask, &mask) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
        CHECK(sigisemptyset(&mask)); /* not the mask of a signal that was deferred */
    }
    storm(0);
    CHECK(alarms > 20);
    return 0;
}

/* A signal for the process is never lost with a thread that ends. */
static void *ends_at_once(void *arg) {
    return arg;
}
TEST(no_signal_is_lost_with_an_ending_thread) {
    CHECK(handle(SIGUSR1, counts, SA_RESTART) == 0);
    int all = rounds(4000);
    sigset_t hup;
    int number;
    sigemptyset(&hup);
    sigaddset(&hup, SIGHUP);
    sigaddset(&hup, SIGUSR1); /* only the short-lived threads take it */
    pthread_sigmask(SIG_BLOCK, &hup, NULL);
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        sigset_t ack;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        sigemptyset(&ack);
        sigaddset(&ack, SIGUSR2);
        sigprocmask(SIG_BLOCK, &ack, NULL);
        kill(parent, SIGHUP); /* ready */
        for (int i = 0; i < all; i++) {
            if (kill(parent, SIGUSR1) == -1)
                _exit(1);
            sigwait(&ack, &number);
        }
        _exit(0);
    }
    sigdelset(&hup, SIGUSR1);
    sigwait(&hup, &number);
    sigset_t usr;
    sigemptyset(&usr);
    sigaddset(&usr, SIGUSR1);
    for (int seen = 0; seen < all; seen++) {
        int64_t until = now_ns() + 20000000000;
        while (alarms == seen) {
            pthread_t thread;
            CHECK(now_ns() < until);
            /* The new thread inherits an open mask and ends at once. */
            pthread_attr_t attr;
            pthread_attr_init(&attr);
            sigset_t open;
            sigemptyset(&open);
            pthread_attr_setsigmask_np(&attr, &open);
            CHECK(pthread_create(&thread, &attr, ends_at_once, NULL) == 0);
            CHECK(pthread_join(thread, NULL) == 0);
        }
        CHECK(alarms == seen + 1);
        kill(child, SIGUSR2);
    }
    CHECK(ended(child) == 0);
    return 0;
}

/* ---- cancellation ------------------------------------------------------------------------------------ */

static int cancel_pipe[2], cancel_sockets[2];
static int cleaned;
static void cleanup(void *arg) {
    (void)arg;
    getppid();
    __atomic_fetch_add(&cleaned, 1, __ATOMIC_RELAXED);
}

static void *blocks_deferred(void *arg) {
    long kind = (long)arg;
    char byte;
    struct pollfd poller = {cancel_pipe[0], POLLIN, 0};
    struct timespec second = {1, 0};
    pthread_cleanup_push(cleanup, NULL);
    for (;;)
        switch (kind % 6) {
        case 0:
            (void)!read(cancel_pipe[0], &byte, 1);
            break;
        case 1:
            poll(&poller, 1, -1);
            break;
        case 2:
            nanosleep(&second, NULL);
            break;
        case 3:
            recv(cancel_sockets[0], &byte, 1, 0);
            break;
        case 4:
            sem_wait(&gate);
            break;
        case 5:
            pthread_testcancel();
            getppid();
            break;
        }
    pthread_cleanup_pop(0);
    return NULL;
}

static void *computes_asynchronous(void *arg) {
    int old;
    pthread_cleanup_push(cleanup, NULL);
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old); /* NOLINT(cert-pos47-c): what is tested */
    for (;;) {                                                /* only calls that are safe to be cut off */
        raw0(SYS_getppid);
        raw4(SYS_rt_sigprocmask, 0, 0, 0, 8);
        if ((long)arg % 2)
            raw0(SYS_sched_yield);
    }
    pthread_cleanup_pop(0);
    return NULL;
}

static int cancel_many(void *(*body)(void *), int all) {
    CHECK(pipe(cancel_pipe) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, cancel_sockets) == 0);
    sem_init(&gate, 0, 0);
    unsigned seed = 1;
    for (long i = 0; i < all; i++) {
        pthread_t thread;
        void *result;
        CHECK(pthread_create(&thread, NULL, body, (void *)i) == 0);
        int64_t until = now_ns() + (int64_t)(rand_r(&seed) % 60) * 1000;
        while (now_ns() < until)
            if (i % 3 == 0)
                sched_yield();
        CHECK(pthread_cancel(thread) == 0);
        CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
    }
    CHECK(cleaned <= all);
    return 0;
}

TEST(pthread_cancel_deferred_at_random_instants) {
    return cancel_many(blocks_deferred, rounds(3000));
}
TEST(pthread_cancel_asynchronous_at_random_instants) {
    return cancel_many(computes_asynchronous, rounds(3000));
}

/* ---- fork while other threads are anywhere ------------------------------------------------------------ */

static volatile int stop;
static void *restless(void *arg) {
    while (!stop) {
        void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        munmap(page, 4096);
        free(malloc(1000));
        raw4(SYS_rt_sigprocmask, 0, 0, 0, 8);
    }
    return arg;
}
static void *forks(void *arg) {
    for (int i = 0; i < rounds(100); i++) {
        pid_t child = fork();
        if (child == 0) {
            pthread_t thread;
            void *result = NULL;
            if (pthread_create(&thread, NULL, makes_calls, arg) || pthread_join(thread, &result) ||
                result != arg)
                _exit(1);
            _exit(getpid() == (pid_t)syscall(SYS_gettid) ? 7 : 2);
        }
        if (ended(child) != 7)
            return NULL;
    }
    return arg;
}
TEST(fork_from_threads) {
    pthread_t busy[2], forking[3];
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&busy[i], NULL, restless, NULL) == 0);
    for (int i = 0; i < 3; i++)
        CHECK(pthread_create(&forking[i], NULL, forks, forking + i) == 0);
    for (int i = 0; i < 3; i++) {
        void *result;
        CHECK(pthread_join(forking[i], &result) == 0 && result == &forking[i]);
    }
    stop = 1;
    for (int i = 0; i < 2; i++)
        pthread_join(busy[i], NULL);
    return 0;
}

/* exit() of the main thread alone, exit_group from another one. */
static void *exits_the_process(void *arg) {
    nanosleep(&(struct timespec){0, 1000000}, NULL);
    _exit((int)(long)arg);
}
TEST(exit_codes_of_threads_and_processes) {
    for (int way = 0; way < 4; way++) {
        pid_t child = fork();
        if (child == 0) {
            pthread_t thread;
            if (way == 0)
                exit(11);
            if (way == 1)
                raw1(SYS_exit, 12); /* the only thread */
            pthread_create(&thread, NULL, exits_the_process, (void *)(long)(11 + way));
            if (way == 2)
                pthread_exit(NULL);
            for (;;)
                pause();
        }
        printf("%d\n", ended(child));
    }
    return 0;
}

TEST(rseq_stays_registered) {
    /* glibc 2.35 registers rseq for each thread: registering again says EBUSY or EINVAL, not success. */
    static char area[64] __attribute__((aligned(32)));
    printf("%ld\n", raw4(334, area, 32, 0, 0x53053053));
    int before = sched_getcpu();
    for (int i = 0; i < 100000; i++)
        sched_getcpu();
    CHECK(before >= 0 && sched_getcpu() >= 0);
    return 0;
}
