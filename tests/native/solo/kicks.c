/* The shim's own SIGSYS (a kick) and a call that a signal of the program has ended. */
#define _GNU_SOURCE
#include "solo.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#include "../number.h"

#define KICK_ARM 0x4d764b41

static void nothing(int number) {
    (void)number;
}

static void queue_kick(pid_t child) {
    siginfo_t info = {.si_signo = SIGSYS, .si_code = SI_QUEUE, .si_value = {.sival_int = KICK_ARM}};
    raw4(SYS_rt_tgsigqueueinfo, child, child, SIGSYS, &info);
}

static int reads(pid_t pid, const char *name, const char *format, long *value) {
    char path[64], line[512];
    int found = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    FILE *file = fopen(path, "r");
    while (file && !found && fgets(line, sizeof line, file))
        found = sscanf(line, format, value) == 1;
    if (file)
        (void)fclose(file);
    return found;
}

/* Waits until the process sleeps in this call and has no signal to handle. */
static int asleep(pid_t child, long nr) {
    for (long in = -1, pending = 1; kill(child, 0) == 0; sched_yield())
        if (reads(child, "syscall", "%ld", &in) && in == nr &&
            reads(child, "status", "SigPnd: %lx", &pending) && pending == 0 &&
            reads(child, "syscall", "%ld", &in) && in == nr)
            return 1;
    return 0;
}

/* ---- the tracer: without the shim, which refuses ptrace -------------------------------------------- */

static int stopped_by(pid_t child) {
    int status;
    return waitpid(child, &status, __WALL) == child && WIFSTOPPED(status) ? WSTOPSIG(status) : -1;
}

/* Steps until the handler has returned: the call has failed then, and not one more instruction been executed.
 */
static long step_behind_the_handler(pid_t child, int number) {
    struct user_regs_struct registers;
    for (int returned = 0;;) {
        if (ptrace(PTRACE_SINGLESTEP, child, 0, number))
            return 0;
        number = 0;
        if (stopped_by(child) != SIGTRAP || ptrace(PTRACE_GETREGS, child, 0, &registers))
            return 0;
        if (returned)
            return (long)registers.rax;
        long code = ptrace(PTRACE_PEEKTEXT, child, registers.rip, 0);
        returned = (code & 0xffff) == 0x050f && registers.rax == SYS_rt_sigreturn;
    }
}

TEST(print_tracer) {
    if (under_the_shim()) {
        execl("/proc/self/exe", "tracer", "print_tracer", NULL);
        return 1;
    }
    const char *traced = getenv("SOLO_TRACED");
    CHECK(traced);
    pid_t child = (pid_t)number(traced);
    int status, kicked = 0;
    CHECK(asleep(child, SYS_rt_sigsuspend) && ptrace(PTRACE_SEIZE, child, 0, 0) == 0);
    CHECK(kill(child, SIGUSR1) == 0 && stopped_by(child) == SIGUSR1);
    CHECK(step_behind_the_handler(child, SIGUSR1) == -EINTR);
    if (getenv("SOLO_KICK")) {
        queue_kick(child);
        CHECK(ptrace(PTRACE_CONT, child, 0, 0) == 0 && stopped_by(child) == SIGSYS);
        kicked = SIGSYS;
    }
    for (status = kicked << 8 | 0x7f; WIFSTOPPED(status);) { /* (a trapped call is a SIGSYS, too) */
        CHECK(ptrace(PTRACE_CONT, child, 0, WSTOPSIG(status)) == 0);
        CHECK(waitpid(child, &status, __WALL) == child);
    }
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 33);
    return 0;
}

/* A kick makes a call again that it has interrupted itself. One that failed because of a handler stays
 * failed, also when the kick comes before the next instruction: this sigsuspend would wait for ever. */
TEST(a_kick_does_not_repeat_a_call_that_a_handler_ended) {
    pid_t child = fork();
    if (child == 0) {
        uint64_t none = 0, blocked = 1ull << (SIGUSR1 - 1);
        handle(SIGUSR1, nothing, 0);
        raw4(SYS_rt_sigprocmask, SIG_BLOCK, &blocked, 0, 8);
        prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
        alarm(20);
        _exit(raw2(SYS_rt_sigsuspend, &none, 8) == -EINTR ? 33 : 1);
    }
    pid_t tracer = fork();
    if (tracer == 0) {
        char number[16];
        (void)snprintf(number, sizeof number, "%d", child);
        setenv("SOLO_TRACED", number, 1);
        if (under_the_shim())
            setenv("SOLO_KICK", "1", 1);
        setenv("MVEDSUA_EXEC", "none", 1);
        execl("/proc/self/exe", "tracer", "print_tracer", NULL);
        _exit(99);
    }
    int traced = ended(tracer);
    CHECK(ended(child) == 33 && traced == 0);
    return 0;
}

/* ... and one that it has interrupted itself is made again: nobody sees an EINTR of which no handler told. */
TEST(a_kick_repeats_a_call_that_it_interrupted) {
    pid_t child = fork();
    if (child == 0) {
        struct timespec time = {20, 0};
        handle(SIGUSR1, nothing, 0);
        _exit(raw2(SYS_nanosleep, &time, 0) == -EINTR ? 33 : 1);
    }
    CHECK(asleep(child, SYS_nanosleep));
    if (under_the_shim()) {
        queue_kick(child);
        CHECK(asleep(child, SYS_nanosleep));
    }
    kill(child, SIGUSR1);
    CHECK(ended(child) == 33);
    return 0;
}

/* A fault that is sent, as kill -SEGV does, is a signal wherever it finds the shim, also where its own reads
 * through the program's pointers may fault. */
static volatile sig_atomic_t sent, arrived;
static volatile int over;
static void arrives(int number) {
    (void)number;
    arrived++;
}
static void *sends_faults(void *target) {
    int64_t limit = now_ns() + 30000000000;
    int todo = rounds(20000);
    for (int i = 0; i < todo && !over; i++) {
        sent++;
        pthread_kill(*(pthread_t *)target, i % 2 ? SIGSEGV : SIGBUS);
        while (arrived != sent && now_ns() < limit)
            ;
        if (arrived != sent)
            break;
    }
    over = 1;
    return NULL;
}
TEST(a_fault_that_was_sent_arrives) {
    pthread_t self = pthread_self(), sender;
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    CHECK(handle(SIGSEGV, arrives, 0) == 0 && handle(SIGBUS, arrives, 0) == 0);
    CHECK(pthread_create(&sender, NULL, sends_faults, &self) == 0);
    while (!over) {
        madvise(page, 4096, MADV_DONTNEED); /* the shim's store takes a page fault's time */
        raw4(SYS_rt_sigaction, SIGUSR1, NULL, page, 8);
    }
    pthread_join(sender, NULL);
    CHECK(arrived == sent);
    return 0;
}
