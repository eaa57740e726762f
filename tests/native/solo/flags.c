/* The arithmetic flags and the direction flag are the program's, before and after a call, as with the kernel.
 */
#define _GNU_SOURCE
#include "solo.h"

#include <sched.h>
#include <ucontext.h>

#define CARRY      0x001ull
#define ARITHMETIC 0x8d5ull /* CF PF AF ZF SF OF */
#define DIRECTION  0x400ull
#define KEPT       (ARITHMETIC | DIRECTION)

struct outcome {
    long result;
    uint64_t flags;
};

/* One call with these flags set; what they are behind it. */
#define WITH_FLAGS(code)                                                                                     \
    "lea -128(%%rsp), %%rsp\n pushfq\n push %[flags]\n popfq\n" code                                         \
    "pushfq\n pop %[after]\n popfq\n lea 128(%%rsp), %%rsp\n"
__attribute__((noinline)) static struct outcome call(uint64_t flags, long nr, long a, long b, long c,
                                                     long d) {
    struct outcome out;
    register long r10 __asm__("r10") = d;
    __asm__ volatile(WITH_FLAGS("syscall\n")
                     : "=a"(out.result), [after] "=&r"(out.flags)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), [flags] "r"(flags | 0x202)
                     : "rcx", "r11", "memory", "cc");
    return out;
}

/* All combinations of the seven flags. */
#define COMBINATIONS (1 << 7)
static uint64_t combination(int i) {
    static const uint64_t bits[] = {0x1, 0x4, 0x10, 0x40, 0x80, 0x800, DIRECTION};
    uint64_t flags = 0;
    for (int b = 0; b < 7; b++)
        flags |= i >> b & 1 ? bits[b] : 0;
    return flags;
}

TEST(flags_survive_a_call) {
    for (int i = 0; i < COMBINATIONS; i++) {
        struct outcome fast = call(combination(i), SYS_getppid, 0, 0, 0, 0);
        CHECK(fast.result == getppid() && (fast.flags & KEPT) == combination(i));
        struct outcome slow = call(combination(i), SYS_rt_sigprocmask, 0, 0, 0, 8);
        CHECK(slow.result == 0 && (slow.flags & KEPT) == combination(i));
        struct outcome wrong = call(combination(i), 0x12345, 0, 0, 0, 0);
        CHECK(wrong.result == -ENOSYS && (wrong.flags & KEPT) == combination(i));
    }
    return 0;
}

static volatile sig_atomic_t handled;
static volatile uint64_t seen_flags;

static void spoils(int number) {
    (void)number;
    handled++;
    raw4(SYS_rt_sigprocmask, 0, 0, 0, 8); /* a slow call of the handler's own, with other flags */
}

/* A signal finds the thread at every instruction of the way in and out, and is handled there. */
TEST(flags_survive_a_call_among_signals) {
    CHECK(handle(SIGALRM, spoils, 0) == 0);
    storm(50);
    for (int i = 0; i < rounds(300000) || handled < 100; i++) {
        uint64_t flags = combination(i & 127);
        struct outcome out =
            i & 128 ? call(flags, SYS_getppid, 0, 0, 0, 0) : call(flags, SYS_rt_sigprocmask, 0, 0, 0, 8);
        if ((out.flags & KEPT) != flags)
            printf("round %d: %#lx instead of %#lx\n", i, (long)out.flags, (long)flags);
        CHECK((out.flags & KEPT) == flags);
    }
    storm(0);
    return 0;
}

static int ends[2];
static volatile int stop;

static void *signals_often(void *thread) {
    while (!stop) {
        usleep(200);
        pthread_kill(*(pthread_t *)thread, SIGUSR1);
    }
    return NULL;
}

static void ends_at_last(int number) {
    spoils(number);
    if (handled == 50)
        raw3(SYS_write, ends[1], "x", 1);
}

/* An interrupted call is made again, or fails, with the flags that it began with: a fast one (read) and a
 * slow one (wait4 of a child that reads the same pipe). */
TEST(flags_survive_an_interrupted_call) {
    pthread_t self = pthread_self(), other;
    CHECK(pipe(ends) == 0);
    for (int slow = 0; slow < 2; slow++)
        for (int restarts = 0; restarts < 2; restarts++) {
            char byte;
            CHECK(handle(SIGUSR1, ends_at_last, restarts ? SA_RESTART : 0) == 0);
            handled = stop = 0;
            pid_t child = slow ? fork() : 0;
            if (slow && child == 0)
                _exit(read(ends[0], &byte, 1) != 1);
            CHECK(pthread_create(&other, NULL, signals_often, &self) == 0);
            struct outcome out;
            int made = 0;
            do {
                uint64_t flags = combination(made++ & 127);
                out = slow ? call(flags, SYS_wait4, child, 0, 0, 0)
                           : call(flags, SYS_read, ends[0], (long)&byte, 1, 0);
                CHECK((out.flags & KEPT) == flags);
            } while (out.result == -EINTR);
            CHECK(out.result == (slow ? child : 1) && handled >= 50 && (made == 1) == restarts);
            stop = 1;
            pthread_join(other, NULL);
        }
    return 0;
}

