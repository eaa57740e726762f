/* Processes: fork, vfork, exec, and what the parent finds afterwards (pitfalls 2, 3, 20, 21). */
#define _GNU_SOURCE
#include "solo.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>

extern char **environ;

static volatile sig_atomic_t count;
static void counts(int number) {
    (void)number;
    count++;
}

/* The child of a raw vfork calls functions that overwrite the stack below and around its parent's frame. */
__attribute__((noinline)) static void clobber(void) {
    volatile char space[4096];
    for (unsigned i = 0; i < sizeof space; i++)
        space[i] = (char)0xcc;
    raw4(SYS_rt_sigprocmask, 0, 0, 0, 8);
    raw0(SYS_getppid);
}

/* vfork itself is what is tested, and children that do what a careless program does with it.
 * NOLINTBEGIN(clang-analyzer-security.insecureAPI.vfork, clang-analyzer-unix.Vfork) */
TEST(vfork_parent_returns_after_child_clobbers_stack) {
    for (int i = 0; i < 200; i++) {
        pid_t child = vfork();
        if (child == 0) {
            clobber();
            _exit(5);
        }
        CHECK(child > 0 && ended(child) == 5);
    }
    return 0;
}

TEST(vfork_nests) {
    volatile int inner = -1;
    pid_t child = vfork();
    if (child == 0) {
        pid_t grandchild = vfork();
        if (grandchild == 0) {
            clobber();
            _exit(3);
        }
        clobber();
        inner = ended(grandchild);
        _exit(4);
    }
    CHECK(ended(child) == 4 && inner == 3);
    CHECK(raw4(SYS_rt_sigprocmask, 0, 0, 0, 8) == 0);
    return 0;
}

TEST(fork_inside_a_vfork_child) {
    volatile int inner = -1;
    pid_t child = vfork();
    if (child == 0) {
        pid_t grandchild = (pid_t)raw0(SYS_fork);
        if (grandchild == 0) {
            handle(SIGUSR1, counts, 0);
            (void)raise(SIGUSR1);
            _exit(count == 1 ? 6 : 7);
        }
        inner = ended(grandchild);
        _exit(4);
    }
    CHECK(ended(child) == 4 && inner == 6);
    return 0;
}

/* The child of vfork shares its parent's memory but not its dispositions. */
TEST(posix_spawn_keeps_the_parents_handlers) {
    for (int i = 0; i < 20; i++) {
        pid_t child;
        char *argv[] = {"true", NULL};
        CHECK(handle(SIGUSR1, counts, 0) == 0 && handle(SIGCHLD, counts, SA_RESTART) == 0);
        CHECK(posix_spawn(&child, "/bin/true", NULL, NULL, argv, environ) == 0);
        CHECK(ended(child) == 0);
        count = 0;
        (void)raise(SIGUSR1);
        CHECK(count == 1);
    }
    pid_t child = vfork();
    if (child == 0) {
        struct sigaction seen;
        sigaction(SIGUSR1, NULL, &seen);
        if (seen.sa_handler != counts)
            _exit(1);
        (void)signal(SIGUSR1, SIG_IGN);
        sigaction(SIGUSR1, NULL, &seen);
        _exit(seen.sa_handler == SIG_IGN ? 0 : 2);
    }
    CHECK(ended(child) == 0);
    count = 0;
    (void)raise(SIGUSR1);
    CHECK(count == 1);
    return 0;
}

/* NOLINTEND(clang-analyzer-security.insecureAPI.vfork, clang-analyzer-unix.Vfork) */

