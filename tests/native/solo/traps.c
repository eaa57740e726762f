/* SECCOMP_RET_TRAP: a handler of SIGSYS stands for a call, as in sandboxes. It finds the program's registers,
 * stack and address, whatever way the call takes in the shim, and what it puts into rax is the call's result.
 */
#define _GNU_SOURCE
#include "solo.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <ucontext.h>

/* One trapped call: where it stands, what its registers were, and what came back. */
static struct {
    uint64_t address, stack, flags;
    long nr, args[4];
    int handled, wrong;
} made;

__attribute__((noinline)) static long trapped(long nr, long a, long b, long c, long d) {
    long result;
    register long r10 __asm__("r10") = d;
    made.nr = nr;
    made.args[0] = a, made.args[1] = b, made.args[2] = c, made.args[3] = d;
    __asm__ volatile(
        "lea 1f(%%rip), %%rcx; mov %%rcx, (%[made]); mov %%rsp, 8(%[made])\n"
        "cmp $1, %%eax; stc; syscall\n1: setc 16(%[made])"
        : "=a"(result)
        : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), [made] "r"(&made)
        : "rcx", "r11", "memory", "cc");
    return result;
}

static void stands_for(int number, siginfo_t *info, void *context) {
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    sigset_t seen;
    made.handled++;
    if (number != SIGSYS || info->si_code != 1 /* SYS_SECCOMP */ || info->si_syscall != made.nr ||
        info->si_errno != 7)
        made.wrong = 1;
    if ((uint64_t)r[REG_RIP] != made.address || (uint64_t)info->si_call_addr != made.address)
        made.wrong = 2;
    if ((uint64_t)r[REG_RSP] != made.stack || r[REG_RAX] != made.nr || !(r[REG_EFL] & 1))
        made.wrong = 3;
    if (r[REG_RDI] != made.args[0] || r[REG_RSI] != made.args[1] || r[REG_RDX] != made.args[2] ||
        r[REG_R10] != made.args[3])
        made.wrong = 4;
    if ((uint64_t)__builtin_frame_address(0) > made.stack && made.handled < 1000)
        made.wrong = 5; /* (the alternate stack is elsewhere; that test counts from 1000) */
    sigemptyset(&seen);
    r[REG_RAX] = 4000 + r[REG_RAX];
    r[REG_EFL] &= ~1;
}

static int filter(const long *numbers, int count) {
    struct sock_filter code[32] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
    unsigned short n = 1;
    for (int i = 0; i < count; i++) {
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)numbers[i], 0, 1);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP | 7);
    }
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {n, code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* Fast under the shim: getppid. Slow: masks, memory, dispositions, another prctl. Made raw: vfork and a
 * thread's clone. */
static const long numbers[] = {SYS_rt_sigprocmask, SYS_getppid,  SYS_pkey_mprotect,
                               SYS_mremap,         SYS_execveat, SYS_seccomp,
                               SYS_vfork,          SYS_fork,     SYS_sigaltstack};
#define NUMBERS ((int)(sizeof numbers / sizeof *numbers))
/* The shim itself uses rt_sigprocmask to let a signal in behind a slow call, and around one on the alternate
 * stack. */
#define WITHOUT_MASKS (numbers + 1), (NUMBERS - 1)

static int handles_traps(int flags) {
    struct sigaction action = {.sa_sigaction = stands_for, .sa_flags = SA_SIGINFO | flags};
    return sigaction(SIGSYS, &action, NULL);
}

static int all_trapped(const long *numbers, int count, int rounds) {
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < count; i++) {
            int before = made.handled;
            long args[4] = {0, 0, 0, numbers[i] == SYS_rt_sigprocmask ? 8 : 0};
            if (numbers[i] == SYS_pkey_mprotect)
                args[0] = (long)&made & ~4095L, args[1] = 4096, args[2] = PROT_READ | PROT_EXEC;
            long result = trapped(numbers[i], args[0], args[1], args[2], args[3]);
            if (made.wrong || result != 4000 + numbers[i] || made.handled != before + 1 || (made.flags & 1)) {
                printf("call %ld: result %ld, handled %d, wrong %d\n", numbers[i], result,
                       made.handled - before, made.wrong);
                return 1;
            }
        }
    return 0;
}

TEST(a_filters_handler_stands_for_a_call) {
    CHECK(handles_traps(0) == 0 && filter(numbers, NUMBERS) == 0);
    return all_trapped(numbers, NUMBERS, 100);
}

