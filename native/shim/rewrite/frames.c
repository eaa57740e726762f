/*
 * .eh_frame_hdr as a list of functions: LSB 5.0 Core, "Exception Frames"; DWARF 5, section 6.4.1.
 * The memory may be half loaded (code that is scanned while ld.so maps it), so nothing is believed unchecked.
 */
#include "elf.h"

enum {
    PE_OMIT = 0xff,
    PE_UDATA4 = 0x03,
    PE_SDATA4_PCREL = 0x1b,
    PE_SDATA4_DATAREL = 0x3b,
};

void mv_frames_open(const struct mv_object *object, struct mv_frames *frames) {
    *frames = (struct mv_frames){0};
    if (object->frame_hdr == 0 || object->frames_end == 0 || object->frame_hdr_size < 12)
        return;
    const uint8_t *h = (const uint8_t *)object->frame_hdr;
    /* version 1, and the encodings that every linker writes; another table can't be searched. */
    if (h[0] != 1 || h[1] != PE_SDATA4_PCREL || h[2] != PE_UDATA4 || h[3] != PE_SDATA4_DATAREL)
        return;
    uint32_t count = *(const uint32_t *)(h + 8);
    if (count == 0 || count > (object->frame_hdr_size - 12) / 8)
        return;
    frames->header = object->frame_hdr;
    frames->table = (const int32_t *)(h + 12);
    frames->count = count;
    frames->low = object->frames_start;
    frames->high = object->frames_end;
}

uintptr_t mv_frames_start(const struct mv_frames *f, uint32_t index) {
    return f->header + (uintptr_t)(intptr_t)f->table[(size_t)2 * index];
}

static uint64_t leb128(const uint8_t **p, const uint8_t *end) {
    uint64_t value = 0;
    for (int shift = 0; *p < end && shift < 64; shift += 7) {
        uint8_t byte = *(*p)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            break;
    }
    return value;
}

static uint8_t encoded_size(uint8_t encoding) {
    switch (encoding & 7) {
    case 0:
    case 4:
        return 8;
    case 2:
        return 2;
    case 3:
        return 4;
    default:
        return 0;
    }
}

/* The size of the pointers in the entries that refer to the CIE at `cie`; 0: not understood. */
static uint8_t pointer_size(const struct mv_frames *f, uintptr_t cie) {
    if (cie < f->low || cie + 16 > f->high)
        return 0;
    uint32_t length = *(const uint32_t *)cie;
    if (length >= f->high - cie - 4 || length < 8 || *(const uint32_t *)(cie + 4) != 0)
        return 0;
    const uint8_t *p = (const uint8_t *)cie + 8, *end = (const uint8_t *)cie + 4 + length;
    uint8_t version = *p++;
    const char *augmentation = (const char *)p;
    while (p < end && *p != 0)
        p++;
    p++;
    leb128(&p, end); /* code alignment */
    leb128(&p, end); /* data alignment, signed: the same bytes */
    if (version == 1)
        p++; /* return address register */
    else
        leb128(&p, end);
    if (*augmentation++ != 'z')
        return 8;
    leb128(&p, end);
    for (; *augmentation != 0 && p < end; augmentation++) {
        switch (*augmentation) {
        case 'L':
            p++;
            break;
        case 'P': {
            uint8_t size = encoded_size(*p);
            if (size == 0 || *p == 0x50 /* aligned */)
                return 0;
            p += 1 + size;
            break;
        }
        case 'R':
            return *p == PE_OMIT ? 0 : encoded_size(*p);
        case 'S':
        case 'B':
            break;
        default:
            return 0;
        }
    }
    return 8;
}

/* Where the function of the table's row `index` ends; its start when the entry makes no sense. */
static uintptr_t function_end(struct mv_frames *f, uint32_t index) {
    uintptr_t start = mv_frames_start(f, index);
    uintptr_t fde = f->header + (uintptr_t)(intptr_t)f->table[(size_t)2 * index + 1];
    if (fde < f->low || fde + 24 > f->high || (fde & 3) != 0)
        return start;
    uintptr_t cie = fde + 4 - *(const uint32_t *)(fde + 4);
    if (cie != f->cie) {
        f->pointer_size = pointer_size(f, cie);
        f->cie = cie;
    }
    uintptr_t range_at = fde + 8 + f->pointer_size;
    switch (f->pointer_size) {
    case 2:
        return start + *(const uint16_t *)range_at;
    case 4:
        return start + *(const uint32_t *)range_at;
    case 8:
        return start + *(const uint64_t *)range_at;
    default:
        return start;
    }
}

void mv_frames_region(struct mv_frames *f, uintptr_t pc, uintptr_t low, uintptr_t high,
                      struct mv_region *region) {
    *region = (struct mv_region){low, high, f->count == 0};
    if (f->count == 0)
        return;
    uint32_t first = 0,
             last = f->count; /* rows before `first` start at or below pc, rows from `last` above */
    while (first < last) {
        uint32_t middle = first + (last - first) / 2;
        if (mv_frames_start(f, middle) <= pc)
            first = middle + 1;
        else
            last = middle;
    }
    uintptr_t next = first < f->count ? mv_frames_start(f, first) : high;
    if (first != 0) {
        uintptr_t start = mv_frames_start(f, first - 1), end = function_end(f, first - 1);
        region->is_function = pc < end;
        region->start = region->is_function ? start : end;
        if (region->is_function && end < next)
            next = end;
    }
    region->end = next;
    if (region->start < low)
        region->start = low;
    if (region->end > high)
        region->end = high;
}
