/* check-load [-i MS] [-r] PROTOCOL PORT CLIENTS SECONDS [ANSWERS]: a load that checks every answer, and
 * measures every request. PROTOCOL: redis, memcached, beanstalkd, http or kv (protocols.c).
 *
 * One request at a time per connection; its answer is known in advance. Ends after SECONDS, after that many
 * ANSWERS (no more requests are made: the server's processor time is for exactly so many), or at SIGTERM.
 *
 * SIGUSR1 begins a new phase: the answers, errors and longest request are counted for each phase on its own,
 * so that one sees what happened around a kill. A connection that is closed, reset, answers something else or
 * not at all for PATIENCE_NS counts as one error and is not used again: the client noticed. -r: one that is
 * closed or reset counts as one error, too, but connects again until it can, for as long as it takes; the
 * first answer then counts as taking from the request that was lost.
 *
 * Prints "ready" once all are connected, "begun=N" when a phase begins, "progress=N" at every 25,000th answer
 * of a phase, each second (-i: so many ms) a line of that time: second=N answers=A median_us=M longest_us=L,
 * and at the end a line per phase: phase=N seconds=S answers=A errors=E median_us=M p99_us=P longest_us=L and
 * for each error a line: error=what connection=N step=… . Exit status 1 when there was any error. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "../../tests/native/number.h"
#include "check-load.h"

#define SECOND_NS   1000000000ull
#define PATIENCE_NS (5 * SECOND_NS)
#define PROGRESS    25000u
#define PHASES      16
#define CONNECTIONS 512

struct connection {
    int fd, step, away, waiting; /* waiting: for the answer to a request */
    struct client client;
    struct exchange exchange;
    uint64_t sent_at,
        lost_at; /* lost_at: when what the next answer stands for was sent; 0: nothing was lost */
    char got[ANSWER_SIZE];
    size_t got_length;
};

/* Latencies in buckets of 1/8 of a power of two: the quantiles are exact to 6 %, the longest exactly. */
struct phase {
    uint64_t begin, end, answers, errors, longest, buckets[64 * 8];
};

static const struct protocol *protocol;
static struct connection connections[CONNECTIONS];
static struct phase phases[PHASES], second;
static uint64_t answered, on_their_way, wanted_answers = UINT64_MAX, interval = SECOND_NS;
static int connects_again, away;
static volatile sig_atomic_t wanted_phase, stopped;

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static unsigned bucket_of(uint64_t ns) {
    unsigned power = ns < 8 ? 0 : 63u - (unsigned)__builtin_clzll(ns) - 3u;
    return power * 8 + (unsigned)(ns >> power);
}

static uint64_t bucket_top(unsigned bucket) {
    return bucket < 16 ? bucket : (uint64_t)(8 + bucket % 8 + 1) << (bucket / 8 - 1);
}

static uint64_t quantile(const struct phase *phase, double q) {
    uint64_t rank = (uint64_t)(q * (double)phase->answers), seen = 0;
    for (unsigned b = 0; b < 64 * 8; b++)
        if ((seen += phase->buckets[b]) > rank)
            return bucket_top(b);
    return phase->longest;
}

/* Nothing is on its way any more. */
static void settle(struct connection *c) {
    on_their_way -= (uint64_t)c->waiting;
    c->waiting = 0;
}

static void fail(struct connection *c, struct phase *phase, const char *what) {
    printf("error=%s connection=%d step=%d number=%llu after_us=%llu\n", what, c->client.number, c->step,
           (unsigned long long)c->client.counter, (unsigned long long)((now() - c->sent_at) / 1000));
    (void)fflush(stdout);
    phase->errors++;
    if (c->waiting && now() - c->sent_at > phase->longest)
        phase->longest = now() - c->sent_at;
    settle(c);
    close(c->fd);
}

/* The server is not there. */
static void lose(struct connection *c, struct phase *phase, const char *what) {
    if (!connects_again) {
        fail(c, phase, what);
        return;
    }
    phase->errors += c->step != 0;
    settle(c);
    close(c->fd);
    c->step = 0;
    c->client.counter = 0;
    c->lost_at = c->sent_at;
    c->away = 1;
    away++;
}

static void send_request(struct connection *c, struct phase *phase) {
    struct exchange *x = &c->exchange;
    if (answered + on_their_way >= wanted_answers)
        return;
    c->waiting = 1;
    on_their_way++;
    protocol->make(&c->client, c->step, x);
    c->got_length = 0;
    c->sent_at = c->lost_at ? c->lost_at : now();
    c->lost_at = 0;
    if (send(c->fd, x->request, x->request_length, MSG_NOSIGNAL) != (ssize_t)x->request_length)
        lose(c, phase, "send");
}

static void count(struct phase *phase, uint64_t took) {
    phase->answers++;
    phase->buckets[bucket_of(took)]++;
    if (took > phase->longest)
        phase->longest = took;
}

