/* /proc/PID/maps: the kernel writes it, but names of files stand in it, and those are anybody's. */
#include "fuzz.h"

#include "../../../native/shim/rewrite/maps.h"

#include <stdlib.h>
#include <string.h>

static struct mv_maps real;

static void start(void) {
    if (mv_maps_open(&real))
        abort();
}

static void run(struct rng *r) {
    size_t from = rng_below(r, real.size), size = 1 + rng_below(r, real.size - from);
    char *text = malloc(size); /* exactly: what is read beyond is found */
    if (!text)
        abort();
    memcpy(text, real.text + from, size);
    mutate(r, (uint8_t *)text, size);
    struct mv_maps maps = {.text = text, .size = size, .capacity = size};
    struct mv_mapping mapping;
    size_t lines = 0;
    while (mv_maps_next(&maps, &mapping)) {
        lines++;
        EXPECT(mapping.name >= text && mapping.name_length <= size - (size_t)(mapping.name - text));
        EXPECT(mv_mapping_named(&mapping, "[vdso]") ==
               (mapping.name_length == 6 && !memcmp(mapping.name, "[vdso]", 6)));
    }
    EXPECT(lines <= size);
    free(text);
}

const struct fuzzer maps_fuzzer = {"maps", start, run};
