/* A server with POSIX timers. Its lines:
 *   make KIND         a timer, named by a number from 0 on: plain (the default event), signal, member (of a
 *                     thread), thread (libc's), quiet, cpu (of this thread's processor time); answers its
 *                     kernel's number
 *   arm N MS EVERY    by the clock of its kind
 *   until N MS        at that time of the clock
 *   wait N            for the next expiration: timer, value, code, overrun, whether siginfo has its number,
 *                     thread; not for one of another timer than N that a thread of libc's tells of late
 *   drain             how many expirations there have been that nobody waited for, and the milliseconds since
 *                     `arm`
 *   stall MS          keeps all signals off for so long
 *   overrun N, left N (whether it is armed), delete N
 *   burn N MS         processor time until the next expiration
 *   clock             reads the processor clock of the other thread, as that is named from outside */
#define _GNU_SOURCE
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#define TIMERS 32
#define NUMBER 36 /* the signal of most of them; the next one is the other thread's */

struct report {
    int timer, value, code, overrun, named, thread, by_libc;
};

static timer_t timers[TIMERS];
static int made, reports[2], burning;
static pthread_t helper;
static pid_t helper_tid;
static struct timespec armed;

static void report(int timer, const siginfo_t *info) {
    struct report told = {timer, 0, 0, 0, 1, pthread_equal(pthread_self(), helper) ? 1 : 0, 1};
    if (info)
        told = (struct report){timer,
                               info->si_value.sival_int,
                               info->si_code,
                               info->si_overrun,
                               info->si_timerid == (int)(long)timers[timer],
                               told.thread,
                               0};
    if (write(reports[1], &told, sizeof told) != sizeof told)
        abort();
    if (info && !told.thread) /* (memory that other threads write is not replayed) */
        burning = 0;
}

static void arrived(int number, siginfo_t *info, void *context) {
    int error = errno;
    (void)context;
    report(number == SIGALRM ? info->si_timerid : info->si_value.sival_int - 100, info);
    errno = error;
}

static void expired(union sigval value) {
    report(value.sival_int - 100, NULL);
}

static void *help(void *unused) {
    sigset_t set;
    (void)unused;
    sigfillset(&set);
    sigdelset(&set, NUMBER + 1);
    pthread_sigmask(SIG_SETMASK, &set, NULL);
    helper_tid = gettid();
    if (write(reports[1], "", 1) != 1)
        abort();
    for (;;)
        pause();
    return NULL;
}

static int make(const char *kind) {
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = NUMBER};
    int member = !strcmp(kind, "member"), thread = !strcmp(kind, "thread");
    clockid_t clock = CLOCK_REALTIME;
    event.sigev_value.sival_int = 100 + made;
    if (member) {
        event.sigev_notify = SIGEV_THREAD_ID;
        event._sigev_un._tid = helper_tid;
        event.sigev_signo = NUMBER + 1;
        clock = CLOCK_MONOTONIC;
    } else if (thread) {
        event.sigev_notify = SIGEV_THREAD;
        event.sigev_notify_function = expired;
        clock = CLOCK_BOOTTIME;
    } else if (!strcmp(kind, "quiet")) {
        event.sigev_notify = SIGEV_NONE;
    } else if (!strcmp(kind, "cpu")) {
        pthread_getcpuclockid(pthread_self(), &clock);
    }
    if (timer_create(clock, strcmp(kind, "plain") ? &event : NULL, &timers[made]))
        return -errno;
    made++;
    return thread ? 0 : (int)(long)timers[made - 1];
}

static struct timespec milliseconds(long ms) {
    return (struct timespec){ms / 1000, ms % 1000 * 1000000};
}

static int arm(int timer, long ms, long every, int absolute) {
    struct itimerspec setting = {milliseconds(every), milliseconds(ms)};
    clock_gettime(CLOCK_REALTIME, &armed);
    if (absolute) {
        setting.it_value.tv_sec += armed.tv_sec;
        setting.it_value.tv_nsec += armed.tv_nsec;
        setting.it_value.tv_sec += setting.it_value.tv_nsec / 1000000000;
        setting.it_value.tv_nsec %= 1000000000;
    }
    return timer_settime(timers[timer], absolute ? TIMER_ABSTIME : 0, &setting, NULL) ? -errno : 0;
}