TEST(a_filters_handler_stands_for_a_call_on_the_alternate_stack) {
    stack_t alternate = {.ss_sp = malloc(65536), .ss_size = 65536};
    made.handled = 1000;
    CHECK(sigaltstack(&alternate, NULL) == 0);
    CHECK(handles_traps(SA_ONSTACK) == 0 && filter(numbers, NUMBERS) == 0);
    return all_trapped(numbers, NUMBERS, 100);
}

static volatile int inside = 77;
static void calls(int number) {
    volatile char mine[4096];
    (void)number;
    for (unsigned i = 0; i < sizeof mine; i++)
        mine[i] = 0x5a;
    inside = all_trapped(WITHOUT_MASKS, 3);
    for (unsigned i = 0; i < sizeof mine; i++)
        inside |= mine[i] != 0x5a;
}

/* The calls are trapped while a handler of another signal stands on the alternate stack. */
TEST(a_handler_on_the_alternate_stack_makes_trapped_calls) {
    stack_t alternate = {.ss_sp = malloc(65536), .ss_size = 65536};
    made.handled = 1000;
    CHECK(sigaltstack(&alternate, NULL) == 0 && handle(SIGUSR1, calls, SA_ONSTACK) == 0);
    CHECK(handles_traps(0) == 0 && filter(WITHOUT_MASKS) == 0);
    for (int i = 0; i < 20; i++) {
        (void)raise(SIGUSR1);
        CHECK(inside == 0);
        inside = 77;
    }
    return 0;
}

/* The handler's own calls, slow ones too, are its own. */
static void calls_itself(int number, siginfo_t *info, void *context) {
    sigset_t set;
    (void)number;
    (void)info;
    sigemptyset(&set);
    made.wrong |= sigprocmask(SIG_BLOCK, &set, NULL) != 0;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RAX] = made.handled++;
}
TEST(a_filters_handler_makes_calls) {
    static const long two[] = {SYS_getppid, SYS_sigaltstack};
    struct sigaction action = {.sa_sigaction = calls_itself, .sa_flags = SA_SIGINFO};
    CHECK(sigaction(SIGSYS, &action, NULL) == 0 && filter(two, 2) == 0);
    for (int i = 0; i < 1000; i++)
        CHECK(trapped(two[i & 1], 0, 0, 0, 0) == i && !made.wrong);
    return 0;
}

static volatile int alarms;
static void counts(int number) {
    (void)number;
    alarms++;
}

/* ... and the signals of others are handled among them. */
TEST(trapped_calls_in_a_timer_storm) {
    CHECK(handles_traps(0) == 0 && handle(SIGALRM, counts, 0) == 0 && filter(WITHOUT_MASKS) == 0);
    storm(100);
    for (int i = 0; i < rounds(50000) || alarms < 200; i++) {
        long nr = numbers[1 + i % (NUMBERS - 1)];
        CHECK(trapped(nr, 0, 0, 0, 8) == 4000 + nr && !made.wrong);
    }
    storm(0);
    return 0;
}

/* Without a handler it ends the process, also when ignored. */
TEST(a_trap_without_a_handler_ends_the_process) {
    static const long some[] = {SYS_getppid, SYS_sigaltstack};
    for (int i = 0; i < 4; i++) {
        pid_t child = fork();
        if (child == 0) {
            (void)signal(SIGSYS, i & 1 ? SIG_IGN : SIG_DFL);
            if (filter(some, 2))
                _exit(1);
            raw2(some[i >> 1], 0, 0);
            _exit(0);
        }
        CHECK(ended(child) == 256 + SIGSYS);
    }
    return 0;
}

static volatile int taken, stop;
static void takes(int number) {
    (void)number;
    taken++;
    raw4(SYS_rt_sigprocmask, 0, 0, 0, 8);
}
/* One after the other; again when one was lost (there is at most one pending, and the shim has its own). */
static void *sends(void *thread) {
    while (!stop) {
        int before = taken;
        pthread_kill(*(pthread_t *)thread, SIGSYS);
        for (int i = 0; i < 1000 && taken == before && !stop; i++)
            sched_yield();
    }
    return NULL;
}
/* A SIGSYS that somebody sends is a signal like others: it comes when the thread has left the shim. */
TEST(sent_sigsys_is_handled_between_slow_calls) {
    pthread_t self = pthread_self(), other;
    CHECK(handle(SIGSYS, takes, 0) == 0 && handle(SIGALRM, counts, 0) == 0);
    CHECK(pthread_create(&other, NULL, sends, &self) == 0);
    storm(200);
    for (int i = 0; i < rounds(200000) || taken < 1000; i++)
        CHECK(raw4(SYS_rt_sigprocmask, 0, 0, 0, 8) == 0);
    storm(0);
    stop = 1;
    pthread_join(other, NULL);
    return 0;
}
