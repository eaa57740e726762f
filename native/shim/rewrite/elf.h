/* What the rewriter reads from a loaded ELF image: its extent, its dynamic symbols, its unwind table. */
#ifndef MVEDSUA_REWRITE_ELF_H
#define MVEDSUA_REWRITE_ELF_H

#include <stddef.h>
#include <stdint.h>

struct mv_symbol {
    uint32_t name;
    uint8_t info, other;
    uint16_t section;
    uint64_t value, size;
};

struct mv_object {
    uintptr_t base;                  /* where the ELF header stands */
    uintptr_t bias;                  /* what has to be added to the file's addresses */
    uintptr_t start, end;            /* extent of all loaded segments */
    const struct mv_symbol *symbols; /* NULL when there are none, or they aren't in memory (yet) */
    uint32_t symbol_count;
    const char *strings;
    size_t strings_size;
    uintptr_t frame_hdr; /* .eh_frame_hdr; 0: none */
    size_t frame_hdr_size;
    uintptr_t frames_start, frames_end; /* the readable segment that holds it and .eh_frame */
};

/* Fills `object` from the image at `base`; 0 when there is no x86-64 ELF image. Every pointer has been
 * checked to be readable. */
int mv_object_at(uintptr_t base, struct mv_object *object);

/* The image that the code at `code` belongs to, by looking for its header below. 0: none within reach. */
int mv_object_around(uintptr_t code, struct mv_object *object);

/* An object's unwind table, used as the list of its functions. All zero: none. */
struct mv_frames {
    uintptr_t header;     /* .eh_frame_hdr, the base of the table's entries */
    const int32_t *table; /* pairs: start of the function, address of its entry; both relative to header */
    uint32_t count;
    uintptr_t low, high; /* readable memory that must hold the entries */
    uintptr_t cie;       /* the last one parsed, and the size of its pointers */
    uint8_t pointer_size;
};

/* A function, or the code or data between two: [start, end). */
struct mv_region {
    uintptr_t start, end;
    int is_function;
};

void mv_frames_open(const struct mv_object *object, struct mv_frames *frames);
uintptr_t mv_frames_start(const struct mv_frames *frames, uint32_t index);

/* The region that holds pc, cut to [low, high). Without a table all of [low, high) is one function. */
void mv_frames_region(struct mv_frames *frames, uintptr_t pc, uintptr_t low, uintptr_t high,
                      struct mv_region *region);

#endif
