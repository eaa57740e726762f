/* Which code is an allocator's: the libraries named below. (glibc's own malloc uses none of the interposed
 * functions, and no clock.) A program with an allocator linked into itself is not recognised. */
#include "../rewrite/maps.h"
#include "../sys.h"
#include "order.h"

static const char *const names[] = {"libjemalloc.so", "libtcmalloc", "libmimalloc.so", "libhoard.so"};

#define RANGES 16u
static struct { uint64_t start, end; } ranges[RANGES];
uint32_t mv_allocator_ranges;

static int contains(const char *text, const char *word) {
    for (; *text; text++) {
        unsigned i = 0;
        while (word[i] && text[i] == word[i])
            i++;
        if (!word[i])
            return 1;
    }
    return 0;
}

int mv_in_allocator_range(uint64_t address) {
    for (uint32_t i = 0; i < mv_allocator_ranges; i++)
        if (address >= ranges[i].start && address < ranges[i].end)
            return 1;
    return 0;
}

/* In the constructor: every library that the program is linked with is mapped by then. */
void mv_allocators_find(void) {
    struct mv_maps maps;
    struct mv_mapping mapping;
    if (mv_maps_open(&maps))
        return;
    while (mv_maps_next(&maps, &mapping) && mv_allocator_ranges < RANGES) {
        char name[256];
        size_t from = mapping.name_length > 255 ? mapping.name_length - 255 : 0, n = 0;
        if (!(mapping.prot & 4 /* EXEC */))
            continue;
        for (; from + n < mapping.name_length; n++)
            name[n] = mapping.name[from + n];
        name[n] = 0;
        for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
            if (contains(name, names[i])) {
                ranges[mv_allocator_ranges].start = mapping.start;
                ranges[mv_allocator_ranges++].end = mapping.end;
                break;
            }
    }
    mv_maps_close(&maps);
}
