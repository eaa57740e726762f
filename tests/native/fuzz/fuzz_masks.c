/* Masks: replies of a Redis, line by line, that differ between leader and follower in any way. The leader's
 * stand in a record, the follower's in its own memory, which may be bad. */
#include "fuzz.h"

#include "roles/roles.h"

#include <mvedsua/payload.h>
#include <stdio.h>
#include <string.h>

enum { TEXT = 8192, MOST_SEGMENTS = 6, RECORD = 4 * TEXT };

static uint8_t *record, *pieces[2][MOST_SEGMENTS];

static void start(void) {
    for (int i = 0; i < 2 * MOST_SEGMENTS; i++)
        pieces[i / MOST_SEGMENTS][i % MOST_SEGMENTS] = guarded_memory(TEXT);
    record = guarded_memory(RECORD);
    survive_guarded_faults(record, RECORD);
}

static size_t make_reply(struct rng *r, char *text) {
    static const char *const lines[] = {"$%u\r\n",
                                        "=%u\r\n",
                                        "used_memory:%u\r\n",
                                        "used_memory_human:%uK\r\n",
                                        "role:master%u\r\n",
                                        "# Memory\r\n",
                                        "+Value at:0x%x\r\n",
                                        "___ Begin jemalloc statistics ___\n",
                                        "--- End jemalloc statistics ---\n",
                                        "allocator_%u:",
                                        "\r\n",
                                        "mem_clients_normal:%u\n"};
    size_t used = 0;
    for (uint64_t count = rng_below(r, 40); count > 0 && used < TEXT - 700; count--) {
        int length = snprintf(text + used, TEXT - used, lines[rng_below(r, sizeof lines / sizeof lines[0])],
                              (unsigned)rng_below(r, 100000));
        used += (size_t)length;
        if (rng_below(r, 40) == 0) { /* longer than the lines that are looked at */
            memset(text + used, 'x', 600);
            used += 600;
        }
    }
    return used;
}

/* Cuts `text` into pieces, each where memory ends. */
static int cut(struct rng *r, const char *text, size_t size, uint8_t *const *to,
               struct mv_segment *segments) {
    int count = 0;
    for (size_t at = 0; at < size && count < MOST_SEGMENTS; count++) {
        size_t length = count == MOST_SEGMENTS - 1 ? size - at : 1 + rng_below(r, size - at);
        segments[count] =
            (struct mv_segment){.addr = to[count] + TEXT - length, .len = (uint32_t)length, .arg = 1};
        memcpy(segments[count].addr, text + at, length);
        at += length;
    }
    return count;
}

static void run(struct rng *r) {
    static char text[TEXT];
    struct mv_segment leader[MOST_SEGMENTS], own[MOST_SEGMENTS];
    size_t size = make_reply(r, text);
    int leader_count = cut(r, text, size, pieces[0], leader);
    int lines_alike = rng_below(r, 2) == 0;
    size_t own_size = lines_alike ? size : make_reply(r, text);
    if (rng_below(r, 2))
        mutate(r, (uint8_t *)text, own_size);
    int own_count = cut(r, text, own_size, pieces[1], own);
    if (own_count && rng_below(r, 8) == 0) /* bad memory */
        own[rng_below(r, (uint64_t)own_count)].addr = pieces[1][0] + TEXT;

    uint64_t in_size = 0;
    for (int i = 0; i < leader_count; i++)
        in_size += MV_PAYLOAD_SPAN(leader[i].len);
    struct mv_event *event = (struct mv_event *)(record + RECORD - in_size) - 1;
    memset(event, 0, sizeof *event);
    event->in_size = (uint32_t)in_size;
    event->result = (int64_t)(rng_below(r, 2) ? size : awkward_number(r, size));
    uint8_t *at = (uint8_t *)(event + 1);
    for (int i = 0; i < leader_count; i++) {
        struct mv_payload_segment header = {.length = leader[i].len, .arg = 1};
        memcpy(at, &header, sizeof header);
        memcpy(at + sizeof header, leader[i].addr, leader[i].len);
        at += MV_PAYLOAD_SPAN(leader[i].len);
    }
    if (rng_below(r, 4) == 0)
        mutate(r, (uint8_t *)(event + 1), in_size);
    long bytes = mv_mask_equal(event, own, own_count);
    EXPECT(bytes >= -1 && bytes <= (long)own_size);
}

const struct fuzzer masks_fuzzer = {"masks", start, run};
