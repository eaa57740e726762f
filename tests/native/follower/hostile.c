/* A server whose follower can be made hostile: the test changes `who` in the follower's memory alone, and
 * from then on the same command does there what the leader never does. Each deed would be seen outside if it
 * came about: a file that is made (argv[1] names it), bytes sent to the client, a signal, a byte of a shared
 * file. The leader does nothing, and both answer the same. */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "../../../native/include/mvedsua/shared.h"
#include "server.h"

static volatile char who[] = "who is it? the leader, or its copy";
static const char *proof; /* the file that must not come about */
static pid_t leader;
static uint64_t control, logs; /* where the session memory lies */
static char *before, *later;   /* a file, mapped shared: before the copy was made; on command */
static int file;

static void *spare(size_t size, int prot, int flags) {
    void *at = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

/* creat(proof, 0600) by the code at `at`. */
static long made_by(const void *at) {
    long result;
    __asm__ volatile("call *%[at]"
                     : "=a"(result)
                     : "a"((long)SYS_creat), "D"(proof), "S"(0600L), [at] "r"(at)
                     : "rcx", "r11", "memory");
    return result;
}

static const unsigned char syscall_ret[] = {0x0f, 0x05, 0xc3};

static void *code(int prot_first, int prot_then) {
    char *at = spare(4096, prot_first, 0);
    memcpy(at, syscall_ret, sizeof syscall_ret);
    if (prot_then && mprotect(at, 4096, prot_then))
        return NULL;
    return at;
}

/* mov $0x00c3050f, %eax; ret: whoever begins at its second byte finds a system call. */
__asm__(
    ".pushsection .text\n"
    "disguised: .byte 0xb8, 0x0f, 0x05, 0xc3, 0x00, 0xc3\n"
    ".popsection");
extern const char disguised[];

/* The 32-bit kernel's creat is number 8; it takes its path from the low 4 GiB. */
static char *low_path(void) {
    char *at = spare(4096, PROT_READ | PROT_WRITE, MAP_32BIT);
    (void)snprintf(at, 4096, "%s", proof);
    return at;
}
static void interrupt_80(void) {
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(8L), "b"(low_path()), "c"(0600L)
                     : "memory", "r8", "r9", "r10", "r11");
}
static void far_80(void) {
    char *path = low_path();
    unsigned char *low = spare(4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_32BIT);
    unsigned char *stack = spare(65536, PROT_READ | PROT_WRITE, MAP_32BIT);
    low[0] = 0xcd, low[1] = 0x80, low[2] = 0xf4; /* int $0x80; hlt */
    __asm__ volatile("mov %[stack], %%rsp; pushq $0x23; pushq %[low]; lretq"
                     :
                     : "a"(8L), "b"(path), "c"(0600L), [low] "r"(low), [stack] "r"(stack + 65536)
                     : "memory");
}
/* The kernel takes ebp for the stack of the 32-bit code that it returns to. */
static void system_enter(void) {
    char *path = low_path();
    char *stack = spare(65536, PROT_READ | PROT_WRITE, MAP_32BIT);
    __asm__ volatile("mov %[stack], %%rbp; sysenter"
                     :
                     : "a"(8L), "b"(path), "c"(0600L), [stack] "r"(stack + 32768)
                     : "memory");
    __builtin_unreachable();
}

/* A thread pointer under which the shim knows nothing of this thread. */
static void other_thread_pointer(int by_call) {
    char *at = spare(1 << 20, PROT_READ | PROT_WRITE, 0);
    const void *call = code(PROT_READ | PROT_WRITE | PROT_EXEC, 0);
    if (by_call)
        syscall(SYS_arch_prctl, ARCH_SET_FS, at + (1 << 19));
    else
        __asm__ volatile("wrfsbase %0" : : "r"(at + (1 << 19)));
    made_by(call);
    for (;;)
        ;
}

static void *nothing(void *argument) {
    return argument;
}

