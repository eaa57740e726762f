/* Maps an ELF file the way ld.so would, without relocating it: the code's bytes are what is on disk. */
#ifndef MVEDSUA_TEST_IMAGE_H
#define MVEDSUA_TEST_IMAGE_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

struct image {
    uintptr_t base; /* of the mapping */
    uintptr_t bias; /* address = bias + the file's address */
    size_t size;
    struct segment {
        uintptr_t start, end; /* page-aligned */
    } code[8];
    int code_count;
};

/* NULL on success, else why the file can't be mapped. */
const char *image_map(const char *path, struct image *image);
void image_unmap(struct image *image);

/* The value of a dynamic symbol as the file has it; 0: not there. */
uint64_t image_symbol(const struct image *image, const char *name);

#endif
