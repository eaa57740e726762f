/* /proc/self/maps, read at once. */
#ifndef MVEDSUA_REWRITE_MAPS_H
#define MVEDSUA_REWRITE_MAPS_H

#include <stddef.h>
#include <stdint.h>

struct mv_mapping {
    uintptr_t start, end;
    uint64_t offset, inode;
    int prot;
    int shared;
    const char *name; /* not terminated: name_length bytes */
    size_t name_length;
};

struct mv_maps {
    char *text;
    size_t size, capacity;
    size_t at; /* of the next line */
};

/* A directory that is /proc also under another root directory; -1: it has its name (process/proc.c). */
extern int mv_proc_directory __attribute__((visibility("hidden")));

/* 0 or a negative status of rewrite.h. Opens and closes one descriptor. */
int mv_maps_open(struct mv_maps *maps);
/* The next mapping; 0 at the end. */
int mv_maps_next(struct mv_maps *maps, struct mv_mapping *mapping);
void mv_maps_close(struct mv_maps *maps);

int mv_mapping_named(const struct mv_mapping *mapping, const char *name);

#endif
