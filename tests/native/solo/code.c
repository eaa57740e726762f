/* Code: what was mapped when the program began, what appears later, and what can't be rewritten
 * (pitfalls 10, 15, 16, 17, 19, 31). */
#define _GNU_SOURCE
#include "solo.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/time.h>

static int has_syscall(const void *function, size_t size) {
    const unsigned char *bytes = function;
    for (size_t i = 0; i + 1 < size; i++)
        if (bytes[i] == 0x0f && bytes[i + 1] == 0x05)
            return 1;
    return 0;
}

static char *library_path(void) {
    static char path[4096];
    if (!*path)
        (void)snprintf(path, sizeof path, "%s/library.so", getenv("SOLO_BIN") ? getenv("SOLO_BIN") : ".");
    return path;
}

TEST(dlopened_library_is_rewritten) {
    for (int i = 0; i < 3; i++) {
        void *library = dlopen(library_path(), RTLD_NOW);
        CHECK(library);
        long (*function)(void) = (long (*)(void))dlsym(library, "library_getppid");
        CHECK(function && function() == getppid());
        CHECK(has_syscall((void *)function, 12) == !under_the_shim());
        CHECK(dlclose(library) == 0);
    }
    return 0;
}

/* The trampolines of code that was mapped over stay: programs that move their text to huge pages copy the
 * jumps that lead there. So loading a library again and again costs something, and this is its bound. */
TEST(reloading_a_library_costs_at_most_three_pages) {
    long before = 0;
    int loads = rounds(1500);
    for (int i = 0; i < loads; i++) {
        void *library = dlopen(library_path(), RTLD_NOW);
        CHECK(library);
        long (*function)(void) = (long (*)(void))dlsym(library, "library_getppid");
        CHECK(function() == getppid());
        CHECK(dlclose(library) == 0);
        if (i == 50)
            before = virtual_kb();
    }
    CHECK(virtual_kb() < before + 2048 + 12L * loads);
    return 0;
}

static volatile int done;
static void *loads(void *arg) {
    for (int i = 0; i < rounds(150); i++) {
        void *library = dlopen(library_path(), RTLD_NOW);
        long (*function)(void) = library ? (long (*)(void))dlsym(library, "library_getppid") : NULL;
        if (!function || function() != getppid())
            return NULL;
        dlclose(library);
    }
    return arg;
}
static void *calls(void *arg) {
    while (!done)
        if (raw0(SYS_getppid) <= 0 || raw4(SYS_rt_sigprocmask, 0, 0, 0, 8))
            return NULL;
    return arg;
}
TEST(libraries_are_rewritten_while_threads_run) {
    pthread_t loading[2], calling[2];
    void *result;
    CHECK(*library_path()); /* made before there are threads */
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&loading[i], NULL, loads, loading) == 0 &&
              pthread_create(&calling[i], NULL, calls, calling) == 0);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_join(loading[i], &result) == 0 && result == loading);
    done = 1;
    for (int i = 0; i < 2; i++)
        CHECK(pthread_join(calling[i], &result) == 0 && result == calling);
    return 0;
}

TEST(libc_is_rewritten) {
    CHECK(has_syscall((void *)getppid, 16) == !under_the_shim());
    return 0;
}

/* ---- code that is written at run time ------------------------------------------------------------------ */

/* mov $nr, %eax; xor %edi, %edi; xor %esi, %esi; syscall; ret */
static const unsigned char call_code[] = {0xb8, 0, 0, 0, 0, 0x31, 0xff, 0x31, 0xf6, 0x0f, 0x05, 0xc3};
static long (*write_call(unsigned char *at, int nr))(void) {
    memcpy(at, call_code, sizeof call_code);
    memcpy(at + 1, &nr, 4);
    return (long (*)(void))at;
}

