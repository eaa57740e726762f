#include "image.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096 };

static uintptr_t down(uintptr_t at) {
    return at & ~(uintptr_t)(PAGE - 1);
}
static uintptr_t up(uintptr_t at) {
    return down(at + PAGE - 1);
}

static const char *map_file(int fd, struct image *image) {
    Elf64_Ehdr h;
    if (pread(fd, &h, sizeof h, 0) != sizeof h || memcmp(h.e_ident, ELFMAG, SELFMAG) != 0)
        return "no ELF file";
    if (h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_machine != EM_X86_64)
        return "not for x86-64";
    if (h.e_type != ET_DYN && h.e_type != ET_EXEC)
        return "neither an executable nor a shared library";
    Elf64_Phdr p[64];
    ssize_t size = (ssize_t)(h.e_phnum * sizeof *p);
    if (h.e_phnum > 64 || pread(fd, p, (size_t)size, (off_t)h.e_phoff) != size)
        return "program headers can't be read";
    uintptr_t low = UINTPTR_MAX, high = 0;
    for (int i = 0; i < h.e_phnum; i++) {
        if (p[i].p_type != PT_LOAD)
            continue;
        low = down(p[i].p_vaddr) < low ? down(p[i].p_vaddr) : low;
        high = up(p[i].p_vaddr + p[i].p_memsz) > high ? up(p[i].p_vaddr + p[i].p_memsz) : high;
    }
    struct stat status;
    if (low >= high || fstat(fd, &status) != 0)
        return "no loadable segment";
    char *at = mmap(NULL, high - low, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return "no address space";
    *image = (struct image){.base = (uintptr_t)at, .bias = (uintptr_t)at - low, .size = high - low};
    for (int i = 0; i < h.e_phnum; i++) {
        if (p[i].p_type != PT_LOAD || p[i].p_filesz == 0)
            continue;
        uintptr_t start = down(image->bias + p[i].p_vaddr);
        uintptr_t end = up(image->bias + p[i].p_vaddr + p[i].p_filesz);
        if (p[i].p_offset + p[i].p_filesz > (uint64_t)status.st_size)
            return "the file is cut";
        if (mmap((void *)start, end - start, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd,
                 (off_t)down(p[i].p_offset)) == MAP_FAILED)
            return "a segment can't be mapped";
        if ((p[i].p_flags & PF_X) && image->code_count < 8)
            image->code[image->code_count++] = (struct segment){start, end};
    }
    return NULL;
}

const char *image_map(const char *path, struct image *image) {
    *image = (struct image){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return "can't be opened";
    const char *reason = map_file(fd, image);
    close(fd);
    if (reason != NULL)
        image_unmap(image);
    return reason;
}

void image_unmap(struct image *image) {
    if (image->base != 0)
        munmap((void *)image->base, image->size);
    image->base = 0;
}

uint64_t image_symbol(const struct image *image, const char *name) {
    const Elf64_Ehdr *h = (const Elf64_Ehdr *)image->base;
    const Elf64_Phdr *p = (const Elf64_Phdr *)(image->base + h->e_phoff);
    const Elf64_Sym *symbols = NULL;
    const char *strings = NULL;
    for (int i = 0; i < h->e_phnum; i++) {
        if (p[i].p_type != PT_DYNAMIC)
            continue;
        for (const Elf64_Dyn *d = (const Elf64_Dyn *)(image->bias + p[i].p_vaddr); d->d_tag != DT_NULL; d++) {
            if (d->d_tag == DT_SYMTAB)
                symbols = (const Elf64_Sym *)(image->bias + d->d_un.d_ptr);
            if (d->d_tag == DT_STRTAB)
                strings = (const char *)(image->bias + d->d_un.d_ptr);
        }
    }
    /* The linkers put the string table behind the symbol table. */
    for (const Elf64_Sym *s = symbols; s != NULL && (const char *)(s + 1) <= strings; s++) {
        if (strcmp(strings + s->st_name, name) == 0)
            return s->st_value;
    }
    return 0;
}