static void drain(char *reply) {
    struct timespec now;
    struct report told;
    int count = 0;
    fcntl(reports[0], F_SETFL, O_NONBLOCK);
    while (read(reports[0], &told, sizeof told) == sizeof told)
        count += 1 + told.overrun;
    fcntl(reports[0], F_SETFL, 0);
    clock_gettime(CLOCK_REALTIME, &now);
    (void)sprintf(reply, "%d %ld\n", count,
                  (now.tv_sec - armed.tv_sec) * 1000 + (now.tv_nsec - armed.tv_nsec) / 1000000);
}

static void told_as_line(char *reply, const struct report *told) {
    (void)sprintf(reply, "%d value %d code %d overrun %d %s thread %d\n", told->timer, told->value,
                  told->code, told->overrun, told->named ? "own" : "other", told->thread);
}

static void stall(long ms) {
    struct timespec time = milliseconds(ms);
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    nanosleep(&time, NULL);
}

static void release(void) {
    sigset_t none;
    sigemptyset(&none);
    sigaddset(&none, NUMBER + 1);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
}

static void take(char *reply) {
    sigset_t set;
    siginfo_t info;
    struct report told;
    sigemptyset(&set);
    sigaddset(&set, NUMBER);
    if (sigwaitinfo(&set, &info) != NUMBER)
        abort();
    report(info.si_value.sival_int - 100, &info);
    if (read(reports[0], &told, sizeof told) == sizeof told)
        told_as_line(reply, &told);
}

static int left(int timer) {
    struct itimerspec setting = {{0, 0}, {0, 0}};
    if (timer_gettime(timers[timer], &setting))
        return -errno;
    return setting.it_value.tv_sec || setting.it_value.tv_nsec;
}

static int clock_of_helper(void) {
    struct timespec time;
    clockid_t clock;
    if (pthread_getcpuclockid(helper, &clock) || clock_gettime(clock, &time))
        return -errno;
    return time.tv_sec < 5;
}

static void answer(char *reply, const char *line) {
    char word[16] = "", kind[16] = "", third[16] = "0", fourth[16] = "0";
    (void)sscanf(line, "%15s %15s %15s %15s", word, kind, third, fourth);
    long ms = number(third), every = number(fourth);
    int timer = (int)strtol(kind, NULL, 10), result = 0;
    if (!strcmp(word, "wait")) {
        struct report told = {0};
        while (read(reports[0], &told, sizeof told) != sizeof told || (told.by_libc && told.timer != timer))
            ;
        told_as_line(reply, &told);
        return;
    }
    if (!strcmp(word, "drain")) {
        drain(reply);
        return;
    }
    if (!strcmp(word, "make"))
        result = make(kind);
    else if (!strcmp(word, "arm") || !strcmp(word, "until"))
        result = arm(timer, ms, every, word[0] == 'u');
    else if (!strcmp(word, "stall") || !strcmp(word, "take"))
        stall(timer);
    if (!strcmp(word, "take")) {
        take(reply);
        return;
    }
    if (!strcmp(word, "stall") || !strcmp(word, "release"))
        release();
    else if (!strcmp(word, "overrun"))
        result = timer_getoverrun(timers[timer]);
    else if (!strcmp(word, "left"))
        result = left(timer);
    else if (!strcmp(word, "delete"))
        result = timer_delete(timers[timer]) ? -errno : 0;
    else if (!strcmp(word, "clock"))
        result = clock_of_helper();
    else if (!strcmp(word, "burn"))
        for (burning = 1, result = arm(timer, ms, 0, 0); *(volatile int *)&burning;)
            (void)getppid();
    (void)sprintf(reply, "%d\n", result);
}

int main(int argc, char **argv) {
    struct sigaction action = {.sa_sigaction = arrived, .sa_flags = SA_RESTART | SA_SIGINFO};
    char byte;
    sigaction(SIGALRM, &action, NULL);
    sigaction(NUMBER, &action, NULL);
    sigaction(NUMBER + 1, &action, NULL);
    release();
    if (pipe(reports) || pthread_create(&helper, NULL, help, NULL) || read(reports[0], &byte, 1) != 1)
        return 1;
    return serve(argv[argc - 1], answer);
}
