/* The rewriter on damaged ELF images (elf) and on bytes that are hardly code (code). Only places that nobody
 * may touch lie around the memory. */
#include "fuzz.h"

#include "../../../native/shim/rewrite/decode.h"
#include "../../../native/shim/rewrite/internal.h"
#include "../rewrite/image.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096 };

static struct image pristine; /* ld.so: small, and it holds sites */
static uint8_t *copy;
static struct segment code;

static void start(void) {
    struct mv_rewrite_config config = {.entry = (uintptr_t)start};
    mv_rewrite_configure(&config);
    if (image_map("/lib64/ld-linux-x86-64.so.2", &pristine) || pristine.code_count != 1)
        abort();
    copy = guarded_memory(pristine.size);
    code.start = pristine.code[0].start - pristine.base;
    code.end = pristine.code[0].end - pristine.base;
}

/* One of the words that say where something stands and how long it is. */
static void damage_table(struct rng *r) {
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)pristine.base;
    const Elf64_Phdr *program = (const Elf64_Phdr *)(pristine.base + header->e_phoff);
    const Elf64_Phdr *which = &program[rng_below(r, header->e_phnum)];
    uint64_t number = awkward_number(r, pristine.size), at;
    size_t width = 8;
    switch (rng_below(r, 5)) {
    case 0: /* ELF header */
        at = rng_below(r, sizeof *header) & ~1ULL;
        width = at < 24 || at >= 48 ? 2 : 8;
        break;
    case 1: /* a program header */
        at = (uint64_t)((const uint8_t *)which - (const uint8_t *)pristine.base) +
             (rng_below(r, sizeof *which) & ~7ULL);
        break;
    case 2: /* the table that one of them leads to: dynamic section, unwind table, notes */
        at = which->p_vaddr + (rng_below(r, which->p_memsz + 1) & ~3ULL);
        width = rng_below(r, 2) ? 8 : 4;
        break;
    case 3: /* the first words of a page: hash tables, symbols, strings */
        at = rng_below(r, pristine.size) & ~(uint64_t)(PAGE - 1);
        at += rng_below(r, 64) * 4;
        width = 4;
        break;
    default:
        at = rng_below(r, pristine.size);
        width = 1;
    }
    if (at + width <= pristine.size && (at >= code.end || at + width <= code.start))
        memcpy(copy + at, &number, width);
}

/* Rewrites [start, end) of `memory`; what it changed must be inside of the windows that it tells. */
static void rewrite(uint8_t *memory, size_t from, size_t to, unsigned flags) {
    uint8_t *before = malloc(to - from);
    struct mv_rewrite_counts counts;
    if (!before)
        abort();
    memcpy(before, memory + from, to - from);
    const struct mv_segment *last = mv_segment_first();
    int status =
        mv_rewrite_range((uintptr_t)memory + from, to - from, PROT_READ | PROT_WRITE, flags, &counts);
    EXPECT(status == MV_REWRITE_OK || status == MV_REWRITE_OUT_OF_REACH);
    const struct mv_segment *s = mv_segment_first();
    for (uint32_t i = 0; s != last && i < s->patch_count; i++) {
        const struct mv_patch *p = &s->patches[i];
        EXPECT(p->window >= (uintptr_t)memory + from && p->window + p->window_size <= (uintptr_t)memory + to);
        memcpy(before + (p->window - (uintptr_t)memory - from), (const void *)p->window, p->window_size);
        uintptr_t back = mv_trampoline_to_original(p->trampoline);
        EXPECT(back >= p->window && back < p->window + p->window_size);
    }
    for (uint32_t i = 0; s != last && i < s->pad_count; i++) {
        EXPECT(s->pads[i].at >= (uintptr_t)memory + from && s->pads[i].at + 5 <= (uintptr_t)memory + to);
        memcpy(before + (s->pads[i].at - (uintptr_t)memory - from), (const void *)s->pads[i].at, 5);
    }
    EXPECT(memcmp(before, memory + from, to - from) == 0);
    mv_rewrite_forget((uintptr_t)memory + from, to - from);
    free(before);
}

