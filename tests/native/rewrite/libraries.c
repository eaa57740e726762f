/* The rewriter on code that isn't the process's own yet: libraries half loaded, libraries with damaged
 * tables. */
#include "image.h"

#include "../../../native/shim/rewrite/internal.h"
#include "../../../native/shim/rewrite/sys.h"
#include "check.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static const char libc[] = "/lib/x86_64-linux-gnu/libc.so.6";
static const char loader[] = "/lib64/ld-linux-x86-64.so.2";

static struct mv_rewrite_counts rewrite_image(const struct image *image) {
    struct mv_rewrite_counts sum = {0}, counts;
    for (int i = 0; i < image->code_count; i++) {
        size_t size = image->code[i].end - image->code[i].start;
        CHECK_EQUAL(mv_rewrite_range(image->code[i].start, size, PROT_READ | PROT_WRITE, 0, &counts), 0);
        mv_counts_add(&sum, &counts);
        mv_rewrite_forget(image->code[i].start, size);
    }
    return sum;
}

/*
 * ld.so maps the whole file first and then each segment over it, code before the unwind tables. When the code
 * becomes executable, what lies behind it is still that first mapping.
 */
static void a_library_is_rewritten_while_it_is_being_loaded(void) {
    struct image whole;
    CHECK(image_map(libc, &whole) == NULL);
    struct mv_rewrite_counts wanted = rewrite_image(&whole);
    uintptr_t code = whole.code[0].start - whole.base, size = whole.code[0].end - whole.code[0].start;
    size_t extent = whole.size;
    image_unmap(&whole);

    int fd = open(libc, O_RDONLY | O_CLOEXEC);
    char *base = mmap(NULL, extent, PROT_READ, MAP_PRIVATE, fd, 0);
    CHECK(fd >= 0 && base != MAP_FAILED);
    CHECK(mmap(base + code, size, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, (off_t)code) == base + code);
    struct mv_rewrite_counts counts;
    CHECK_EQUAL(mv_rewrite_range((uintptr_t)base + code, size, PROT_READ, 0, &counts), 0);
    CHECK(counts.rewritten > 400);
    CHECK_EQUAL(counts.rewritten, wanted.rewritten);
    CHECK_EQUAL(counts.trapped, 0);
    mv_rewrite_forget((uintptr_t)base + code, size);
    munmap(base, extent);
    close(fd);
}

/* A library of which one page of code is made executable at a time. */
static void code_that_appears_page_by_page_is_rewritten_completely(void) {
    enum { PAGE = 4096 };
    struct image image;
    CHECK(image_map(libc, &image) == NULL);
    struct mv_rewrite_counts wanted = rewrite_image(&image);
    image_unmap(&image);
    CHECK(image_map(libc, &image) == NULL);
    struct mv_rewrite_counts sum = {0}, counts;
    for (uintptr_t page = image.code[0].start; page < image.code[0].end; page += 16UL * PAGE) {
        size_t left = image.code[0].end - page, size = left < 16UL * PAGE ? left : 16UL * PAGE;
        CHECK_EQUAL(mv_rewrite_range(page, size, PROT_READ | PROT_WRITE, 0, &counts), 0);
        mv_counts_add(&sum, &counts);
    }
    CHECK_EQUAL(sum.rewritten + sum.trapped, wanted.rewritten);
    CHECK(sum.trapped <= 1); /* a site on the border of two ranges has no room on either */
    mv_rewrite_forget(image.code[0].start, image.code[0].end - image.code[0].start);
    image_unmap(&image);
}

/* Random bytes in the headers and tables: fewer sites may be found, but nothing is read that isn't there. */
static void damaged_tables_never_crash_the_rewriter(void) {
    unsigned found = 0;
    uint64_t random = 1;
    for (int round = 0; round < 400; round++) {
        struct image image;
        const char *reason = image_map(loader, &image);
        CHECK(reason == NULL);
        if (reason != NULL)
            return;
        for (int i = 0; i < 24; i++) {
            random = random * 6364136223846793005 + 1442695040888963407;
            size_t at = (random >> 33) % image.size;
            if (i < 4)
                at %= 0x400; /* ELF and program headers */
            int in_code = 0;
            for (int k = 0; k < image.code_count; k++)
                in_code |= image.base + at >= image.code[k].start && image.base + at < image.code[k].end;
            if (in_code || !mv_sys_readable(image.base + at))
                continue;
            *(uint8_t *)(image.base + at) = (uint8_t)(random >> 20);
        }
        found += rewrite_image(&image).rewritten;
        image_unmap(&image);
    }
    CHECK(found > 0);
}

/* e_phoff near the end of the range: the sum with the table's size wraps around to a small number. */
static void program_headers_in_front_of_the_image_are_not_read(void) {
    enum { PAGE = 4096 };
    struct mv_object object;
    uint8_t *pages = mmap(NULL, 2UL * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = open(loader, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0 && pages != MAP_FAILED && read(fd, pages + PAGE, PAGE) == PAGE);
    close(fd);
    mprotect(pages, PAGE, PROT_NONE);
    Elf64_Ehdr *header = (Elf64_Ehdr *)(pages + PAGE);
    for (int count = 1; count <= header->e_phnum; count++) {
        header->e_phoff = 0 - (uint64_t)count * sizeof(Elf64_Phdr);
        CHECK(mv_object_at((uintptr_t)header, &object) == 0);
    }
    munmap(pages, 2UL * PAGE);
}

int main(void) {
    struct mv_rewrite_config config = {.entry = (uintptr_t)main};
    mv_rewrite_configure(&config);
    RUN(a_library_is_rewritten_while_it_is_being_loaded);
    RUN(code_that_appears_page_by_page_is_rewritten_completely);
    RUN(damaged_tables_never_crash_the_rewriter);
    RUN(program_headers_in_front_of_the_image_are_not_read);
    return check_failures != 0;
}
