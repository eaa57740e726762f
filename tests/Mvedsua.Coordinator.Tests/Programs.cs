namespace Mvedsua.Coordinator.Tests;

/// <summary>Servers in C that tests compile.</summary>
internal static class Programs
{
    /// <summary>Answers each line; the answer to "differ" is another in every process. "exit" ends it.</summary>
    internal const string Unrepeatable = """
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <unistd.h>
        #include <x86intrin.h>
        static __attribute__((noinline)) void reply(const char *word)
        {
            char text[128];
            unsigned long long cycles = strcmp(word, "differ") ? 1234567890123ull : __rdtsc();
            int length = snprintf(text, sizeof text, "cycles %llu %s\n", cycles, word);
            if (write(1, text, (size_t)length) != length) exit(3);
        }
        static __attribute__((noinline)) void serve(char *line)
        {
            line[strcspn(line, "\n")] = 0;
            reply(line);
            if (!strcmp(line, "exit")) exit(6);
        }
        int main(void)
        {
            char line[64];
            ssize_t length;
            while ((length = read(0, line, sizeof line - 1)) > 0) {
                line[length] = 0;
                serve(line);
            }
            return 5;
        }
        """;

    /// <summary>Says "ready". After a line: 100 threads, one after another, each of which writes one line; and ends, unless
    /// the line was "stay".</summary>
    internal const string Fleeting = """
        #include <pthread.h>
        #include <stdio.h>
        #include <stdint.h>
        #include <unistd.h>
        static int stay;
        static void *run(void *number)
        {
            char text[32];
            int length = snprintf(text, sizeof text, "thread %d\n", (int)(intptr_t)number);
            if (write(1, text, (size_t)length) == length && stay) pause();
            return NULL;
        }
        int main(void)
        {
            char line[64];
            puts("ready");
            fflush(stdout);
            while (read(0, line, sizeof line) > 0)
                for (int i = 0; i < 100; i++) {
                    pthread_t thread;
                    stay = line[0] == 's';
                    pthread_create(&thread, NULL, run, (void *)(intptr_t)i);
                    if (!stay) pthread_join(thread, NULL);
                }
            return 0;
        }
        """;

    /// <summary>Carries out one command a line: "fork" makes a child that lives until it is killed; the other words wait in
    /// their ways and print what the wait said. The last SIGCHLD is kept.</summary>
    internal const string Parent = """
        #include <errno.h>
        #include <signal.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/resource.h>
        #include <sys/wait.h>
        #include <unistd.h>
        static volatile int signals, signal_pid, signal_status;
        static void noted(int number, siginfo_t *info, void *context)
        {
            (void)number, (void)context;
            signals++;
            signal_pid = info->si_pid;
            signal_status = info->si_status;
        }
        static void end(int number)
        {
            _exit(number + 2);
        }
        static void make(void)
        {
            fflush(stdout);
            pid_t child = fork();
            if (child == 0) {
                signal(SIGTERM, end);
                for (;;) pause();
            }
            printf("child %d\n", child);
        }
        static void told(const char *call, long result, int status)
        {
            if (result < 0) printf("%s: %s\n", call, strerror(errno));
            else printf("%s: %ld status %x\n", call, result, status);
        }
        int main(void)
        {
            struct sigaction action = {.sa_sigaction = noted, .sa_flags = SA_SIGINFO | SA_RESTART};
            char line[64];
            int status = 0, got = 0;
            long result;
            sigaction(SIGCHLD, &action, NULL);
            setvbuf(stdout, NULL, _IOLBF, 0);
            puts("ready");
            while ((got = read(0, line, sizeof line - 1)) > 0) {
                line[got] = 0;
                struct rusage usage = {0};
                siginfo_t info = {0};
                if (!strncmp(line, "fork", 4)) make();
                else if (!strncmp(line, "any", 3)) { result = waitpid(-1, &status, 0); told("any", result, status); }
                else if (!strncmp(line, "poll", 4)) { result = waitpid(-1, &status, WNOHANG); told("poll", result, result > 0 ? status : 0); }
                else if (!strncmp(line, "group", 5)) { result = wait4(0, &status, 0, &usage); told("group", result, status); }
                else if (!strncmp(line, "pid", 3)) { result = waitpid(atoi(line + 4), &status, 0); told("pid", result, status); }
                else if (!strncmp(line, "look", 4)) {
                    result = waitid(P_ALL, 0, &info, WEXITED | WNOWAIT);
                    told("look", result < 0 ? result : info.si_pid, info.si_code << 8 | info.si_status);
                } else if (!strncmp(line, "id", 2)) {
                    result = waitid(P_PID, (id_t)atoi(line + 3), &info, WEXITED);
                    told("id", result < 0 ? result : info.si_pid, info.si_code << 8 | info.si_status);
                } else if (!strncmp(line, "own", 3)) { result = waitid(P_PGID, 0, &info, WEXITED | WNOHANG); told("own", result < 0 ? result : info.si_pid, 0); }
                else if (!strncmp(line, "signals", 7)) printf("signals %d from %d status %d\n", signals, signal_pid, signal_status);
            }
            return 0;
        }
        """;

    /// <summary>Says "ready"; one of its threads is stuck in a vfork whose child never execs. Echoes its lines.</summary>
    internal const string Stuck = """
        #define _GNU_SOURCE
        #include <pthread.h>
        #include <stdio.h>
        #include <sys/prctl.h>
        #include <signal.h>
        #include <unistd.h>
        static void *stick(void *nothing)
        {
            if (vfork() == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (write(1, "ready\n", 6) < 0) _exit(1);
                for (;;) pause();
            }
            return nothing;
        }
        int main(void)
        {
            char line[64];
            long got;
            pthread_t thread;
            pthread_create(&thread, NULL, stick, NULL);
            while ((got = read(0, line, sizeof line)) > 0)
                if (write(1, line, (size_t)got) != got) return 1;
            return 0;
        }
        """;

    /// <summary>Echoes its lines, while a timer's handler writes a dot every millisecond.</summary>
    internal const string Ticking = """
        #include <signal.h>
        #include <stdio.h>
        #include <errno.h>
        #include <sys/time.h>
        #include <unistd.h>
        static int ticks;
        static void tick(int number)
        {
            char dot = '.';
            (void)number;
            ticks++;
            if (write(2, &dot, 1) != 1) _exit(2);
        }
        int main(void)
        {
            char line[64];
            long got;
            struct sigaction action = {.sa_handler = tick};
            sigaction(SIGALRM, &action, NULL);
            setitimer(ITIMER_REAL, &(struct itimerval){{0, 1000}, {0, 1000}}, NULL);
            if (write(1, "ready\n", 6) != 6) return 3;
            for (;;) {
                got = read(0, line, sizeof line);
                if (got < 0 && errno == EINTR) continue;
                if (got <= 0) return 0;
                char text[96];
                int length = snprintf(text, sizeof text, "%d ticks, %.*s", ticks, (int)got, line);
                while (write(1, text, (size_t)length) < 0)
                    ;
            }
        }
        """;
}