TEST(code_made_executable_is_rewritten) {
    for (int i = 0; i < 20; i++) {
        unsigned char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(page != MAP_FAILED);
        long (*function)(void) = write_call(page + 64, SYS_getppid);
        CHECK(mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0);
        CHECK(function() == getppid());
        /* Overwritten by other code, at the same place. */
        CHECK(mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0);
        write_call(page + 64, SYS_getpid);
        CHECK(mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0);
        CHECK(function() == getpid());
        CHECK(munmap(page, 4096) == 0);
        /* And mapped anew, executable from the first moment, where there was code before. */
        unsigned char *again =
            mmap(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(again == page);
        write_call(page + 64, SYS_gettid);
        CHECK(function() == getpid());
        CHECK(munmap(page, 4096) == 0);
    }
    return 0;
}

/* Constants with the bytes of the instruction in them, at every offset: they are data. */
TEST(constants_in_generated_code_survive) {
    unsigned char *code = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(code != MAP_FAILED);
    uint64_t wanted[2048];
    size_t at = 0;
    int count = 0;
    for (; at + 16 < 65536 && count < 2048; count++) {
        /* movabs $value, %rax; ret: the bytes 0f 05 at a varying place */
        uint64_t value = 0x1122334455667788ull;
        memcpy((char *)&value + count % 7, "\x0f\x05", 2);
        wanted[count] = value;
        code[at] = 0x48;
        code[at + 1] = 0xb8;
        memcpy(code + at + 2, &value, 8);
        code[at + 10] = 0xc3;
        at += 16;
    }
    CHECK(mprotect(code, 65536, PROT_READ | PROT_EXEC) == 0);
    for (int i = 0; i < count; i++)
        CHECK(((uint64_t(*)(void))(code + 16L * i))() == wanted[i]);
    return 0;
}

/* ---- the net: Syscall User Dispatch -------------------------------------------------------------------- */

static volatile sig_atomic_t alarms;
static void counts(int number) {
    (void)number;
    alarms++;
    raw0(SYS_getppid);
}

/* Run by the test below with MVEDSUA_NET=on: calls from code that nobody has rewritten. */
static unsigned char *jit;
static void *jit_thread(void *arg) {
    long (*function)(void) = (long (*)(void))(jit + 64);
    for (int i = 0; i < 2000; i++)
        if (function() != getppid())
            return NULL;
    return arg;
}
TEST(print_net) {
    jit = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(jit != MAP_FAILED);
    long (*parent)(void) = write_call(jit + 64, SYS_getppid),
         (*ring)(void) = write_call(jit + 128, SYS_io_uring_setup);
    long (*fork_call)(void) = write_call(jit + 192, SYS_fork);
    CHECK(handle(SIGALRM, counts, SA_RESTART) == 0);
    storm(300);
    for (int i = 0; i < 20000; i++)
        CHECK(parent() == getppid());
    pthread_t threads[2];
    void *result;
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&threads[i], NULL, jit_thread, threads) == 0);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_join(threads[i], &result) == 0 && result == threads);
    storm(0);
    for (int i = 0; i < 20; i++) {
        pid_t child = (pid_t)fork_call();
        if (child == 0)
            _exit(parent() == getppid() ? 21 : 22);
        CHECK(ended(child) == 21);
    }
    CHECK(system("exit 5") == 5 << 8); /* NOLINT(cert-env33-c): its child is what is tested */
    sigset_t all;
    sigfillset(&all); /* a SIGSYS that comes while blocked would kill */
    CHECK(sigprocmask(SIG_BLOCK, &all, NULL) == 0);
    CHECK(parent() == getppid());
    CHECK(ring() == (under_the_shim() ? -ENOSYS : ring())); /* only a trapped call is refused */
    puts("all calls came through");
    return 0;
}

/* Runs this program again with a variable in its environment; the exit code. */
static int again_with(const char *name, const char *value, const char *test) {
    char own[4096] = "";
    if (readlink("/proc/self/exe", own, sizeof own - 1) <= 0)
        return -1;
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        setenv(name, value, 1);
        execl(own, own, test, NULL);
        _exit(99);
    }
    return ended(child);
}

TEST(jit_code_is_trapped_by_the_net) {
    CHECK(again_with("MVEDSUA_NET", "on", "print_net") == 0);
    return 0;
}

/* ---- W^X ------------------------------------------------------------------------------------------------
 */

