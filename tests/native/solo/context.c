/* What a system call must leave as it was: registers, stack, vector state (pitfalls 4, 5, 6). */
#define _GNU_SOURCE
#include "solo.h"

#include <cpuid.h>

/* rt_sigprocmask(SIG_BLOCK, NULL, NULL, 8) is a call that the shim looks at; getppid one that it lets pass.
 */
#define SLOW "mov $14, %%eax; xor %%edi, %%edi; xor %%esi, %%esi; xor %%edx, %%edx; mov $8, %%r10d; syscall\n"
#define FAST "mov $110, %%eax; syscall\n"

static uint64_t red_zone_sum(int slow) {
    uint64_t sum = 0;
    __asm__ volatile(
        "movq $1, -8(%%rsp); movq $2, -16(%%rsp); movq $4, -64(%%rsp); movq $8, -120(%%rsp); movq $16, "
        "-128(%%rsp)\n"
        "test %%ebx, %%ebx; jz 1f\n" SLOW "jmp 2f\n1:" FAST
        "2: mov -8(%%rsp), %0; add -16(%%rsp), %0; add -64(%%rsp), %0; add -120(%%rsp), %0; add "
        "-128(%%rsp), %0"
        : "=r"(sum), "+b"(slow)
        :
        : "rax", "rcx", "rdx", "rsi", "rdi", "r10", "r11", "memory", "cc");
    return sum;
}

TEST(red_zone_survives_a_call) {
    /* The compiler keeps its own things in the red zone of this leaf too: call it on a clean frame. */
    uint64_t (*volatile leaf)(int) = red_zone_sum;
    for (int i = 0; i < 1000; i++) {
        CHECK(leaf(0) == 31);
        CHECK(leaf(1) == 31);
    }
    return 0;
}

void call_with(const uint64_t in[14], uint64_t out[14]);
enum { RAX, RBX, RDX, RSI, RDI, RBP, R8, R9, R10, R12, R13, R14, R15, RSP };

TEST(integer_registers_survive_a_call) {
    for (int slow = 0; slow < 2; slow++) {
        uint64_t in[14], out[14];
        for (int i = 0; i < 13; i++)
            in[i] = 0x1111111111111111ull * (uint64_t)(i + 1);
        in[RSP] = 0;
        in[RAX] = slow ? SYS_rt_sigprocmask : SYS_getppid;
        if (slow) {
            in[RSI] = in[RDX] = in[RDI] = 0;
            in[R10] = 8;
        }
        call_with(in, out);
        CHECK(out[RAX] == (slow ? 0 : (uint64_t)getppid()));
        for (int i = RBX; i < RSP; i++)
            CHECK(out[i] == in[i]);
    }
    return 0;
}

/* A call that the shim looks at is made on a stack of the shim's own: rsp may be anything. */
TEST(slow_call_needs_no_stack) {
    uint64_t in[14] = {[RAX] = SYS_rt_sigprocmask, [R10] = 8, [RSP] = 0x10}, out[14];
    call_with(in, out);
    CHECK(out[RAX] == 0 && out[RSP] == 0x10);
    return 0;
}

/* Anything else costs 152 bytes below the red zone's 128: less than a signal's frame. */
TEST(call_with_tiny_stack) {
    char *page = mmap(NULL, 3UL * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED && mprotect(page, 4096, PROT_NONE) == 0);
    for (int odd = 0; odd < 16; odd++) { /* misaligned, too */
        uint64_t in[14] = {[RAX] = SYS_getppid, [RSP] = (uint64_t)page + 4096 + 320 + (uint64_t)odd}, out[14];
        memset(page + 4096, 0x5a, 8192);
        call_with(in, out);
        CHECK(out[RAX] == (uint64_t)getppid() && out[RSP] == in[RSP]);
        for (uint64_t red = in[RSP] - 128; red < (uint64_t)page + 3UL * 4096; red++)
            CHECK(*(unsigned char *)red == 0x5a);
    }
    return 0;
}

static int bit(unsigned leaf, unsigned sub, int reg, int number) {
    unsigned r[4] = {0};
    if (!__get_cpuid_count(leaf, sub, &r[0], &r[1], &r[2], &r[3]))
        return 0;
    return (int)(r[reg] >> number & 1);
}

static void nothing(int number) {
    (void)number;
}