/* NOLINTBEGIN(cert-env33-c): how libc makes these children is what is tested. */
TEST(system_popen_and_posix_spawn) {
    char line[64] = "";
    CHECK(WEXITSTATUS(system("exit 7")) == 7);
    FILE *pipe = popen("echo from a child; exit 3", "r");
    CHECK(pipe && fgets(line, sizeof line, pipe));
    printf("%s%d\n", line, WEXITSTATUS(pclose(pipe)));
    CHECK(WTERMSIG(system("kill -9 $$")) == SIGKILL || WEXITSTATUS(system("kill -9 $$")) == 137);
    char *argv[] = {"nothing", NULL};
    pid_t child;
    CHECK(posix_spawn(&child, "/nothing/here", NULL, NULL, argv, environ) == ENOENT);
    CHECK(execve("/nothing/here", argv, environ) == -1 && errno == ENOENT);
    CHECK(raw3(SYS_execve, 8, argv, environ) == -EFAULT);
    CHECK(raw3(SYS_execve, "/bin/true", argv, 8) == -EFAULT);
    return 0;
}
/* NOLINTEND(cert-env33-c) */

/* Fork copies no signal that its parent is about to handle, and loses none. */
TEST(fork_in_a_timer_storm) {
    CHECK(handle(SIGALRM, counts, SA_RESTART) == 0);
    storm(400);
    for (int i = 0; i < rounds(400); i++) {
        pid_t child = (pid_t)(i % 2 ? fork() : raw0(SYS_fork)); /* timers are not inherited */
        if (child == 0) {
            int before = count;
            sigset_t mask;
            raw4(SYS_rt_sigprocmask, 0, 0, &mask, 8);
            for (int k = 0; k < 20; k++)
                raw4(SYS_rt_sigprocmask, 0, 0, 0, 8);
            _exit(count != before ? 1 : sigismember(&mask, SIGALRM) ? 2 : 3);
        }
        CHECK(ended(child) == 3);
    }
    storm(0);
    return 0;
}

static void *spawns(void *arg) {
    char *argv[] = {"true", NULL};
    for (int i = 0; i < rounds(100); i++) {
        pid_t child;
        if (posix_spawn(&child, "/bin/true", NULL, NULL, argv, environ) || ended(child) != 0)
            return NULL;
    }
    return arg;
}
TEST(posix_spawn_from_threads_in_a_timer_storm) {
    pthread_t threads[3];
    CHECK(handle(SIGALRM, counts, SA_RESTART) == 0);
    storm(500);
    for (int i = 0; i < 3; i++)
        CHECK(pthread_create(&threads[i], NULL, spawns, threads) == 0);
    for (int i = 0; i < 3; i++) {
        void *result;
        CHECK(pthread_join(threads[i], &result) == 0 && result == threads);
    }
    storm(0);
    return 0;
}

/* A program is entered with the mask and the pending signals that the caller had, and no more. */
TEST(exec_in_a_storm_keeps_the_mask) {
    for (int i = 0; i < rounds(60); i++) {
        pid_t parent = getpid(), child = fork();
        if (child == 0) {
            handle(SIGUSR1, counts, SA_RESTART);
            kill(parent, SIGCONT);
            for (int k = 0; k < 50 + i * 7; k++)
                raw4(SYS_rt_sigprocmask, 0, 0, 0, 8);
            (void)signal(SIGUSR1, SIG_IGN); /* what is still on its way does no harm */
            (void)signal(SIGUSR1, counts);
            execl("/bin/sh", "sh", "-c", "grep SigBlk /proc/self/status | grep -q 0000000000000000", NULL);
            _exit(99);
        }
        for (int k = 0; k < 40; k++)
            kill(child, SIGCONT);
        CHECK(ended(child) == 0);
    }
    return 0;
}

/* ---- who is followed across exec --------------------------------------------------------------------- */

/* Runs this very test program again, or another program, with an environment of its own, and tells whether
 * the shim is in the child. The run under the shim has MVEDSUA_EXEC=all. */