static void looks(int number, siginfo_t *info, void *context) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    (void)number;
    (void)info;
    seen_flags = (uint64_t)registers[REG_EFL];
    registers[REG_EFL] ^= (greg_t)CARRY;
    handled++;
}

/* A handler finds the program's flags in its context, and what it changes there takes effect. */
TEST(flags_in_a_signal_frame_are_the_programs) {
    struct sigaction action = {.sa_sigaction = looks, .sa_flags = SA_SIGINFO};
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    uint64_t bit = 1ull << (SIGUSR1 - 1);
    for (int i = 0; i < COMBINATIONS; i++) {
        struct outcome out = call(combination(i), SYS_kill, getpid(), SIGUSR1, 0, 0);
        CHECK(out.result == 0 && handled == 2 * i + 1);
        CHECK((seen_flags & KEPT) == combination(i) && (out.flags & KEPT) == (combination(i) ^ CARRY));
        CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0 && raise(SIGUSR1) == 0);
        out = call(combination(i), SYS_rt_sigprocmask, SIG_UNBLOCK, (long)&bit, 0, 8);
        CHECK(out.result == 0 && handled == 2 * i + 2);
        CHECK((seen_flags & KEPT) == combination(i) && (out.flags & KEPT) == (combination(i) ^ CARRY));
    }
    return 0;
}

static int alternate_failed;

static void calls_slowly(int number) {
    (void)number;
    for (int i = 0; i < COMBINATIONS; i++) {
        struct outcome out = call(combination(i), SYS_rt_sigprocmask, 0, 0, 0, 8);
        if ((out.flags & KEPT) != combination(i))
            alternate_failed = i + 1;
    }
    handled++;
}

TEST(flags_survive_a_call_on_the_alternate_stack) {
    stack_t alternate = {.ss_sp = malloc(65536), .ss_size = 65536};
    CHECK(sigaltstack(&alternate, NULL) == 0 && handle(SIGUSR1, calls_slowly, SA_ONSTACK) == 0);
    CHECK(raise(SIGUSR1) == 0 && handled == 1 && alternate_failed == 0);
    return 0;
}

/* vfork (stack 0: the shared one) or clone: flags in the parent, the child's in *child. */
static uint64_t twice(uint64_t flags, long nr, long first, long stack, volatile uint64_t *child) {
    register long pid __asm__("rax") = nr;
    register volatile uint64_t *out __asm__("r9") = child;
    register uint64_t after __asm__("rbx") = flags | 0x202;
    __asm__ volatile(
        "lea -128(%%rsp), %%rsp\n pushfq\n push %%rbx\n popfq\n"
        "mov $0, %%edx; mov $0, %%r10d; mov $0, %%r8d\n" /* mov keeps flags */
        "syscall\n"
        "pushfq\n pop %%rbx\n cld\n test %%rax, %%rax\n jnz 1f\n"
        "mov %%rbx, (%%r9)\n xor %%edi, %%edi\n mov $60, %%eax\n syscall\n ud2\n"
        "1: popfq\n lea 128(%%rsp), %%rsp\n"
        : "+a"(pid), "+b"(after)
        : "D"(first), "S"(stack), "r"(out)
        : "rcx", "rdx", "r8", "r10", "r11", "memory", "cc");
    if (pid < 0 || ended((pid_t)pid) != 0)
        return ~0ull;
    return after;
}

TEST(flags_survive_calls_that_return_twice) {
    volatile uint64_t *child = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *stack = malloc(65536);
    long top = ((long)stack + 65536) & ~15L;
    CHECK(child != MAP_FAILED && stack);
    for (int i = 0; i < COMBINATIONS; i++) {
        *child = 0;
        CHECK((twice(combination(i), SYS_vfork, 0, 0, child) & KEPT) == combination(i));
        CHECK((*child & KEPT) == combination(i));
        CHECK((twice(combination(i), SYS_fork, 0, 0, child) & KEPT) == combination(i));
        CHECK((*child & KEPT) == combination(i));
        CHECK((twice(combination(i), SYS_clone, SIGCHLD, top, child) & KEPT) == combination(i));
        CHECK((*child & KEPT) == combination(i));
        CHECK((twice(combination(i), SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, top, child) & KEPT) ==
              combination(i));
        CHECK((*child & KEPT) == combination(i));
    }
    return 0;
}

/* The lower half of a number alone says nothing: an x32 call, or one of no table, is refused as ever. */
TEST(numbers_are_compared_whole) {
    static const long upper[] = {0x40000000, 0x10000, 0x7fff0000, 0x80000000};
    if (raw0(0x40000000 + SYS_getppid) != -ENOSYS && !under_the_shim())
        SKIP("this kernel makes x32 calls");
    for (int i = 0; i < 4; i++) {
        struct outcome out = call(combination(85), upper[i] + SYS_getppid, 0, 0, 0, 0);
        CHECK(out.result == -ENOSYS && (out.flags & KEPT) == combination(85));
    }
    return 0;
}
