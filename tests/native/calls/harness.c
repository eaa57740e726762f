#define _GNU_SOURCE
#include "harness.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "calls/guard.h"

uint8_t *arena;
int failures;
int test_failed;

static int faults;

static uint8_t before[ARENA_SIZE], after[ARENA_SIZE];
static uint8_t out_payload[4 * ARENA_SIZE];
static struct observed last;

static void on_fault(int signal_number, siginfo_t *info, void *context) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    uint64_t resume = mv_guard_fixup((uint64_t)registers[REG_RIP]);

    if (resume == 0) {
        dprintf(1, "# signal %d at %p for address %p\n", signal_number, (void *)registers[REG_RIP],
                info->si_addr);
        _exit(1);
    }
    faults++;
    registers[REG_RIP] = (greg_t)resume;
}

void harness_start(void) {
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    arena = mmap(NULL, ARENA_SIZE + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (arena == MAP_FAILED || mprotect(arena + ARENA_SIZE, 4096, PROT_NONE) != 0)
        abort();
}

void test_begin(void) {
    test_failed = 0;
    memset(arena, 0xa5, ARENA_SIZE);
}

void test_end(const char *name) {
    printf("%s %s\n", test_failed ? "not ok" : "ok", name);
    failures += test_failed;
}

void *at_the_end(size_t size) {
    return arena + ARENA_SIZE - size;
}

void put_string(void *to, const char *text) {
    size_t size = strlen(text) + 1;
    if ((uint8_t *)to < arena || size > ARENA_SIZE - (size_t)((uint8_t *)to - arena))
        abort();
    memcpy(to, text, size);
}

const struct observed *observe(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
                               uint64_t f) {
    const struct mv_call_row *row = mv_call_find((uint64_t)number);
    uint64_t args[6] = {a, b, c, d, e, f};
    struct mv_call_entry entry;
    static struct mv_segment targets[MAX_SEGMENTS];
    int target_count;
    uint64_t out_size;

    faults = 0;
    mv_call_capture(row, args, &entry);
    last.in_count = mv_call_in_segments(row, args, last.in, MAX_SEGMENTS);
    last.in_size = last.in_count > 0 ? mv_payload_write(last.in_payload, last.in, last.in_count) : 0;
    memcpy(before, arena, ARENA_SIZE);

    last.result = syscall(number, a, b, c, d, e, f);
    if (last.result == -1)
        last.result = -errno;

    memcpy(after, arena, ARENA_SIZE);
    last.out_count = mv_call_out_segments(row, args, last.result, &entry, last.out, MAX_SEGMENTS);
    CHECK(last.in_count >= 0);
    CHECK(last.out_count >= 0);
    out_size = last.out_count > 0 ? mv_payload_write(out_payload, last.out, last.out_count) : 0;
    CHECK(out_size == mv_payload_size(last.out, last.out_count));

    // The walkers claim no byte beyond what the kernel was given: no guarded access went astray.
    CHECK(faults == 0 || last.result == -EFAULT);
    memcpy(arena, before, ARENA_SIZE);
    target_count = mv_call_out_targets(row, args, last.result, targets, MAX_SEGMENTS);
    CHECK(target_count >= last.out_count);
    int filled = mv_payload_fill(out_payload, out_size, targets, target_count);
    CHECK(filled == 0);
    if (memcmp(arena, after, ARENA_SIZE) != 0) {
        uint32_t at = 0;

        while (arena[at] == after[at])
            at++;
        printf("# %s: byte %u: the call left %#x, the replay %#x\n", row->name, at, after[at], arena[at]);
        test_failed = 1;
    }
    memcpy(arena, after, ARENA_SIZE);
    return &last;
}
