/* Robust-list words: the kernel tells of a death, glibc's own list stays whole. And what waiting does. */
#include "support.h"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct robust_list_head *own_list(void) {
    struct robust_list_head *head;
    size_t size;
    CHECK(syscall(SYS_get_robust_list, 0, &head, &size) == 0);
    return head;
}

/* A child that doesn't outlive a test that failed. */
static pid_t fork_bound(void) {
    pid_t child = fork();
    if (child == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    return child;
}

static void *shared_page(void) {
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    return page;
}

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static pthread_mutex_t *robust_mutex(void *at) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    CHECK(pthread_mutex_init(at, &attributes) == 0);
    return at;
}

/* Locked before, locked after, unlocked in every order: glibc's list and ours are one. */
static void glibc_mutexes_and_death_words_share_one_list(void) {
    struct mv_death_word *words = shared_page();
    uint8_t *page = shared_page();
    pthread_mutex_t *before = robust_mutex(page), *after = robust_mutex(page + 512),
                    *held = robust_mutex(page + 1024);
    pid_t child = fork_bound();
    if (child == 0) {
        struct robust_list_head *head = own_list();
        pthread_mutex_lock(before);
        CHECK_EQUAL(mv_death_link(words, head, (uint32_t)gettid()), 0);
        pthread_mutex_lock(after);
        pthread_mutex_unlock(before);
        pthread_mutex_unlock(after);
        pthread_mutex_lock(after);
        mv_death_unlink(words);
        CHECK_EQUAL(words[0].word, 0);
        CHECK_EQUAL(mv_death_link(words, head, (uint32_t)gettid()), 0);
        pthread_mutex_unlock(after);
        CHECK(pthread_mutex_lock(held) == 0);
        unsigned count = 0; /* the walk ends where it began, after ours and the one mutex */
        for (struct robust_list *node = head->list.next; node != &head->list; node = node->next)
            CHECK(++count <= MV_WATCHERS + 1);
        CHECK_EQUAL(count, MV_WATCHERS + 1);
        (void)raise(SIGKILL);
    }
    int status;
    waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    for (unsigned i = 0; i < MV_WATCHERS; i++)
        CHECK_EQUAL(words[i].word, FUTEX_OWNER_DIED | FUTEX_WAITERS);
    CHECK_EQUAL(pthread_mutex_lock(held), 130 /* EOWNERDEAD: glibc's own robustness still works */);
    CHECK_EQUAL(pthread_mutex_lock(before), 0);
}

static void words_taken_out_again_say_nothing_at_exit(void) {
    struct mv_death_word *words = shared_page();
    pid_t child = fork_bound();
    if (child == 0) {
        CHECK_EQUAL(mv_death_link(words, own_list(), (uint32_t)gettid()), 0);
        mv_death_unlink(words);
        (void)raise(SIGKILL);
    }
    waitpid(child, NULL, 0);
    for (unsigned i = 0; i < MV_WATCHERS; i++)
        CHECK_EQUAL(words[i].word, 0);
}

static void a_list_that_is_not_glibcs_is_refused(void) {
    struct mv_death_word words[MV_WATCHERS] = {0};
    struct robust_list_head head = {.list = {&head.list}, .futex_offset = -28};
    CHECK_EQUAL(mv_death_link(words, &head, 1), -22);
    CHECK(head.list.next == &head.list);
}

