#include "elf.h"
#include "sys.h"

enum {
    PT_LOAD = 1,
    PT_DYNAMIC = 2,
    PT_GNU_EH_FRAME = 0x6474e550,
    PF_R = 4,
    DT_HASH = 4,
    DT_STRTAB = 5,
    DT_SYMTAB = 6,
    DT_STRSZ = 10,
    DT_GNU_HASH = 0x6ffffef5,
    MAX_HEADERS = 64,
};

struct header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct segment {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

struct dynamic {
    int64_t tag;
    uint64_t value;
};

static int readable(uintptr_t start, size_t size) {
    if (size == 0 || start + size < start)
        return 0;
    for (uintptr_t page = start & ~(uintptr_t)(MV_PAGE - 1); page < start + size; page += MV_PAGE) {
        if (!mv_sys_readable(page))
            return 0;
    }
    return 1;
}

static int in_object(const struct mv_object *o, uintptr_t start, size_t size) {
    return start >= o->start && start < o->end && size <= o->end - start && readable(start, size);
}

/* The number of symbols stands nowhere: it follows from the chains of either hash table. */
static uint32_t count_gnu(const struct mv_object *o, uintptr_t table) {
    if (!in_object(o, table, 16))
        return 0;
    const uint32_t *words = (const uint32_t *)table;
    uint32_t buckets = words[0], first = words[1], bloom = words[2];
    uintptr_t bucket_at = table + 16 + (uintptr_t)bloom * 8;
    if (buckets == 0 || !in_object(o, bucket_at, (size_t)buckets * 4))
        return 0;
    uint32_t last = 0;
    for (uint32_t i = 0; i < buckets; i++) {
        uint32_t symbol = ((const uint32_t *)bucket_at)[i];
        if (symbol > last)
            last = symbol;
    }
    if (last < first)
        return first;
    uintptr_t link = bucket_at + ((uintptr_t)buckets + (last - first)) * 4;
    while (in_object(o, link, 4)) {
        if (*(const uint32_t *)link & 1)
            return last + 1;
        link += 4;
        last++;
    }
    return 0;
}

static void read_dynamic(struct mv_object *o, uintptr_t at, size_t size) {
    if (!in_object(o, at, size))
        return;
    uintptr_t strings = 0, symbols = 0, hash = 0, gnu_hash = 0;
    size_t strings_size = 0;
    const struct dynamic *d = (const struct dynamic *)at;
    for (size_t i = 0; i < size / sizeof *d && d[i].tag != 0; i++) {
        /* ld.so adds the bias to these in place, except in read-only sections (the vDSO's). */
        uintptr_t pointer = d[i].value < o->bias ? d[i].value + o->bias : d[i].value;
        switch (d[i].tag) {
        case DT_HASH:
            hash = pointer;
            break;
        case DT_GNU_HASH:
            gnu_hash = pointer;
            break;
        case DT_STRTAB:
            strings = pointer;
            break;
        case DT_SYMTAB:
            symbols = pointer;
            break;
        case DT_STRSZ:
            strings_size = d[i].value;
            break;
        default:
            break;
        }
    }
    uint32_t count = 0;
    if (hash != 0 && in_object(o, hash, 8))
        count = ((const uint32_t *)hash)[1];
    else if (gnu_hash != 0)
        count = count_gnu(o, gnu_hash);
    if (count == 0 || strings == 0 || !in_object(o, symbols, (size_t)count * sizeof(struct mv_symbol)) ||
        !in_object(o, strings, strings_size) || ((const char *)strings)[strings_size - 1] != 0)
        return;
    o->symbols = (const struct mv_symbol *)symbols;
    o->symbol_count = count;
    o->strings = (const char *)strings;
    o->strings_size = strings_size;
}

int mv_object_at(uintptr_t base, struct mv_object *object) {
    *object = (struct mv_object){.base = base};
    if (!mv_sys_readable(base))
        return 0;
    const struct header *h = (const struct header *)base;
    /* Magic, 64-bit, little-endian; EM_X86_64; the program headers on the first page, as all linkers put
     * them. */
    if (*(const uint32_t *)h->ident != 0x464c457f || h->ident[4] != 2 || h->ident[5] != 1 ||
        h->machine != 62 || h->phentsize != sizeof(struct segment) || h->phnum > MAX_HEADERS ||
        h->phoff > MV_PAGE - h->phnum * sizeof(struct segment))
        return 0;

    const struct segment *s = (const struct segment *)(base + h->phoff);
    uintptr_t low = UINTPTR_MAX, high = 0;
    for (int i = 0; i < h->phnum; i++) {
        if (s[i].type != PT_LOAD)
            continue;
        if (low == UINTPTR_MAX)
            object->bias = base - (s[i].vaddr - s[i].offset);
        if (s[i].vaddr < low)
            low = s[i].vaddr;
        if (s[i].vaddr + s[i].memsz > high)
            high = s[i].vaddr + s[i].memsz;
    }
    if (low >= high)
        return 0;
    object->start = (object->bias + low) & ~(uintptr_t)(MV_PAGE - 1);
    object->end = (object->bias + high + MV_PAGE - 1) & ~(uintptr_t)(MV_PAGE - 1);

    for (int i = 0; i < h->phnum; i++) {
        uintptr_t at = object->bias + s[i].vaddr;
        if (s[i].type == PT_DYNAMIC)
            read_dynamic(object, at, s[i].filesz);
        if (s[i].type != PT_GNU_EH_FRAME || !in_object(object, at, s[i].memsz))
            continue;
        object->frame_hdr = at;
        object->frame_hdr_size = s[i].memsz;
        for (int k = 0; k < h->phnum; k++) {
            uintptr_t from = object->bias + s[k].vaddr;
            if (s[k].type == PT_LOAD && at >= from && at < from + s[k].filesz &&
                readable(from, s[k].filesz)) {
                object->frames_start = from;
                object->frames_end = from + s[k].filesz;
            }
        }
    }
    return 1;
}

int mv_object_around(uintptr_t code, struct mv_object *object) {
    /* Every page costs a system call. An image with its header further below is treated like generated code.
     */
    enum { REACH = 16 << 20, HOLE = 2 << 20 };
    uintptr_t page = code & ~(uintptr_t)(MV_PAGE - 1);
    size_t hole = 0;
    for (size_t gone = 0; gone < REACH && hole <= HOLE && page >= MV_PAGE; gone += MV_PAGE, page -= MV_PAGE) {
        if (!mv_sys_readable(page)) {
            hole += MV_PAGE;
            continue;
        }
        hole = 0;
        if (*(const uint32_t *)page == 0x464c457f && mv_object_at(page, object) && code >= object->start &&
            code < object->end)
            return 1;
    }
    *object = (struct mv_object){0};
    return 0;
}
