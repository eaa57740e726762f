/* log-peer: one side of a log in a process of its own, to be killed at any moment.
 *
 *   log-peer produce PATH VERSION SLOT GENERATION SEED LARGEST COUNT BUDGET READERS keeper|alone drop|wait
 *     Publishes COUNT records (0: until it is killed), READERS cursors expected; then one of MV_CALL_ROLE.
 *     Over budget: drops the reader that is furthest behind, or waits for it. Lines: "started"; it goes on
 * when standard input has a line; "dropped INDEX"; "done COUNT MOST-BYTES-HELD"; then it waits for the end of
 * input. log-peer consume PATH VERSION SLOT GENERATION SEED LARGEST INDEX NAP_US EVERY Reads and checks every
 * byte; naps NAP_US after about every EVERY-th record. Lines: "reading"; then one of "end N", "dead N",
 * "dropped N", "wrong N", "fault NAME after N". N: records read.
 *
 * PATH is the session memory (/proc/PID/fd/N). */
#include "support.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../number.h"

struct place {
    int fd;
    uint32_t version, slot;
    uint64_t generation, seed;
    uint32_t largest;
};

static struct place parse(char **argv) {
    struct place p = {.fd = open(argv[2], O_RDWR | O_CLOEXEC)};
    if (p.fd < 0) {
        perror(argv[2]);
        exit(2);
    }
    p.version = (uint32_t)number(argv[3]);
    p.slot = (uint32_t)number(argv[4]);
    p.generation = strtoull(argv[5], NULL, 0);
    p.seed = strtoull(argv[6], NULL, 0);
    p.largest = (uint32_t)strtoul(argv[7], NULL, 0);
    return p;
}

static void say(const char *line) {
    if (write(1, line, strlen(line)) < 0)
        exit(3);
}

static struct mv_log_writer writer;
static struct mv_log_budget budget;
static struct mv_log_keeper keeper = {.word = 1, .number = 2, .lives = 1};

/* As the keeper process does it (log.h); a thread shares the memory just as well. */
static void *keep(void *unused) {
    (void)unused;
    for (;;) {
        mv_store_release32(&keeper.word, 0);
        mv_fence_full();
        int pause = mv_log_keep(&writer, NULL);
        struct timespec limit = {pause / 1000, pause % 1000 * 1000000L};
        syscall(SYS_futex, &keeper.word, FUTEX_WAIT_PRIVATE, 0, pause < 0 ? NULL : &limit, NULL, 0);
    }
    return NULL;
}

static void drop_the_slowest(uint8_t *base) {
    uint32_t slowest = MV_MAX_READERS;
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < MV_MAX_READERS; i++) {
        const struct mv_log_cursor *cursor = (const struct mv_log_cursor *)(base + MV_CURSOR_OFFSET(i));
        if (mv_load_acquire32(&cursor->active) && mv_load_relaxed64(&cursor->sequence) < least) {
            least = mv_load_relaxed64(&cursor->sequence);
            slowest = i;
        }
    }
    if (slowest == MV_MAX_READERS)
        return;
    mv_log_drop_reader(base, slowest);
    char line[40];
    (void)snprintf(line, sizeof line, "dropped %u\n", slowest);
    say(line);
}