/* Every watcher is woken though the kernel wakes one waiter a word; and what was published is read first. */
static void a_killed_writer_wakes_every_reader_after_its_last_record(void) {
    struct bench_log log;
    open_log(&log, 4 << 20, NULL);
    struct mv_log_header *header = (struct mv_log_header *)log.base;
    for (uint32_t i = 0; i < MV_MAX_READERS; i++)
        mv_log_expect_reader(&log.writer, i, 1);
    int ready[2];
    CHECK(pipe(ready) == 0);
    pid_t owner = fork_bound();
    if (owner == 0) {
        CHECK_EQUAL(mv_death_link(header->death, own_list(), (uint32_t)gettid()), 0);
        CHECK(put(&log, 64, 0) && put(&log, 64, 0));
        CHECK(write(ready[1], "x", 1) == 1);
        pause();
        _exit(0);
    }
    char c;
    CHECK(read(ready[0], &c, 1) == 1);
    double *noticed = shared_page();
    pid_t readers[MV_MAX_READERS];
    for (uint32_t i = 0; i < MV_MAX_READERS; i++)
        if ((readers[i] = fork_bound()) == 0) {
            struct mv_log_reader r;
            const struct mv_event *event;
            CHECK_EQUAL(start_reader(&log, &r, i), 0);
            for (int n = 0; n < 2; n++) {
                CHECK_EQUAL(mv_log_wait(&r, NULL, 0), MV_LOG_EVENT);
                CHECK_EQUAL(mv_log_peek(&r, &event), 1);
                mv_log_consume(&r);
            }
            CHECK_EQUAL(mv_log_wait(&r, NULL, 0), MV_LOG_OWNER_DEAD);
            noticed[i] = seconds();
            CHECK(mv_log_owner_dead(&r));
            _exit(0);
        }
    const struct mv_log_sleepers *sleepers = (const struct mv_log_sleepers *)(log.base + MV_SLEEPERS_OFFSET);
    while (mv_load_acquire32(&sleepers->bits) != (1u << MV_MAX_READERS) - 1)
        usleep(1000); /* until all are on their futex */
    usleep(5000); /* past the first, short time-out: from here on only the kernel's walk can wake them soon */
    double killed = seconds();
    kill(owner, SIGKILL);
    for (uint32_t i = 0; i < MV_MAX_READERS; i++) {
        int status;
        waitpid(readers[i], &status, 0);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        CHECK(noticed[i] - killed < 0.5); /* by the walk (0.2 ms), not by a time-out of 1 s */
    }
    waitpid(owner, NULL, 0);
}

struct sleeper {
    struct bench_log *log;
    uint32_t *stop;
    int why;
};

static void *sleep_once(void *argument) {
    struct sleeper *s = argument;
    struct mv_log_reader r;
    CHECK_EQUAL(start_reader(s->log, &r, 0), 0);
    s->why = mv_log_wait(&r, s->stop, 0);
    return NULL;
}

static void asleep(struct bench_log *log) {
    const struct mv_log_sleepers *sleepers = (const struct mv_log_sleepers *)(log->base + MV_SLEEPERS_OFFSET);
    while (!mv_load_acquire32(&sleepers->bits))
        usleep(1000);
    usleep(5000);
}

static void a_sleeping_reader_is_woken_by_the_next_record_once(void) {
    struct bench_log log;
    open_log(&log, 4 << 20, NULL);
    mv_log_expect_reader(&log.writer, 0, 1);
    struct sleeper s = {&log, NULL, 0};
    pthread_t thread;
    pthread_create(&thread, NULL, sleep_once, &s);
    asleep(&log);
    uint32_t *wake = &((struct mv_log_header *)log.base)->wake, before = *wake;
    double published = seconds();
    for (int i = 0; i < 100; i++)
        CHECK(put(&log, 8, 0));
    pthread_join(thread, NULL);
    CHECK(seconds() - published < 0.5);
    CHECK_EQUAL(s.why, MV_LOG_EVENT);
    CHECK_EQUAL(*wake, before + 1); /* one wake-up for all of them */
}

static void a_sleeping_reader_is_woken_by_the_stop_word(void) {
    struct bench_log log;
    open_log(&log, 4 << 20, NULL);
    mv_log_expect_reader(&log.writer, 0, 1);
    uint32_t stop = 0;
    struct sleeper s = {&log, &stop, 0};
    pthread_t thread;
    pthread_create(&thread, NULL, sleep_once, &s);
    asleep(&log);
    double asked = seconds();
    mv_store_release32(&stop, 1);
    syscall(SYS_futex, &stop, FUTEX_WAKE, 1, NULL, NULL, 0);
    pthread_join(thread, NULL);
    CHECK(seconds() - asked < 0.5);
    CHECK_EQUAL(s.why, MV_LOG_STOP);
}

const struct test death_tests[] = {
    {"glibc_mutexes_and_death_words_share_one_list", glibc_mutexes_and_death_words_share_one_list},
    {"words_taken_out_again_say_nothing_at_exit", words_taken_out_again_say_nothing_at_exit},
    {"a_list_that_is_not_glibcs_is_refused", a_list_that_is_not_glibcs_is_refused},
    {"a_killed_writer_wakes_every_reader_after_its_last_record",
     a_killed_writer_wakes_every_reader_after_its_last_record},
    {"a_sleeping_reader_is_woken_by_the_next_record_once",
     a_sleeping_reader_is_woken_by_the_next_record_once},
    {"a_sleeping_reader_is_woken_by_the_stop_word", a_sleeping_reader_is_woken_by_the_stop_word},
    {0, 0},
};
