/* Memory that the program shares with the children that it forks (MAP_SHARED and MAP_ANONYMOUS). A follower
 * has its own: what it writes, nobody else may see. Mapped while there is a follower, each version maps it
 * for itself; what is older is copied while the leader's threads are parked, and takes its place in the
 * follower.
 *
 * What the leader's children write there the follower does not see: a server that reads it and acts on it
 * diverges, by name. After a promotion the children of the dead leader keep its memory, and those that are
 * forked then share the promoted process's: that is told. */
#include "../rewrite/maps.h"
#include "../sys.h"
#include "roles.h"

#define PIECES      64u
#define COPIED_MOST (256ull << 20) /* the server stands still meanwhile */

static struct piece {
    uint64_t address, size, inode, offset;
    uint64_t copy;
    int prot;
} pieces[PIECES];
static uint32_t count;
static uint32_t exists; /* there is such memory in this process */

int mv_family_is(const struct mv_mapping *mapping) {
    return mapping->shared && mv_mapping_named(mapping, "/dev/zero (deleted)");
}

/* The program maps some. */
void mv_family_mapped(void) {
    exists = 1;
}

static int seen_twice(const struct mv_mapping *mapping) {
    uint64_t size = mapping->end - mapping->start;
    for (uint32_t i = 0; i < count; i++)
        if (pieces[i].inode == mapping->inode && pieces[i].offset < mapping->offset + size &&
            mapping->offset < pieces[i].offset + pieces[i].size)
            return 1;
    return 0;
}

/* In a leader that may be copied, its threads parked: what there is to copy. 0, or why it can't be. */
const char *mv_family_look(void) {
    struct mv_maps maps;
    struct mv_mapping mapping;
    const char *why = NULL;
    uint64_t total = 0;
    count = 0;
    if (mv_maps_open(&maps))
        return "its memory can't be looked through (/proc/self/maps)";
    while (!why && mv_maps_next(&maps, &mapping)) {
        if (!mv_family_is(&mapping) || mv_remains_is_mailbox(mapping.start))
            continue;
        total += mapping.end - mapping.start;
        if (count == PIECES || total > COPIED_MOST)
            why = "it shares more memory with its children than a follower can have a copy of";
        else if (seen_twice(&mapping))
            why = "it has memory that it shares with its children at two addresses";
        else
            pieces[count++] = (struct piece){
                mapping.start, mapping.end - mapping.start, mapping.inode, mapping.offset, 0, mapping.prot};
    }
    mv_maps_close(&maps);
    exists = count != 0;
    return why;
}

/* … and copies it. 0 or -errno. */
int mv_family_copy(void) {
    for (uint32_t i = 0; i < count; i++) {
        struct piece *piece = &pieces[i];
        long at = mv_sys6(__NR_mmap, 0, (long)piece->size, 3, 0x21 /* SHARED, ANONYMOUS */, -1, 0);
        if (mv_is_error(at))
            return (int)at;
        piece->copy = (uint64_t)at;
        if (piece->prot & 1 /* PROT_READ */)
            __builtin_memcpy((void *)piece->copy, (const void *)piece->address, piece->size);
        else if (piece->prot)
            return -22;
    }
    return 0;
}

/* The leader has its copy no more, once it has been copied itself. */
void mv_family_forget(void) {
    for (uint32_t i = 0; i < count; i++)
        if (pieces[i].copy)
            mv_sys2(__NR_munmap, (long)pieces[i].copy, (long)pieces[i].size);
    count = 0;
}

/* In the copy, before another thread is there. */
void mv_family_take(void) {
    for (uint32_t i = 0; i < count; i++) {
        const struct piece *piece = &pieces[i];
        long at = mv_sys5(__NR_mremap, (long)piece->copy, (long)piece->size, (long)piece->size,
                          1 | 2 /* MAYMOVE, FIXED */, (long)piece->address);
        if (mv_is_error(at) ||
            mv_sys3(__NR_mprotect, (long)piece->address, (long)piece->size, piece->prot) != 0)
            mv_follower_end(MV_REASON_NO_RESOURCES, 12,
                            "the follower could not have its own copy of the server's shared memory");
    }
    count = 0;
}

/* This process leads now. */
void mv_family_promote(void) {
    if (exists && mv_children_any())
        mv_say_string(MV_WARNING,
                      "children of the dead leader keep the memory that they shared with it: this "
                      "process, and what it forks, does not see what they write there");
}
