/* log-records: the byte test's C side.
 *   log-records write PATH VERSION SLOT GENERATION   starts a log, expects reader 0, publishes records of
 * each kind log-records read PATH VERSION SLOT GENERATION    reads what reader 0 has not read yet log-records
 * control PATH                         fills fields of the control block with known values Both print a line
 * for each record: call flags sequence result site stamp args in out. */
#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../number.h"

static void print_bytes(const uint8_t *bytes, uint32_t size) {
    if (!size)
        putchar('-');
    for (uint32_t i = 0; i < size; i++)
        printf("%02x", bytes[i]);
}

static void print(const struct mv_event *e) {
    const uint8_t *payload = (const uint8_t *)(e + 1);
    printf("%u %u %llu %lld %llx %llu", e->call, e->flags, (unsigned long long)e->sequence,
           (long long)e->result, (unsigned long long)e->site, (unsigned long long)e->stamp);
    for (unsigned i = 0; i < 6; i++)
        printf(" %llx", (unsigned long long)e->args[i]);
    putchar(' ');
    print_bytes(payload, e->in_size);
    putchar(' ');
    print_bytes(payload + e->in_size, e->out_size);
    putchar('\n');
}

static int write_records(uint8_t *base, char **argv) {
    static struct mv_log_writer w;
    static struct mv_log_budget budget = {0, 64 << 20};
    if (mv_log_writer_start(&w, base, (uint32_t)number(argv[3]), (uint32_t)number(argv[4]),
                            strtoull(argv[5], NULL, 0), &budget, NULL, NULL))
        return 2;
    mv_log_expect_reader(&w, 0, 0);
    static const uint16_t calls[] = {
        0, 1, 228, 232, 461, MV_CALL_SIGNAL, MV_CALL_ORDER, MV_CALL_DEATH, MV_CALL_ROLE};
    static const uint32_t sizes[][2] = {{0, 0}, {8, 0}, {0, 8}, {128, 24}, {250000, 16}, {300000, 80}};
    for (unsigned c = 0; c < sizeof calls / sizeof *calls; c++)
        for (unsigned s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            struct plan plan = {sizes[s][0], sizes[s][1], calls[c]};
            struct mv_event *e = mv_log_reserve(&w, plan.in_size, plan.out_size);
            if (!e)
                return 2;
            fill_record(e, 5, w.sequence, plan);
            e->flags = (uint16_t)(1u << s);
            mv_log_publish(&w, e);
            print(e);
        }
    return 0;
}

static int read_records(uint8_t *base, char **argv) {
    struct mv_log_reader r;
    int fault =
        mv_log_reader_start(&r, base, MV_LOG_SPAN, (uint32_t)number(argv[3]), (uint32_t)number(argv[4]),
                            strtoull(argv[5], NULL, 0), 0, (uint32_t)getpid());
    const struct mv_event *e;
    while (!fault && (fault = mv_log_peek(&r, &e)) == 1) {
        print(e);
        mv_log_consume(&r);
        fault = 0;
    }
    if (fault)
        printf("fault %s\n", mv_log_fault_text(fault));
    return fault ? 1 : 0;
}

/* Every byte of the block's fields gets a value that follows from its offset. */
static int fill_control(int fd) {
    struct mv_control *c = mmap(NULL, MV_CONTROL_SPAN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (c == MAP_FAILED)
        return 2;
    for (size_t i = 0; i < sizeof *c; i++)
        ((uint8_t *)c)[i] = (uint8_t)(i * 31 + (i >> 8));
    c->magic = MV_CONTROL_MAGIC;
    c->abi = MV_ABI_VERSION;
    c->size = sizeof *c;
    c->stage = MV_STAGE_FAILOVER;
    c->reason = MV_REASON_LEADER_DIED;
    strcpy(c->reason_text, "why it ended: \xc3\xa4");
    c->message_count = 70;
    struct mv_message *m = &c->messages[70 % MV_MESSAGES];
    m->pid = 4321;
    m->level = 2;
    memset(m->text, 'x', sizeof m->text);
    mv_store_release64(&m->number, 70);
    printf("%u %d %llu %u %llx %llx %u\n", c->leader_pid, c->reason_code, (unsigned long long)c->generation,
           c->sites_refused, (unsigned long long)c->threads[1][127].frame,
           (unsigned long long)c->divergence[3].args[5],
           c->divergence[3].follower_payload[MV_DIVERGENCE_BYTES - 1]);
    return 0;
}

int main(int argc, char **argv) {
    int fd = argc > 2 ? open(argv[2], O_RDWR | O_CLOEXEC) : -1;
    if (argc == 3 && !strcmp(argv[1], "control"))
        return fill_control(fd);
    if (argc != 6 || fd < 0)
        return fputs("usage: log-records write|read PATH VERSION SLOT GENERATION\n", stderr), 2;
    uint8_t *base = map_log(fd, MV_LOG_OFFSET(number(argv[3]), number(argv[4])), 1);
    return !strcmp(argv[1], "write") ? write_records(base, argv) : read_records(base, argv);
}
