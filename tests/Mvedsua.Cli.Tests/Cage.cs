namespace Mvedsua.Cli.Tests;

/// <summary>Starts the command where the kernel withholds something: with real limits, set as a sandbox sets them.</summary>
internal static class Cage
{
    internal const string Source = """
        #define _GNU_SOURCE
        #include <errno.h>
        #include <linux/filter.h>
        #include <linux/seccomp.h>
        #include <stddef.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/prctl.h>
        #include <sys/resource.h>
        #include <sys/syscall.h>
        #include <unistd.h>

        static int filter(unsigned denied)
        {
            struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, denied, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
            };
            struct sock_fprog program = {4, code};
            return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
        }

        int main(int argc, char **argv)
        {
            int failed = 1;
            if (argc < 3) return 99;
            if (!strcmp(argv[1], "no-memfd")) failed = filter(SYS_memfd_create);
            if (!strcmp(argv[1], "seccomp")) failed = filter(0xffff);
            if (!strcmp(argv[1], "no-waitv")) failed = filter(449);
            if (!strcmp(argv[1], "mdwe")) failed = prctl(65 /* PR_SET_MDWE */, 1 /* REFUSE_EXEC_GAIN */, 0, 0, 0);
            if (!strcmp(argv[1], "nofile")) failed = setrlimit(RLIMIT_NOFILE, &(struct rlimit){60, 60});
            if (failed) { perror(argv[1]); return 99; }
            execvp(argv[2], argv + 2);
            return 99;
        }
        """;
}
