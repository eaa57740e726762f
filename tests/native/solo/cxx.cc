// C++ under the shim: exceptions, destructors run by cancellation, exceptions out of handlers' callers
// (pitfall 2 of "Forking, threads, death": unwinders pass through trampolines).
#include <csignal>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <execinfo.h>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <sys/syscall.h>
#include <sys/time.h>
#include <thread>
#include <unistd.h>
#include <vector>

static int destroyed;
struct Counted {
    ~Counted() { __atomic_fetch_add(&destroyed, 1, __ATOMIC_RELAXED); }
};

static int pipes[2];

static void *blocks(void *) {
    Counted outer;
    std::string text(100, 'x');
    for (;;) {
        Counted inner;
        char byte;
        if (read(pipes[0], &byte, 1) == 1)
            break;
    }
    return nullptr;
}

// Cancellation unwinds through the frame of read() and the trampoline of its system call.
static int destructors_run_on_cancellation() {
    if (pipe(pipes))
        return 1;
    const int all = 500;
    for (int i = 0; i < all; i++) {
        pthread_t thread;
        void *result;
        if (pthread_create(&thread, nullptr, blocks, nullptr))
            return 1;
        if (i % 2)
            usleep(i % 50);
        if (pthread_cancel(thread) || pthread_join(thread, &result) || result != PTHREAD_CANCELED)
            return 1;
    }
    // A thread that was cancelled before it began has nothing to destroy.
    std::printf("%s\n", destroyed > 0 && destroyed <= 2 * all && destroyed % 2 == 0 ? "destroyed in pairs"
                                                                                    : "not destroyed");
    return 0;
}

static void throws(int depth) {
    Counted here;
    if (depth == 0)
        throw std::runtime_error("from below");
    syscall(SYS_getppid);
    throws(depth - 1);
}

static int exceptions_pass() {
    for (int i = 0; i < 1000; i++) {
        try {
            throws(20);
        } catch (const std::runtime_error &error) {
            if (std::strcmp(error.what(), "from below") != 0)
                return 1;
        }
    }
    return destroyed == 21000 ? 0 : 1;
}

// Built with -fnon-call-exceptions: a fault may throw.
static void handler_throws(int) {
    throw std::runtime_error("from a handler");
}
static int an_exception_leaves_a_handler() {
    struct sigaction action = {};
    action.sa_handler = handler_throws;
    action.sa_flags = SA_NODEFER;
    sigaction(SIGSEGV, &action, nullptr);
    int *volatile nowhere = reinterpret_cast<int *>(16);
    for (int i = 0; i < 100; i++) {
        try {
            Counted here;
            *nowhere = 1;
            return 1;
        } catch (const std::runtime_error &error) {
            if (std::strcmp(error.what(), "from a handler") != 0)
                return 1;
        }
    }
    return destroyed == 100 ? 0 : 1;
}

// What a handler sees of the interrupted stack: up to main, through a call that it interrupted.
static volatile int depth, found_main;
static void traces(int) {
    void *frames[64];
    int n = backtrace(frames, 64);
    depth = n;
    found_main = 0;
    for (int i = 0; i < n; i++) {
        Dl_info info;
        if (dladdr(frames[i], &info) && info.dli_sname &&
            std::strstr(info.dli_sname, "backtrace_from_a_handler"))
            found_main = 1;
    }
}
extern "C" int backtrace_from_a_handler_passes_through() {
    struct sigaction action = {};
    action.sa_handler = traces;
    sigaction(SIGUSR1, &action, nullptr);
    sigaction(SIGALRM, &action, nullptr);
    void *warm[4];
    backtrace(warm, 4);
    (void)raise(SIGUSR1);
    if (!found_main)
        return 1;
    std::printf("from raise: %s\n", found_main ? "reaches the program" : "is cut off");
    if (pipe(pipes))
        return 1;
    for (int i = 0; i < 20; i++) { // in a blocking call
        itimerval once = {{0, 0}, {0, 2000 + i * 100}};
        found_main = 0;
        setitimer(ITIMER_REAL, &once, nullptr);
        char byte;
        if (read(pipes[0], &byte, 1) != -1 || !found_main)
            return 1;
    }
    // At any instruction of a loop of calls, those of trampolines and of the shim included.
    itimerval often = {{0, 300}, {0, 300}};
    setitimer(ITIMER_REAL, &often, nullptr);
    int missed = 0;
    for (int i = 0; i < 100000; i++) {
        found_main = 1;
        getppid();
        sigset_t set;
        sigprocmask(SIG_SETMASK, nullptr, &set);
        missed += !found_main;
    }
    often = {};
    setitimer(ITIMER_REAL, &often, nullptr);
    std::printf("missed: %s\n", missed ? "some" : "none");
    if (missed)
        (void)std::fprintf(stderr, "%d backtraces cut off\n", missed);
    return 0;
}

static int threads_and_exceptions() {
    std::vector<std::thread> threads;
    threads.reserve(4);
    int caught = 0;
    for (int i = 0; i < 4; i++)
        threads.emplace_back([&] {
            for (int k = 0; k < 200; k++)
                try {
                    throws(5);
                } catch (const std::exception &) {
                    __atomic_fetch_add(&caught, 1, __ATOMIC_RELAXED);
                }
        });
    for (auto &thread : threads)
        thread.join();
    return caught == 800 ? 0 : 1;
}

static const struct {
    const char *name;
    int (*run)();
} tests[] = {{"destructors_run_on_cancellation", destructors_run_on_cancellation},
             {"exceptions_pass", exceptions_pass},
             {"an_exception_leaves_a_handler", an_exception_leaves_a_handler},
             {"backtrace_from_a_handler_passes_through", backtrace_from_a_handler_passes_through},
             {"threads_and_exceptions", threads_and_exceptions}};

int main(int argc, char **argv) {
    for (const auto &test : tests) {
        if (argc > 1 && !std::strcmp(argv[1], "--list"))
            std::puts(test.name);
        else if (argc > 1 && !std::strcmp(argv[1], test.name))
            return test.run();
    }
    return argc > 1 && !std::strcmp(argv[1], "--list") ? 0 : 2;
}
