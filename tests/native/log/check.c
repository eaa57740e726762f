/* Runs the tests: each in a process of its own. Exit status 0 when none failed. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LONGEST 120 /* seconds: a test that hangs has failed */

static int run(const struct test *test) {
    int reason[2];
    if (pipe(reason))
        return 1;
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        dup2(reason[1], 3);
        alarm(LONGEST);
        test->run();
        _exit(0);
    }
    close(reason[1]);
    int status;
    waitpid(child, &status, 0);
    char why[200] = "";
    ssize_t length = read(reason[0], why, sizeof why - 1);
    why[length > 0 ? length : 0] = 0;
    close(reason[0]);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return printf("ok %s\n", test->name), 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        return printf("skip %s: %s\n", test->name, why), 0;
    if (WIFSIGNALED(status))
        (void)fprintf(stderr, "%s: signal %d (again: LOG_TEST_SEED=%llu)\n", test->name, WTERMSIG(status),
                      (unsigned long long)test_seed);
    return printf("not ok %s\n", test->name), 1;
}

int main(int argc, char **argv) {
    const char *seed = getenv("LOG_TEST_SEED");
    test_seed = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL) * 1000003u + (uint64_t)getpid();
    const struct test *all[] = {refusal_tests, model_tests, memory_tests, death_tests};
    int failed = 0;
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++)
        for (const struct test *test = all[i]; test->name; test++)
            if (argc < 2 || strstr(test->name, argv[1]))
                failed |= run(test);
    return failed;
}