static int child_has_shim(const char *policy, int same_program, int keep_preload) {
    int fds[2];
    char text[8192] = "", own[4096] = "";
    CHECK(pipe(fds) == 0);
    CHECK(readlink("/proc/self/exe", own, sizeof own - 1) > 0);
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        char preload[4200] = "LD_PRELOAD=", variable[64];
        (void)snprintf(variable, sizeof variable, "MVEDSUA_EXEC=%s", policy);
        const char *loaded = getenv("LD_PRELOAD");
        if (loaded)
            strncat(preload, loaded, 4096);
        char *first[] = {preload, variable, NULL}, *second[] = {variable, NULL};
        dup2(fds[1], 1);
        /* One exec to change the policy, in the same program, which then execs. */
        char *argv[] = {own, same_program ? "print_shim_again" : "print_shim_other",
                        keep_preload ? "keep" : "drop", NULL};
        execve(own, argv, keep_preload ? first : second);
        _exit(99);
    }
    close(fds[1]);
    for (ssize_t n, at = 0; (n = read(fds[0], text + at, sizeof text - 1 - (size_t)at)) > 0; at += n)
        ;
    CHECK(ended(child) == 0);
    return strstr(text, "shim: yes") ? 2 : strstr(text, "shim: no") ? 3 : 1;
}

/* Not tests of their own: what child_has_shim runs. --list leaves out what begins with "print_". */
TEST(print_shim_again) {
    char own[4096] = "";
    if (readlink("/proc/self/exe", own, sizeof own - 1) <= 0)
        return 1;
    char *argv[] = {own, "print_shim", NULL}, *none[] = {NULL};
    return execve(own, argv, none); /* an environment without LD_PRELOAD */
}
TEST(print_shim_other) {
    char *argv[] = {"sh", "-c", "grep -q libmvedsua /proc/$$/maps && echo shim: yes || echo shim: no", NULL},
         *none[] = {NULL};
    return execve("/bin/sh", argv, none);
}
TEST(print_shim) {
    puts(under_the_shim() ? "shim: yes" : "shim: no");
    return 0;
}

static int policy_is(const char *policy, int same, int expected) {
    int seen = child_has_shim(policy, same, 1);
    if (!under_the_shim())
        seen = expected; /* natively there is nothing to ask */
    printf("%s, %s program: %s\n", policy, same ? "same" : "other",
           seen == 2   ? "kept"
           : seen == 3 ? "dropped"
                       : "?");
    return seen == expected ? 0 : 1;
}

TEST(execve_keeps_and_drops_the_preload_by_policy) {
    CHECK(policy_is("all", 1, 2) == 0);
    CHECK(policy_is("all", 0, 2) == 0);
    CHECK(policy_is("same", 1, 2) == 0);
    CHECK(policy_is("same", 0, 3) == 0);
    CHECK(policy_is("none", 1, 3) == 0);
    CHECK(policy_is("none", 0, 3) == 0);
    return 0;
}

/* The user's own entries of LD_PRELOAD stay, ours comes first, the variables of the program stay in order. */
TEST(execve_keeps_the_users_environment) {
    int fds[2];
    char text[8192] = "";
    CHECK(pipe(fds) == 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(fds[1], 1);
        char *envp[] = {"B=2", "LD_PRELOAD=libm.so.6", "A=1", "EMPTY=", NULL};
        char *argv[] = {"sh", "-c", "tr '\\0' '\\n' </proc/$$/environ", NULL};
        execve("/bin/sh", argv, envp);
        _exit(99);
    }
    close(fds[1]);
    for (ssize_t n, at = 0; (n = read(fds[0], text + at, sizeof text - 1 - (size_t)at)) > 0; at += n)
        ;
    CHECK(ended(child) == 0);
    char *preload = strstr(text, "LD_PRELOAD="), *end = preload ? strchr(preload, '\n') : NULL;
    CHECK(end && strncmp(end - 9, "libm.so.6", 9) == 0);
    if (under_the_shim())
        CHECK(strstr(preload, "libmvedsua.so:libm.so.6\n"));
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        if (strncmp(line, "LD_PRELOAD", 10) != 0 && strncmp(line, "MVEDSUA", 7) != 0)
            puts(line);
    return 0;
}

/* ---- how a process ends -------------------------------------------------------------------------------- */

