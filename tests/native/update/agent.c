/* A library that makes a program do what a test asks of an updated process: agent() takes requests from
 * standard input and answers on standard output, until it is told to go on. What crashes meanwhile is told
 * instead of being the end. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

enum { CALL, MAP, PROTECT, GO_ON, EXIT };

struct request {
    uint64_t kind;
    uint64_t
        arguments[7]; /* CALL: the function, then its arguments; MAP, PROTECT: address, length, protection */
};

struct reply {
    int64_t status; /* 0, a negated error number, or the signal that ended a call */
    uint64_t value; /* of a call; or where it crashed */
};

void agent(void);
void agent_loop(void (*turn)(void));
void agent_many(uint64_t function, uint64_t per_call, uint64_t calls, const uint64_t *arguments,
                uint64_t *results);

/* In agent(), as DWARF numbers them: what a backtrace begins with. rax, rdx, rcx, rsi, rdi, r8 to r11 are
 * anyone's. */
struct {
    uint64_t registers[16], rip;
} agent_stands;

static sigjmp_buf crash_return;
static volatile int crash_signal;
static volatile uint64_t crash_place;

static void crashed(int signal, siginfo_t *info, void *context) {
    (void)info;
    crash_place = (uint64_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    crash_signal = signal;
    siglongjmp(crash_return, 1);
}

static struct reply call(const uint64_t *a) {
    typedef uint64_t (*function)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT};
    struct sigaction action = {.sa_sigaction = crashed, .sa_flags = SA_SIGINFO}, old[6];
    for (int i = 0; i < 6; i++)
        sigaction(signals[i], &action, &old[i]);
    struct reply reply = {0, 0};
    if (sigsetjmp(crash_return, 1) == 0) {
        reply.value = ((function)(uintptr_t)a[0])(a[1], a[2], a[3], a[4], a[5],
                                                  a[6]); /* NOLINT(performance-no-int-to-ptr) */
    } else {
        reply.status = crash_signal;
        reply.value = crash_place;
    }
    for (int i = 0; i < 6; i++)
        sigaction(signals[i], &old[i], NULL);
    return reply;
}

static struct reply serve(const struct request *request) {
    const uint64_t *a = request->arguments;
    struct reply reply = {0, 0};
    void *place = (void *)(uintptr_t)a[0]; /* NOLINT(performance-no-int-to-ptr) */
    switch (request->kind) {
    case CALL:
        return call(a);
    case MAP: {
        int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
        if (mmap(place, a[1], (int)a[2], flags, -1, 0) != place)
            reply.status = -errno;
        break;
    }
    case PROTECT:
        if (mprotect(place, a[1], (int)a[2]))
            reply.status = -errno;
        break;
    default:
        break;
    }
    return reply;
}

/* Called like any function of the program: a million calls in one request. */
void agent_many(uint64_t function, uint64_t per_call, uint64_t calls, const uint64_t *arguments,
                uint64_t *results) {
    typedef uint64_t (*called)(uint64_t, uint64_t, uint64_t);
    for (uint64_t i = 0; i < calls; i++, arguments += per_call)
        results[i] = ((called)(uintptr_t)function)(/* NOLINT(performance-no-int-to-ptr) */
                                                   arguments[0], per_call > 1 ? arguments[1] : 0,
                                                   per_call > 2 ? arguments[2] : 0);
}

/* A library's main loop. */
void agent_loop(void (*turn)(void)) {
    for (;;)
        turn();
}

void agent(void) {
    struct request request;
    __asm__ volatile(
        "mov %%rbx, 24(%0)\n mov %%rbp, 48(%0)\n mov %%rsp, 56(%0)\n mov %%r12, 96(%0)\n"
        "mov %%r13, 104(%0)\n mov %%r14, 112(%0)\n mov %%r15, 120(%0)\n"
        "lea 0(%%rip), %%rcx\n mov %%rcx, 128(%0)"
        :
        : "a"(&agent_stands)
        : "rcx", "memory");
    while (read(0, &request, sizeof request) == sizeof request && request.kind != GO_ON) {
        if (request.kind == EXIT)
            exit(0); /* NOLINT(concurrency-mt-unsafe): there is one thread */
        struct reply reply = serve(&request);
        if (write(1, &reply, sizeof reply) != sizeof reply)
            _exit(1);
    }
}