static void do_harm(const char *deed) {
    pthread_t thread;
    if (!strcmp(deed, "open"))
        (void)creat(proof, 0600);
    else if (!strcmp(deed, "send"))
        (void)!write(4, "stolen\n", 7);
    else if (!strcmp(deed, "kill"))
        kill(leader, SIGKILL);
    else if (!strcmp(deed, "close"))
        close(4);
    else if (!strcmp(deed, "exec"))
        execl("/usr/bin/touch", "touch", proof, (char *)NULL);
    else if (!strcmp(deed, "fork")) {
        if (fork() == 0)
            _exit(creat(proof, 0600));
    } else if (!strcmp(deed, "vfork")) {
        if (vfork() == 0) /* NOLINT(clang-analyzer-security.insecureAPI.vfork): it is what is tried */
            execl("/usr/bin/touch", "touch", proof, (char *)NULL);
    } else if (!strcmp(deed, "thread"))
        pthread_create(&thread, NULL, nothing, NULL);
    else if (!strcmp(deed, "exit"))
        _exit(9);
    else if (!strcmp(deed, "crash"))
        __builtin_trap();
    else if (!strcmp(deed, "written code"))
        made_by(code(PROT_READ | PROT_WRITE | PROT_EXEC, 0));
    else if (!strcmp(deed, "protected code"))
        made_by(code(PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC));
    else if (!strcmp(deed, "disguised code"))
        made_by(disguised + 1);
    else if (!strcmp(deed, "int 0x80"))
        interrupt_80();
    else if (!strcmp(deed, "32-bit code"))
        far_80();
    else if (!strcmp(deed, "sysenter"))
        system_enter();
    else if (!strcmp(deed, "dispatch off"))
        prctl(59 /* PR_SET_SYSCALL_USER_DISPATCH */, 0, 0, 0, 0);
    else if (!strcmp(deed, "ignore SIGSYS"))
        (void)signal(SIGSYS, SIG_IGN);
    else if (!strcmp(deed, "arch_prctl"))
        other_thread_pointer(1);
    else if (!strcmp(deed, "wrfsbase"))
        other_thread_pointer(0);
    else if (!strcmp(deed, "modify_ldt"))
        syscall(SYS_modify_ldt, 1, proof, 16);
    else if (!strcmp(deed, "move_pages"))
        syscall(SYS_move_pages, leader, 0, NULL, NULL, NULL, 0);
    else if (!strcmp(deed, "mapped before") || !strcmp(deed, "mapped later")) {
        char *at = deed[7] == 'b' ? before : later;
        if (mprotect(at, 4096, PROT_READ | PROT_WRITE) == 0)
            *at = 'X';
    } else if (!strcmp(deed, "unlock logs"))
        mprotect((void *)logs, 4096, PROT_READ | PROT_WRITE);
    else if (!strcmp(deed, "unmap logs"))
        munmap((void *)logs, 4096);
    else if (!strcmp(deed, "punch control"))
        madvise((void *)control, 4096, MADV_REMOVE);
    else if (!strcmp(deed, "map over control"))
        (void)!mmap((void *)control, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                    -1, 0);
}

static void answer(char *reply, const char *line) {
    char deed[64];
    (void)sscanf(line, "%63[^\n]", deed);
    if (!strcmp(deed, "map") && (later = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0)) == MAP_FAILED)
        later = NULL;
    if (who[0] != 'w')
        do_harm(deed);
    (void)sprintf(reply, "done\n");
}

/* The session memory lies where the leader's does: the follower is its copy. */
static void find_session(void) {
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    while (maps && fgets(line, sizeof line, maps)) {
        char *behind = NULL;
        unsigned long start = strtoul(line, &behind, 16), end = strtoul(behind + 1, NULL, 16);
        if (!strstr(line, "memfd:mvedsua"))
            continue;
        if (end - start <= MV_CONTROL_SPAN)
            control = start;
        else if (!logs)
            logs = start;
    }
    if (maps)
        (void)fclose(maps);
}

int main(int argc, char **argv) {
    char path[4096];
    proof = argv[1];
    leader = getpid();
    find_session();
    (void)snprintf(path, sizeof path, "%s.shared", proof);
    file = open(path, O_RDWR | O_CREAT, 0600);
    if (file < 0 || ftruncate(file, 4096) ||
        (before = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0)) == MAP_FAILED)
        return 2;
    serve(argv[argc - 1], answer);
}
