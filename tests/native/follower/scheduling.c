/* A server whose threads have names, processors, policies, niceness, I/O priority and timer slack of their
 * own. `tell` tells all of them, as the threads and as the main thread see them; `change N` lets the main
 * thread change those of a worker; `own N` its own. */
#define _GNU_SOURCE
#include "server.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WORKERS         3
#define BEST_EFFORT(n)  (2 << 13 | (n))
#define PROCESSES(call) syscall(call, 1 /* IOPRIO_WHO_PROCESS */, tid)

static struct worker {
    pthread_t thread;
    pid_t tid;
    int asked[2], told[2];
    char name[16];
    int slack;
} workers[WORKERS];

static int take_processor(pid_t tid, int number) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((unsigned)(number % (int)sysconf(_SC_NPROCESSORS_ONLN)), &set);
    return sched_setaffinity(tid, sizeof set, &set);
}

static int take_policy(pid_t tid, int number) {
    static const int policies[] = {SCHED_OTHER, SCHED_BATCH, SCHED_IDLE};
    const struct sched_param none = {0};
    return sched_setscheduler(tid, policies[number % 3], &none);
}

static int take(pid_t tid, int number) {
    return take_processor(tid, number) || setpriority(PRIO_PROCESS, (id_t)tid, 3 + number) ||
           take_policy(tid, number) ||
           syscall(SYS_ioprio_set, 1 /* IOPRIO_WHO_PROCESS */, tid, BEST_EFFORT(1 + number % 7));
}

static void *work(void *argument) {
    struct worker *self = argument;
    int number = (int)(self - workers);
    char name[16], byte;
    (void)snprintf(name, sizeof name, "worker %d", number);
    self->tid = gettid();
    if (prctl(PR_SET_NAME, name) || prctl(PR_SET_TIMERSLACK, 1000L * (1 + number)) || take(0, number))
        exit(1);
    do {
        prctl(PR_GET_NAME, self->name);
        self->slack = prctl(PR_GET_TIMERSLACK);
    } while (write(self->told[1], "", 1) == 1 && read(self->asked[0], &byte, 1) == 1);
    return NULL;
}

static char *told, *end;

static void __attribute__((format(printf, 1, 2))) say(const char *format, ...) {
    va_list list;
    va_start(list, format);
    told += vsnprintf(told, (size_t)(end - told), format, list);
    va_end(list);
}

static void tell_of(pid_t tid) {
    cpu_set_t set;
    CPU_ZERO(&set);
    int bad = sched_getaffinity(tid, sizeof set, &set);
    say(" policy %d nice %d processors %s%lx io %lx;", sched_getscheduler(tid),
        getpriority(PRIO_PROCESS, (id_t)tid), bad ? "?" : "", set.__bits[0], PROCESSES(SYS_ioprio_get));
}

static void answer(char *reply, const char *line) {
    int number = (int)strtol(line + strcspn(line, "0123456789"), NULL, 10), bad = 0;
    struct rlimit limit = {(rlim_t)number, 4096}, is;
    told = reply;
    end = reply + 256;
    if (!strncmp(line, "change", 6))
        bad = take(workers[number % WORKERS].tid, number);
    if (!strncmp(line, "own", 3))
        bad = take_processor(0, number) || take_policy(getpid(), number) ||
              setpriority(PRIO_PROCESS, (id_t)getpid(), number) ||
              prlimit(getpid(), RLIMIT_CORE, &limit, NULL);
    if (!strncmp(line, "worker", 6)) {
        struct worker *worker = &workers[number % WORKERS];
        char byte;
        if (write(worker->asked[1], "", 1) != 1 || read(worker->told[0], &byte, 1) != 1)
            exit(1);
        say("%s slack %d", worker->name, worker->slack);
        tell_of(worker->tid);
    } else {
        say("%d", bad ? errno : 0);
        tell_of(getpid());
        tell_of(0);
        if (!prlimit(getpid(), RLIMIT_CORE, NULL, &is))
            say(" core %lu", is.rlim_cur);
    }
    say("\n");
}

int main(int argc, char **argv) {
    for (struct worker *worker = workers; worker < workers + WORKERS; worker++) {
        char byte;
        if (pipe(worker->asked) || pipe(worker->told) ||
            pthread_create(&worker->thread, NULL, work, worker) || read(worker->told[0], &byte, 1) != 1)
            return 1;
    }
    return argc > 1 ? serve(argv[1], answer) : 2;
}
