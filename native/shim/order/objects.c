/* Are two locks the same? A follower of the same version is a copy of its leader: what stands in the static
 * data of the executable or a library that was loaded by then has one address in both. (An object on a heap
 * or a stack may have another one in each: who gets which memory depends on the order of allocations, which
 * is not replayed.) */
#include "../rewrite/maps.h"
#include "../roles/reconcile.h"
#include "order.h"

#define RANGES 256u
static struct { uint64_t start, end; } ranges[RANGES]; /* beyond so many, nothing is compared */
static uint32_t range_count;

/* In the leader, before it is copied: a follower opens nothing. A file's mapping, and what adjoins it without
 * a name: the data that begins as zero. */
void mv_order_objects_find(void) {
    struct mv_maps maps;
    struct mv_mapping mapping;
    range_count = 0;
    if (mv_maps_open(&maps))
        return;
    while (mv_maps_next(&maps, &mapping)) {
        int file = mapping.name_length && mapping.name[0] == '/' && !mapping.shared;
        int behind = range_count && ranges[range_count - 1].end == mapping.start;
        if (behind && (file || !mapping.name_length))
            ranges[range_count - 1].end = mapping.end;
        else if (file && range_count < RANGES) {
            ranges[range_count].start = mapping.start;
            ranges[range_count++].end = mapping.end;
        }
    }
    mv_maps_close(&maps);
}

static int is_static(uint64_t address) {
    for (uint32_t i = 0; i < range_count; i++)
        if (address - ranges[i].start < ranges[i].end - ranges[i].start)
            return 1;
    return 0;
}

/* Between two versions a variable may stand elsewhere: in the new one's image, which is no file's mapping. */
int mv_order_objects_differ(uint64_t object, uint64_t other) {
    if (object == other)
        return 0;
    int is = is_static(object), was = is_static(other);
    return ((object | other) & MV_ORDER_NAMED) || (is && was) || ((is || was) && !mv_between_versions());
}