static void run_elf(struct rng *r) {
    memcpy(copy, (const void *)pristine.base, pristine.size);
    for (uint64_t changes = 1 + rng_below(r, 4); changes > 0; changes--)
        damage_table(r);
    struct mv_object object;
    if (mv_object_at((uintptr_t)copy, &object)) {
        struct mv_frames frames;
        mv_frames_open(&object, &frames);
        for (int i = 0; i < 16; i++) {
            struct mv_region region;
            uintptr_t low = (uintptr_t)copy + code.start, high = (uintptr_t)copy + code.end;
            mv_frames_region(&frames, low + rng_below(r, high - low), low, high, &region);
            EXPECT(region.start >= low && region.end <= high);
        }
    }
    rewrite(copy, code.start, code.end, 0);
}

/* Pieces of real code, random bytes, and what the rewriter looks for, in any order. */
static void make_code(struct rng *r, uint8_t *to, size_t size) {
    static const uint8_t pieces[][8] = {
        {2, 0x0f, 0x05},                    /* syscall */
        {7, 0xb8, 39, 0, 0, 0, 0x0f, 0x05}, /* mov $39, %eax; syscall */
        {2, 0xeb, 0xfe},                    /* jmp to itself */
        {5, 0xe9, 0, 0, 0, 0},              /* jmp, call, jcc to what is next */
        {5, 0xe8, 0xf0, 0xff, 0xff, 0xff},  /* */
        {6, 0x0f, 0x84, 0, 0, 0, 0},        /* */
        {7, 0x48, 0x8b, 0x05, 0, 0, 0, 0},  /* mov 0(%rip), %rax */
        {7, 0x48, 0xc7, 0xc0, 15, 0, 0, 0}, /* the restorer's mov */
        {1, 0xc3},                          /* ret, int3, nop, endbr64 */
        {1, 0xcc},
        {1, 0x90},
        {4, 0xf3, 0x0f, 0x1e, 0xfa},
        {4, 0xf0, 0x48, 0x2e, 0x67}, /* prefixes */
        {3, 0xc4, 0xe2, 0x79},       /* the beginning of a VEX instruction */
    };
    for (size_t at = 0; at < size;) {
        const uint8_t *piece = pieces[rng_below(r, sizeof pieces / sizeof pieces[0])];
        size_t length = piece[0];
        const uint8_t *from = piece + 1;
        uint8_t random[8];
        switch (rng_below(r, 4)) {
        case 0:
            length = 1 + rng_below(r, 64);
            from = (const uint8_t *)pristine.code[0].start + rng_below(r, code.end - code.start - 64);
            break;
        case 1:
            length = 1 + rng_below(r, sizeof random);
            for (size_t i = 0; i < length; i++)
                random[i] = (uint8_t)rng_next(r);
            from = random;
            break;
        default:
            break;
        }
        length = length < size - at ? length : size - at;
        memcpy(to + at, from, length);
        at += length;
    }
}

static void run_code(struct rng *r) {
    static uint8_t *memory;
    enum { SIZE = 2 * PAGE };
    if (!memory)
        memory = guarded_memory(SIZE);
    make_code(r, memory, SIZE);
    struct mv_insn insn;
    for (size_t at = SIZE - 64; at < SIZE; at++) {
        mv_decode((uintptr_t)memory + at, (uintptr_t)memory + SIZE, &insn);
        EXPECT(insn.len >= 1 && (insn.kind == MV_INSN_INVALID || at + insn.len <= SIZE));
    }
    unsigned flags[] = {0, MV_RANGE_ANONYMOUS, MV_RANGE_SHARED, MV_RANGE_LIVE};
    rewrite(memory, 0, rng_below(r, 2) ? SIZE : PAGE, flags[rng_below(r, 4)]);
}

const struct fuzzer elf_fuzzer = {"elf", start, run_elf};
const struct fuzzer code_fuzzer = {"code", start, run_code};
