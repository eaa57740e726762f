/* What the shim refuses, what it leaves to the kernel, and seccomp (pitfalls 12, 13, 14, 25, 27). */
#define _GNU_SOURCE
#include "solo.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

/* What a child that runs `body` with MVEDSUA_LOG set writes to its standard error. */
static char said[8192];
static int hears(const char *test) {
    int fds[2];
    char own[4096] = "";
    memset(said, 0, sizeof said);
    if (pipe(fds) || readlink("/proc/self/exe", own, sizeof own - 1) <= 0)
        return -1;
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        setenv("MVEDSUA_LOG", "1", 1);
        dup2(fds[1], 2);
        execl(own, own, test, NULL);
        _exit(99);
    }
    close(fds[1]);
    for (ssize_t n, at = 0; (n = read(fds[0], said + at, sizeof said - 1 - (size_t)at)) > 0; at += n)
        ;
    close(fds[0]);
    return ended(child);
}

static int times(const char *text, const char *part) {
    int count = 0;
    for (; (text = strstr(text, part)); text++)
        count++;
    return count;
}

TEST(print_unknown) {
    for (int i = 0; i < 3; i++) {
        CHECK(raw0(999) == -ENOSYS);
        CHECK(raw0(5000000) == -ENOSYS);
        CHECK(raw6(-1L, 0, 0, 0, 0, 0, 0) == -ENOSYS);
        CHECK(raw6(0x100000000 + 999, 0, 0, 0, 0, 0, 0) == -ENOSYS);
    }
    return 0;
}
TEST(unknown_number_is_refused_by_name) {
    CHECK(hears("print_unknown") == 0);
    if (under_the_shim())
        CHECK(times(said, "system call number 999") == 1);
    return 0;
}

/* The lower half of the number is getppid's, which is not looked at. */
TEST(print_x32) {
    CHECK(raw0(0x40000000 + SYS_getppid) == -ENOSYS || !under_the_shim());
    return 0;
}
TEST(an_x32_call_does_not_pass_unseen) {
    CHECK(hears("print_x32") == 0);
    if (under_the_shim())
        CHECK(times(said, "system call number 1073741934") == 1);
    return 0;
}

TEST(print_uring) {
    char parameters[256] = {0};
    for (int i = 0; i < 3; i++) {
        long fd = raw2(SYS_io_uring_setup, 4, parameters);
        CHECK(under_the_shim() ? fd == -ENOSYS : fd >= 0 || fd == -EPERM || fd == -ENOSYS);
    }
    return 0;
}
TEST(io_uring_is_refused_once) {
    CHECK(hears("print_uring") == 0);
    if (under_the_shim())
        CHECK(times(said, "io_uring_setup") == 1);
    return 0;
}

/* The range around the real numbers: every one answers, none ends the process. */
TEST(every_number_without_a_row_is_enosys) {
    for (long nr = 472; nr < 1100; nr++)
        CHECK(raw6(nr, -1, -1, -1, -1, -1, -1) == -ENOSYS);
    for (long nr = 335; nr < 424; nr++)
        if (nr != 335 && nr != 336)
            CHECK(raw6(nr, -1, -1, -1, -1, -1, -1) == -ENOSYS);
    return 0;
}

/* ---- seccomp ----------------------------------------------------------------------------------------------
 */