static void receive(struct connection *c, struct phase *phase) {
    ssize_t n = recv(c->fd, c->got + c->got_length, sizeof c->got - c->got_length, 0);
    if (n <= 0) {
        lose(c, phase, n ? "reset" : "closed");
        return;
    }
    c->got_length += (size_t)n;
    enum match match = match_answer(&c->exchange, c->got, c->got_length, &c->client.captured);
    if (match == MATCH_PARTIAL)
        return;
    if (match == MATCH_WRONG && connects_again && c->step == 0) { /* it is not ready yet */
        lose(c, phase, "refused");
        return;
    }
    if (match == MATCH_WRONG) {
        fail(c, phase, "wrong-answer");
        return;
    }
    uint64_t took = now() - c->sent_at;
    count(phase, took);
    count(&second, took);
    answered++;
    settle(c);
    if (phase->answers % PROGRESS == 0) {
        printf("progress=%llu\n", (unsigned long long)answered);
        (void)fflush(stdout);
    }
    if (++c->step == protocol->steps)
        c->step = protocol->first;
    send_request(c, phase);
}

static int connect_to(int port, struct connection *c, int epoll) {
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int one = 1;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return c->fd >= 0 && !connect(c->fd, (struct sockaddr *)&at, sizeof at) &&
           !setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) &&
           !epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event);
}

/* Those whose server was not there try again. */
static void connect_again(int port, int clients, int epoll, struct phase *phase) {
    for (int i = 0; i < clients; i++) {
        struct connection *c = &connections[i];
        if (!c->away)
            continue;
        if (!connect_to(port, c, epoll)) {
            close(c->fd);
            continue;
        }
        c->away = 0;
        away--;
        send_request(c, phase);
    }
}

static void on_signal(int number) {
    if (number == SIGUSR1 && wanted_phase < PHASES - 1)
        wanted_phase++;
    if (number == SIGTERM)
        stopped = 1;
}

/* A second in which nothing was answered has a line too: all figures 0. */
static void report_second(void) {
    static unsigned number;
    printf("second=%g answers=%llu median_us=%.1f longest_us=%.1f\n",
           ++number * ((double)interval / SECOND_NS), (unsigned long long)second.answers,
           (double)quantile(&second, 0.5) / 1e3, (double)second.longest / 1e3);
    (void)fflush(stdout);
    second = (struct phase){.begin = second.begin + interval};
}

static uint64_t report(int last) {
    uint64_t errors = 0;
    for (int i = 0; i <= last; i++) {
        const struct phase *p = &phases[i];
        errors += p->errors;
        printf("phase=%d seconds=%.6f answers=%llu errors=%llu median_us=%.1f p99_us=%.1f longest_us=%.1f\n",
               i, (double)(p->end - p->begin) / 1e9, (unsigned long long)p->answers,
               (unsigned long long)p->errors, (double)quantile(p, 0.5) / 1e3, (double)quantile(p, 0.99) / 1e3,
               (double)p->longest / 1e3);
    }
    return errors;
}

int main(int argc, char **argv) {
    for (int option; (option = getopt(argc, argv, "+i:r")) != -1;) {
        if (option == 'i')
            interval = (uint64_t)number(optarg) * 1000000;
        connects_again |= option == 'r';
    }
    argc -= optind - 1;
    argv += optind - 1;
    int known = argc == 5 || argc == 6, port = known ? (int)number(argv[2]) : 0,
        clients = known ? (int)number(argv[3]) : 0;
    protocol = known ? protocol_of(argv[1]) : NULL;
    if (argc == 6)
        wanted_answers = (uint64_t)number(argv[5]);
    if (!protocol || port <= 0 || clients <= 0 || clients > CONNECTIONS || real_number(argv[4]) <= 0 ||
        !interval)
        return fputs(
                   "usage: check-load [-i MS] [-r] redis|memcached|beanstalkd|http|kv PORT CLIENTS SECONDS "
                   "[ANSWERS]\n",
                   stderr),
               2;
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    int epoll = epoll_create1(EPOLL_CLOEXEC), phase = 0;
    phases[0].begin = now();
    for (int i = 0; i < clients; i++) {
        if (!connect_to(port, &connections[i], epoll))
            return fprintf(stderr, "check-load: no connection to port %d: %s\n", port, strerror(errno)), 2;
        connections[i].client.number = i;
    }
    printf("ready\n");
    (void)fflush(stdout);
    phases[0].begin = second.begin = now();
    for (int i = 0; i < clients; i++)
        send_request(&connections[i], &phases[0]);
    uint64_t until = now() + (uint64_t)(real_number(argv[4]) * 1e9), looked = now();
    while (!stopped && answered < wanted_answers && now() < until) {
        struct epoll_event events[64];
        int n = epoll_wait(epoll, events, 64, away ? 1 : 100);
        if (phase != wanted_phase) {
            phases[phase].end = now();
            phase = wanted_phase;
            phases[phase].begin = now();
            printf("begun=%d\n", phase);
            (void)fflush(stdout);
        }
        for (int i = 0; i < n; i++)
            receive(events[i].data.ptr, &phases[phase]);
        while (now() >= second.begin + interval)
            report_second();
        if (away)
            connect_again(port, clients, epoll, &phases[phase]);
        if (now() - looked < 100000000)
            continue;
        looked = now();
        for (int i = 0; i < clients; i++)
            if (connections[i].waiting && looked > connections[i].sent_at + PATIENCE_NS)
                fail(&connections[i], &phases[phase], "no-answer");
    }
    phases[phase].end = now();
    /* What is still unanswered at the end has not been waited for long enough to be called lost. */
    return report(phase) ? 1 : 0;
}