static void crash(int how) {
    switch (how) {
    case 0:
        __asm__ volatile("movl $1, 16" : : : "memory");
        break;
    case 1:
        abort();
    case 2:
        __asm__ volatile("ud2");
        break;
    case 3:
        __asm__ volatile("xor %%ecx, %%ecx; mov $1, %%eax; cltd; idiv %%ecx" : : : "eax", "ecx", "edx");
        break;
    case 4:
        (void)raise(SIGSEGV);
        break;
    case 5:
        kill(getpid(), SIGBUS);
        break;
    case 6:
        __asm__ volatile("int3");
        break;
    case 7:
        (void)raise(SIGTERM);
        break;
    case 8:
        __asm__ volatile("hlt");
        break;
    case 9: { /* stack overflow */
        volatile char space[1 << 16];
        space[0] = 1;
        crash(9);
        space[1] = space[0];
        break;
    }
    case 10:
        syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGSEGV);
        break;
    case 11: { /* beyond the end of a file */
        int fd = open("short", O_RDWR | O_CREAT, 0600);
        volatile char *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
        (void)map[0];
        break;
    }
    default:
        ((void (*)(void))0)();
    }
}

TEST(deaths_are_the_same) {
    for (int how = 0; how <= 12; how++) {
        pid_t child = fork();
        if (child == 0) {
            crash(how);
            _exit(77);
        }
        printf("%d: %d\n", how, ended(child));
    }
    return 0;
}

/* A core file has the crash where it was: same signal, same instruction, same registers. */
TEST(core_of_a_crash_is_unchanged) {
    char pattern[256] = "", own[4096] = "", command[9000], line[512];
    int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY);
    CHECK(read(fd, pattern, sizeof pattern - 1) > 0);
    if (pattern[0] == '|' || pattern[0] == '/')
        SKIP("core files go elsewhere here (kernel.core_pattern)");
    if (access("/usr/bin/gdb", X_OK))
        SKIP("gdb is not installed");
    struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
    if (setrlimit(RLIMIT_CORE, &unlimited))
        SKIP("RLIMIT_CORE can't be raised");
    pid_t child = fork();
    if (child == 0) {
        __asm__ volatile("mov $0x1234567, %%rbx; mov $0x7654321, %%r12; xor %%eax, %%eax; movl $1, 16(%%rax)"
                         :
                         :
                         : "rax", "rbx", "r12");
        _exit(1);
    }
    CHECK(ended(child) == 256 + SIGSEGV);
    CHECK(readlink("/proc/self/exe", own, sizeof own - 1) > 0);
    unsetenv("LD_PRELOAD");
    (void)snprintf(
        command, sizeof command,
        "f=$(ls -t core* | head -1); gdb -batch -ex 'p $rbx' -ex 'p $r12' -ex 'x/i $pc' -ex 'p "
        "$_siginfo.si_signo' "
        "%s $f 2>/dev/null | sed -n 's/^[$=].*= //p; s/.*movl/movl/p; /Program terminated/p'; rm -f core*",
        own);
    FILE *pipe = popen(command, "r"); /* NOLINT(cert-env33-c): a pipeline of fixed text */
    while (fgets(line, sizeof line, pipe))
        (void)fputs(line, stdout);
    return pclose(pipe) == 0 ? 0 : 1;
}

/* A stopped process is seen stopped, continued, and ended. */
TEST(stop_and_continue) {
    int status;
    pid_t child = fork();
    if (child == 0)
        for (;;)
            raw4(SYS_rt_sigprocmask, 0, 0, 0, 8);
    for (int i = 0; i < 50; i++) {
        kill(child, SIGSTOP);
        CHECK(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
        kill(child, SIGCONT);
        CHECK(waitpid(child, &status, WCONTINUED) == child && WIFCONTINUED(status));
    }
    kill(child, SIGTERM);
    CHECK(ended(child) == 256 + SIGTERM);
    return 0;
}