static int install(struct sock_filter *code, size_t count) {
    struct sock_fprog program = {(unsigned short)count, code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
#define NUMBER       BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define ON(nr, what) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), BPF_STMT(BPF_RET | BPF_K, what)
#define ELSE(what)   BPF_STMT(BPF_RET | BPF_K, what)

static volatile sig_atomic_t count;
static void counts(int number) {
    (void)number;
    count++;
}

/* The strictest filter that such a program can live with: a handler needs nothing but rt_sigreturn. */
TEST(seccomp_filter_of_the_program_works) {
    CHECK(handle(SIGUSR1, counts, 0) == 0);
    pid_t child = fork();
    if (child == 0) {
        struct sock_filter only[] = {NUMBER,
                                     ON(SYS_getppid, SECCOMP_RET_ALLOW),
                                     ON(SYS_rt_sigreturn, SECCOMP_RET_ALLOW),
                                     ON(SYS_tgkill, SECCOMP_RET_ALLOW),
                                     ON(SYS_exit_group, SECCOMP_RET_ALLOW),
                                     ON(SYS_write, SECCOMP_RET_ERRNO | 42),
                                     ELSE(SECCOMP_RET_KILL_PROCESS)};
        pid_t self = getpid();
        if (install(only, sizeof only / sizeof *only))
            _exit(9);
        for (int i = 0; i < 100; i++)
            if (raw0(SYS_getppid) <= 0 || raw3(SYS_tgkill, self, self, SIGUSR1) != 0)
                _exit(8);
        if (raw3(SYS_write, 1, "x", 1) != -42)
            _exit(7);
        raw1(SYS_exit_group, count == 100 ? 33 : 6);
    }
    CHECK(ended(child) == 33);
    child = fork();
    if (child == 0) {
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
        raw3(SYS_write, 1, "strict\n", 7);
        raw1(SYS_exit, 34);
    }
    CHECK(ended(child) == 34);
    child = fork();
    if (child == 0) {
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
        raw0(SYS_getppid);
        raw1(SYS_exit, 35);
    }
    CHECK(ended(child) == 256 + SIGKILL);
    return 0;
}

static void emulates(int number, siginfo_t *info, void *context) {
    ucontext_t *uc = context;
    (void)number;
    count += info->si_syscall == SYS_getppid;
    uc->uc_mcontext.gregs[REG_RAX] = 4242;
}
TEST(seccomp_traps_reach_the_programs_handler) {
    struct sigaction action = {.sa_sigaction = emulates, .sa_flags = SA_SIGINFO};
    CHECK(sigaction(SIGSYS, &action, NULL) == 0);
    struct sock_filter trap[] = {NUMBER, ON(SYS_getppid, SECCOMP_RET_TRAP), ELSE(SECCOMP_RET_ALLOW)};
    CHECK(install(trap, sizeof trap / sizeof *trap) == 0);
    for (int i = 0; i < 1000; i++)
        CHECK(raw0(SYS_getppid) == 4242);
    CHECK(count == 1000);
    return 0;
}

/* ---- hidden descriptors
 * ------------------------------------------------------------------------------------ */

#include <mvedsua/shared.h>

/* Execs this program's test `test` with the session memory in descriptor 5, as `mvedsua run` does: from a
 * process without the shim, which keeps its variables from children. Three execs: policy none, shim gone,
 * session. */
static void launch(const char *test) {
    char own[4096] = "";
    const char *shim = getenv("SOLO_SHIM");
    if (readlink("/proc/self/exe", own, sizeof own - 1) <= 0)
        _exit(98);
    setenv("SOLO_LAUNCH", test, 1);
    if (under_the_shim()) {
        setenv("SOLO_WITH_SHIM", "1", 1);
        setenv("MVEDSUA_EXEC", "none", 1);
    } else if (getenv("SOLO_WITH_SHIM") && shim) {
        setenv("LD_PRELOAD", shim, 1);
        setenv("MVEDSUA_SESSION_FD", "5", 1);
        execl(own, own, test, NULL);
        _exit(97);
    } else {
        close(5);
        execl(own, own, test, NULL);
    }
    execl(own, own, "print_launch", NULL);
    _exit(99);
}
TEST(print_launch) {
    const char *test = getenv("SOLO_LAUNCH");
    CHECK(test != NULL);
    launch(test);
    return 1;
}

/* In a child that is given the session memory in descriptor 5. */
TEST(print_hidden) {
    CHECK(getenv("MVEDSUA_SESSION_FD") == NULL);
    CHECK(fcntl(5, F_GETFD) == -1 && errno == EBADF); /* moved away */
    CHECK(open("/dev/null", O_RDONLY) == 3);
    CHECK(syscall(SYS_close_range, 3, ~0u, 0) == 0);
    for (int fd = 3; fd < 65536; fd++)
        close(fd);
    closefrom(3);
    for (int fd = 900; fd < 1100; fd++)
        if (dup2(0, fd) == fd)
            close(fd);
    CHECK(open("/dev/null", O_RDONLY) == 3);
    CHECK(syscall(SYS_close_range, 5, 3, 0) == -1 && errno == EINVAL);
    CHECK(close(12345) == -1 && errno == EBADF);
    puts("descriptors are as they were");
    return 0;
}

TEST(close_range_spares_hidden_descriptors) {
    int fd = memfd_create("session", 0);
    CHECK(fd >= 0 && ftruncate(fd, (off_t)MV_LOG_OFFSET(MV_VERSIONS, 0)) == 0);
    struct mv_control *control = mmap(NULL, MV_CONTROL_SPAN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(control != MAP_FAILED);
    control->magic = MV_CONTROL_MAGIC;
    control->abi = MV_ABI_VERSION;
    control->size = sizeof *control;
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        dup2(fd, 5);
        closefrom(6);
        close(3), close(4);
        launch("print_hidden");
    }
    CHECK(ended(child) == 0);
    if (under_the_shim()) {
        CHECK(control->leader_pid == (uint32_t)child);
        CHECK(control->session_fd > 5);
    }
    return 0;
}

/* Session memory of another release, or none at all: a named refusal before the program runs. */
TEST(wrong_session_memory_is_refused) {
    for (int way = 0; way < 3; way++) {
        int fd = memfd_create("session", 0), fds[2];
        CHECK(pipe(fds) == 0);
        if (way)
            CHECK(ftruncate(fd, (off_t)MV_LOG_OFFSET(MV_VERSIONS, 0)) == 0);
        if (way == 2) {
            uint64_t magic = MV_CONTROL_MAGIC;
            CHECK(pwrite(fd, &magic, sizeof magic, 0) == sizeof magic);
        }
        pid_t child = fork();
        if (child == 0) {
            dup2(fds[1], 2);
            dup2(fd, 5);
            launch("print_unknown");
        }
        close(fds[1]);
        memset(said, 0, sizeof said);
        (void)!read(fds[0], said, sizeof said - 1);
        int status = ended(child);
        if (under_the_shim()) {
            CHECK(status == 70);
            CHECK(strncmp(said, "mvedsua: ", 9) == 0);
        }
        close(fd), close(fds[0]);
    }
    return 0;
}
