// Masks on memory that isn't there: bytes that can't be read count as the zeros that a leader publishes for
// them.
#define _GNU_SOURCE
#include "harness.h"

#include <stdlib.h>

#include "roles/roles.h"

static long compare(struct mv_event *event, const char *leader, const struct mv_segment *own, int count) {
    struct mv_payload_segment *segment = (struct mv_payload_segment *)(event + 1);
    *segment = (struct mv_payload_segment){.length = (uint32_t)strlen(leader), .arg = 1};
    memcpy(segment + 1, leader, strlen(leader));
    event->in_size = (uint32_t)MV_PAYLOAD_SPAN(segment->length);
    event->result = (int64_t)segment->length;
    return mv_mask_equal(event, own, count);
}

static void unreadable(struct mv_event *event) {
    test_begin();
    put_string(arena, "used_memory:2\r\n");
    struct mv_segment own[] = {{arena, 15, 1, MV_HOW_DATA, 0}, {arena + ARENA_SIZE, 8, 1, MV_HOW_DATA, 0}};
    CHECK(compare(event, "used_memory:1\r\n", own, 1) == 15);
    CHECK(compare(event, "used_memory:1\r\n", own, 2) == -1);
    CHECK(compare(event, "used_memory:1\r\nmore", own, 2) == -1);
    test_end("masks_compare_what_can_be_read");
}

int main(void) {
    struct mv_event *event = calloc(1, 4096);
    if (!event)
        return 1;
    harness_start();
    unreadable(event);
    free(event);
    return failures != 0;
}