static int produce(char **argv) {
    struct place p = parse(argv);
    uint64_t count = strtoull(argv[8], NULL, 0);
    budget.limit = strtoull(argv[9], NULL, 0);
    uint32_t readers = (uint32_t)number(argv[10]);
    bool with_keeper = !strcmp(argv[11], "keeper"), drop = !strcmp(argv[12], "drop");
    uint8_t *base = map_log(p.fd, MV_LOG_OFFSET(p.version, p.slot), 1);
    int error = mv_log_writer_start(&writer, base, p.version, p.slot, p.generation, &budget, NULL,
                                    with_keeper ? &keeper : NULL);
    if (error) {
        (void)fprintf(stderr, "start: %d\n", error);
        return 2;
    }
    struct mv_log_header *header = (struct mv_log_header *)base;
    struct robust_list_head *head;
    size_t size;
    if (syscall(SYS_get_robust_list, 0, &head, &size) ||
        mv_death_link(header->death, head, (uint32_t)gettid()))
        return 2;
    for (uint32_t i = 0; i < readers; i++)
        mv_log_expect_reader(&writer, i, 0);
    pthread_t thread;
    if (with_keeper && pthread_create(&thread, NULL, keep, NULL))
        return 2;
    say("started\n");
    char line[80];
    if (!fgets(line, sizeof line, stdin))
        return 2;
    uint64_t most = 0;
    for (uint64_t i = 0; count == 0 || i <= count; i++) {
        struct plan plan = plan_record(p.seed, i, p.largest);
        if (count && i == count)
            plan = (struct plan){0, 0, MV_CALL_ROLE};
        struct mv_event *event;
        while (!(event = mv_log_reserve(&writer, plan.in_size, plan.out_size))) {
            if (writer.refusal != MV_LOG_OVER_BUDGET) {
                (void)fprintf(stderr, "refused: %u\n", writer.refusal);
                return 2;
            }
            if (drop)
                drop_the_slowest(base);
            else
                usleep(200);
        }
        fill_record(event, p.seed, i, plan);
        mv_log_publish(&writer, event);
        uint64_t held = mv_load_relaxed64(&budget.held);
        most = held > most ? held : most;
    }
    (void)snprintf(line, sizeof line, "done %llu %llu\n", (unsigned long long)count,
                   (unsigned long long)most);
    say(line);
    while (fgets(line, sizeof line, stdin))
        ;
    return 0;
}

static int consume(char **argv) {
    struct place p = parse(argv);
    uint32_t index = (uint32_t)number(argv[8]);
    useconds_t nap = (useconds_t)number(argv[9]);
    uint64_t every = strtoull(argv[10], NULL, 0), read_so_far = 0;
    struct rng r = {p.seed + index};
    struct mv_log_reader reader;
    char line[120];
    uint8_t *base = map_log(p.fd, MV_LOG_OFFSET(p.version, p.slot), 0);
    int result = mv_log_reader_start(&reader, base, MV_LOG_SPAN, p.version, p.slot, p.generation, index,
                                     (uint32_t)getpid());
    say("reading\n");
    const char *outcome = NULL;
    while (!outcome && result >= 0) {
        const struct mv_event *event;
        int why = mv_log_wait(&reader, NULL, 0);
        result = mv_log_peek(&reader, &event);
        if (result == 0 && why == MV_LOG_OWNER_DEAD)
            outcome = "dead";
        if (result != 1)
            continue;
        if (event->call == MV_CALL_ROLE)
            outcome = "end";
        else if (!record_as_planned(event, p.seed, read_so_far, plan_record(p.seed, read_so_far, p.largest)))
            outcome = "wrong";
        else
            read_so_far++;
        mv_log_consume(&reader);
        if (nap && rng_below(&r, every) == 0)
            usleep(nap);
    }
    /* A reader that was dropped reads what is being overwritten: that is why followers are ended. */
    bool dropped = mv_load_acquire32(&reader.cursor->active) == MV_CURSOR_UNUSED;
    if (dropped && (!outcome || !strcmp(outcome, "wrong")))
        outcome = "dropped";
    if (outcome)
        (void)snprintf(line, sizeof line, "%s %llu\n", outcome, (unsigned long long)read_so_far);
    else
        (void)snprintf(line, sizeof line, "fault %s after %llu\n", mv_log_fault_text(result),
                       (unsigned long long)read_so_far);
    say(line);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 13 && !strcmp(argv[1], "produce"))
        return produce(argv);
    if (argc == 11 && !strcmp(argv[1], "consume"))
        return consume(argv);
    (void)fputs("usage: log-peer produce|consume …, see peer.c\n", stderr);
    return 2;
}