TEST(print_works) {
    pthread_t thread;
    void *result;
    jit = NULL;
    done = 1;
    CHECK(handle(SIGALRM, counts, 0) == 0);
    CHECK(pthread_create(&thread, NULL, calls, &thread) == 0 || errno);
    CHECK(pthread_join(thread, &result) == 0);
    (void)raise(SIGALRM);
    CHECK(alarms == 1);
    CHECK(system("exit 5") == 5 << 8); /* NOLINT(cert-env33-c): its child is what is tested */
    puts("works");
    return 0;
}

TEST(wx_forbidden_falls_back_to_trap) {
    int fds[2];
    char text[8192] = "", own[4096] = "";
    CHECK(pipe(fds) == 0 && readlink("/proc/self/exe", own, sizeof own - 1) > 0);
    for (int net = 0; net < 2; net++) {
        pid_t child = fork();
        if (child == 0) {
            if (prctl(65 /* PR_SET_MDWE */, 1, 0, 0, 0))
                _exit(44);
            if (net)
                setenv("MVEDSUA_NET", "on", 1);
            setenv("MVEDSUA_LOG", "1", 1);
            dup2(fds[1], 2);
            execl(own, own, "print_works", NULL);
            _exit(99);
        }
        int status = ended(child);
        if (status == 44)
            SKIP("this kernel has no PR_SET_MDWE");
        CHECK(status == 0);
    }
    close(fds[1]);
    for (ssize_t n, at = 0; (n = read(fds[0], text + at, sizeof text - 1 - (size_t)at)) > 0; at += n)
        ;
    if (under_the_shim() && !strstr(text, "MemoryDenyWriteExecute")) {
        printf("the message does not name the setting: %s\n", text);
        return 1;
    }
    return 0;
}

/* ---- the vDSO --------------------------------------------------------------------------------------------
 */

TEST(vdso_calls_are_redirected) {
    static const char *const names[] = {"__vdso_clock_gettime", "__vdso_gettimeofday", "__vdso_time",
                                        "__vdso_getcpu",        "__vdso_clock_getres", "__vdso_getrandom"};
    void *vdso = dlopen("linux-vdso.so.1", RTLD_NOW | RTLD_NOLOAD);
    if (!vdso)
        SKIP("this kernel maps no vDSO");
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        const unsigned char *entry = dlsym(vdso, names[i]);
        if (!entry) {
            printf("no %s\n", names[i]);
            continue;
        }
        int jumps = entry[0] == 0xe9 || (entry[0] == 0xf3 && entry[4] == 0xe9) ||
                    (entry[0] == 0x48 && entry[1] == 0xb8);
        if (under_the_shim())
            CHECK(jumps);
    }
    return 0;
}

TEST(clocks_and_random_bytes_work) {
    struct timespec a, b, resolution;
    struct timeval day;
    unsigned cpu, node;
    clockid_t clocks[] = {CLOCK_REALTIME,          CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW,
                          CLOCK_REALTIME_COARSE,   CLOCK_BOOTTIME,  CLOCK_PROCESS_CPUTIME_ID,
                          CLOCK_THREAD_CPUTIME_ID, CLOCK_TAI};
    for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        CHECK(clock_gettime(clocks[i], &a) == 0 && clock_gettime(clocks[i], &b) == 0);
        CHECK(b.tv_sec > a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec));
        CHECK(clock_getres(clocks[i], &resolution) == 0 && resolution.tv_nsec > 0);
        printf("%ld\n", resolution.tv_nsec);
    }
    CHECK(clock_gettime(1234, &a) == -1 && errno == EINVAL);
    CHECK(clock_gettime(CLOCK_REALTIME, &a) == 0 && gettimeofday(&day, NULL) == 0);
    CHECK(day.tv_sec - a.tv_sec <= 1 && time(NULL) - a.tv_sec <= 1);
    CHECK(syscall(SYS_getcpu, &cpu, &node, NULL) == 0 && cpu < 4096);
    unsigned char bytes[2][64] = {{0}};
    CHECK(getrandom(bytes[0], 64, 0) == 64 && getrandom(bytes[1], 64, 0) == 64);
    CHECK(memcmp(bytes[0], bytes[1], 64) != 0);
    return 0;
}