/* All vector registers are filled, several calls of both kinds made, with and without a signal: compared. */
#define VECTOR_TEST(width, name, count, load, store)                                                         \
    __attribute__((target("avx512f"))) static int name(void) {                                               \
        static unsigned char before[32][64], after[32][64];                                                  \
        for (int i = 0; i < (count); i++)                                                                    \
            for (int b = 0; b < (width); b++)                                                                \
                before[i][b] = (unsigned char)(i * 7 + b * 13 + 1);                                          \
        pid_t self = getpid();                                                                               \
        __asm__ volatile(load "mov %[pid], %%edi; mov $10, %%esi; mov $62, %%eax; syscall\n" FAST SLOW store \
                         :                                                                                   \
                         : [from] "r"(before), [to] "r"(after), [pid] "r"(self)                              \
                         : "rax", "rcx", "rdx", "rsi", "rdi", "r10", "r11", "memory", "cc", ALL_VECTORS);    \
        return memcmp(before, after, sizeof before) == 0;                                                    \
    }
#define ALL_VECTORS                                                                                          \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",        \
        "xmm12", "xmm13", "xmm14", "xmm15"
#define SIXTEEN(op, fmt)                                                                                     \
    op(0, fmt) op(1, fmt) op(2, fmt) op(3, fmt) op(4, fmt) op(5, fmt) op(6, fmt) op(7, fmt) op(8, fmt)       \
        op(9, fmt) op(10, fmt) op(11, fmt) op(12, fmt) op(13, fmt) op(14, fmt) op(15, fmt)
#define MORE(op, fmt)                                                                                        \
    op(16, fmt) op(17, fmt) op(18, fmt) op(19, fmt) op(20, fmt) op(21, fmt) op(22, fmt) op(23, fmt)          \
        op(24, fmt) op(25, fmt) op(26, fmt) op(27, fmt) op(28, fmt) op(29, fmt) op(30, fmt) op(31, fmt)
#define LOAD_XMM(n, x)  "movdqu 64*" #n "(%[from]), %%xmm" #n "\n"
#define STORE_XMM(n, x) "movdqu %%xmm" #n ", 64*" #n "(%[to])\n"
#define LOAD_YMM(n, x)  "vmovdqu 64*" #n "(%[from]), %%ymm" #n "\n"
#define STORE_YMM(n, x) "vmovdqu %%ymm" #n ", 64*" #n "(%[to])\n"
#define LOAD_ZMM(n, x)  "vmovdqu64 64*" #n "(%[from]), %%zmm" #n "\n"
#define STORE_ZMM(n, x) "vmovdqu64 %%zmm" #n ", 64*" #n "(%[to])\n"
VECTOR_TEST(16, sse_survives, 16, SIXTEEN(LOAD_XMM, ), SIXTEEN(STORE_XMM, ))
VECTOR_TEST(32, avx_survives, 16, SIXTEEN(LOAD_YMM, ), SIXTEEN(STORE_YMM, ))
VECTOR_TEST(64, avx512_survives, 32, SIXTEEN(LOAD_ZMM, ) MORE(LOAD_ZMM, ),
            SIXTEEN(STORE_ZMM, ) MORE(STORE_ZMM, ))

TEST(vector_state_survives_a_call) {
    CHECK(handle(SIGUSR1, nothing, 0) == 0);
    CHECK(sse_survives());
    if (!bit(7, 0, 1, 5))
        SKIP("this processor has no AVX2: only xmm was tested");
    CHECK(avx_survives());
    return 0;
}

TEST(avx512_state_survives_a_call) {
    if (!bit(7, 0, 1, 16))
        SKIP("this processor has no AVX-512");
    CHECK(handle(SIGUSR1, nothing, 0) == 0);
    CHECK(avx512_survives());
    return 0;
}

TEST(floating_point_control_survives_a_call) {
    uint32_t mxcsr = 0x7f80, seen_mxcsr;     /* round to zero */
    uint16_t control = 0x0e7f, seen_control; /* x87: round to zero, double precision */
    CHECK(handle(SIGUSR1, nothing, 0) == 0);
    __asm__ volatile("ldmxcsr %0; fldcw %1; fldpi" : : "m"(mxcsr), "m"(control));
    raw0(SYS_getppid);
    raw4(SYS_rt_sigprocmask, 0, 0, 0, 8);
    raw2(SYS_kill, getpid(), SIGUSR1);
    long double pi;
    __asm__ volatile("stmxcsr %0; fnstcw %1; fstpt %2" : "=m"(seen_mxcsr), "=m"(seen_control), "=m"(pi));
    CHECK((seen_mxcsr & 0xffc0) == mxcsr);
    CHECK(seen_control == control);
    CHECK(pi > 3.14159265L && pi < 3.14159266L);
    return 0;
}
