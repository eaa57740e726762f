#define _GNU_SOURCE
/* fuzz [NAME]              runs all fuzzers (or one), FUZZ_SECONDS each: ok NAME / not ok NAME with the seed
 * fuzz NAME SEED           runs the one case of this seed, in this very process (for a debugger) */
#include "fuzz.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "../number.h"
#include "calls/guard.h"

enum { PAGE = 4096, GUARD = 4 << 20, HANGS_AFTER_SECONDS = 20, CASES_OF_A_PROCESS = 2000 };

static const struct fuzzer *const fuzzers[] = {&maps_fuzzer, &elf_fuzzer,     &code_fuzzer,
                                               &log_fuzzer,  &payload_fuzzer, &masks_fuzzer};

/* What the parent knows of its child, however that ends. */
struct progress {
    uint64_t seed, cases;
};

uint64_t awkward_number(struct rng *r, uint64_t size) {
    const uint64_t near[] = {0, size, PAGE, 1ULL << 31, 1ULL << 32, 1ULL << 47, 1ULL << 63};
    uint64_t offset = rng_below(r, 130);
    switch (rng_below(r, 8)) {
    case 0:
        return rng_next(r);
    case 1:
        return rng_below(r, size + 1);
    case 2:
        return rng_below(r, 256);
    default:
        return near[rng_below(r, sizeof near / sizeof near[0])] + (rng_below(r, 2) ? offset : 0 - offset);
    }
}

void mutate(struct rng *r, uint8_t *bytes, size_t size) {
    if (size == 0)
        return;
    for (uint64_t changes = 1 + rng_below(r, 6); changes > 0; changes--) {
        size_t at = rng_below(r, size), length = 1 + rng_below(r, 16);
        uint64_t number = awkward_number(r, size);
        switch (rng_below(r, 5)) {
        case 0:
            bytes[at] ^= (uint8_t)(1U << rng_below(r, 8));
            break;
        case 1:
            bytes[at] = (uint8_t)rng_next(r);
            break;
        case 2: /* a word, where words stand */
            at &= ~(size_t)7;
            length = size - at < 8 ? size - at : rng_below(r, 2) ? 8 : 4;
            memcpy(bytes + at, &number, length < size - at ? length : size - at);
            break;
        case 3:
            memset(bytes + at, (int)(number & 0xff), length < size - at ? length : size - at);
            break;
        default: { /* a run from elsewhere */
            size_t from = rng_below(r, size), most = size - (at > from ? at : from);
            memmove(bytes + at, bytes + from, length < most ? length : most);
        }
        }
    }
}

uint8_t *guarded_memory(size_t size) {
    uint8_t *all = mmap(NULL, size + 2UL * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED || mprotect(all + GUARD, size, PROT_READ | PROT_WRITE)) {
        perror("guarded memory");
        exit(2);
    }
    return all + GUARD;
}

static uintptr_t watched_start, watched_end;

static void on_fault(int number, siginfo_t *info, void *context) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    uintptr_t address = (uintptr_t)info->si_addr;
    uint64_t resume = mv_guard_fixup((uint64_t)registers[REG_RIP]);
    if (resume == 0 || (address >= watched_start - GUARD && address < watched_end + GUARD)) {
        dprintf(2, "signal %d for address %#lx (watched: %#lx-%#lx) at %#llx\n", number, address,
                watched_start, watched_end, (unsigned long long)registers[REG_RIP]);
        abort();
    }
    registers[REG_RIP] = (greg_t)resume;
}

void survive_guarded_faults(const uint8_t *watched, size_t size) {
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    watched_start = (uintptr_t)watched;
    watched_end = watched_start + size;
    if (sigaction(SIGSEGV, &action, NULL) || sigaction(SIGBUS, &action, NULL))
        abort();
}

_Noreturn void fuzz_failed(const char *file, int line, const char *what) {
    (void)fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}

static void run_case(const struct fuzzer *fuzzer, uint64_t seed) {
    struct rng r = {seed};
    fuzzer->run(&r);
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* A process is left after some thousand cases: what the rewriter knows of memory it has left grows. */
static _Noreturn void child(const struct fuzzer *fuzzer, int64_t until, struct progress *progress) {
    if (fuzzer->start)
        fuzzer->start();
    for (int cases = 0; cases < CASES_OF_A_PROCESS && now_ms() < until; cases++) {
        alarm(HANGS_AFTER_SECONDS);
        run_case(fuzzer, progress->seed);
        progress->seed++;
        progress->cases++;
    }
    _exit(0);
}

/* 0: passed. */
static int fuzz(const char *program, const struct fuzzer *fuzzer, uint64_t seed, long seconds) {
    struct progress *progress =
        mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 0;
    if (progress == MAP_FAILED)
        return 1;
    *progress = (struct progress){seed, 0};
    int64_t until = now_ms() + seconds * 1000;
    do {
        pid_t pid = fork();
        if (pid == 0)
            child(fuzzer, until, progress);
        if (pid < 0 || waitpid(pid, &status, 0) != pid)
            status = -1;
    } while (status == 0 && now_ms() < until);
    int passed = status == 0 && progress->cases > 0;
    if (passed) {
        printf("# fuzz/%s: %llu cases from seed %#llx\n", fuzzer->name, (unsigned long long)progress->cases,
               (unsigned long long)seed);
    } else {
        printf("# %s after %llu cases; again: %s %s %#llx\n",
               WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "hung" : "failed",
               (unsigned long long)progress->cases, program, fuzzer->name,
               (unsigned long long)progress->seed);
    }
    printf("%s fuzz/%s\n", passed ? "ok" : "not ok", fuzzer->name);
    munmap(progress, sizeof *progress);
    return !passed;
}

int main(int argc, char **argv) {
    const char *seconds = getenv("FUZZ_SECONDS"), *from = getenv("FUZZ_SEED");
    /* Other cases every time; FUZZ_SEED makes them the same. */
    uint64_t seed = from ? strtoull(from, NULL, 0) : (uint64_t)time(NULL) * 1000003U + (uint64_t)getpid();
    int failed = 0;
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < sizeof fuzzers / sizeof fuzzers[0]; i++) {
        if (argc > 1 && strcmp(argv[1], fuzzers[i]->name) != 0)
            continue;
        if (argc > 2) {
            if (fuzzers[i]->start)
                fuzzers[i]->start();
            run_case(fuzzers[i], strtoull(argv[2], NULL, 0));
            printf("the case passes\n");
            return 0;
        }
        failed |= fuzz(argv[0], fuzzers[i], seed, seconds ? number(seconds) : 5);
    }
    return failed;
}
