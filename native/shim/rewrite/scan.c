#include "scan.h"

#include "flow.h"
#include "rewrite.h"
#include "sys.h"

/* Finds the next 0f 05 at or after `at`; `end` when there is none. Eight bytes a step: this runs over all
 * executable memory of the process. */
static uintptr_t next_hit(uintptr_t at, uintptr_t end) {
    const uint64_t ones = 0x0101010101010101, fives = ones * 5;
    while (at + 1 < end) {
        if (at % 8 == 0 && at + 9 <= end) {
            uint64_t word = *(const uint64_t *)(at) ^ ones * 0x0f;
            uint64_t after = *(const uint64_t *)(at + 1) ^ fives; /* byte i+1 beside byte i */
            uint64_t both = word | after;
            if (((both - ones) & ~both & ones << 7) == 0) {
                at += 8;
                continue;
            }
        }
        if (*(const uint8_t *)at == 0x0f && *(const uint8_t *)(at + 1) == 0x05)
            return at;
        at++;
    }
    return end;
}

/* movq $15, %rax in front: __restore_rt of every libc on x86-64. */
static int is_restorer(const struct mv_scan *s, uintptr_t at) {
    if (at < s->start + 7)
        return 0;
    const uint8_t *b = (const uint8_t *)at - 7;
    return b[0] == 0x48 && b[1] == 0xc7 && b[2] == 0xc0 && b[3] == 15 && b[4] == 0 && b[5] == 0 && b[6] == 0;
}

static void classify(struct mv_scan *s, uintptr_t low, struct mv_site *site) {
    struct mv_region region;
    if (s->object.base == 0) {
        mv_flow_loose(s, site);
        if (is_restorer(s, site->at))
            site->kind = MV_SITE_RESTORER;
        return;
    }
    mv_frames_region(&s->frames, site->at, low, s->end, &region);
    site->low = region.start < s->start ? s->start : region.start;
    site->high = site->pad_high = region.end;
    int starts = mv_scan_has(s, s->boundary, site->at);
    if (is_restorer(s, site->at))
        site->kind = MV_SITE_RESTORER;
    else if (starts)
        site->kind = MV_SITE_CODE;
    else /* a branch into the middle of an instruction, where another one begins */
        site->kind =
            region.is_function && mv_scan_has(s, s->target, site->at) ? MV_SITE_UNSURE : MV_SITE_DATA;

    if (region.is_function && region.end < s->end) {
        struct mv_region behind;
        mv_frames_region(&s->frames, region.end, low, s->end, &behind);
        if (!behind.is_function)
            site->pad_high = behind.end;
    }
}

static int open_maps(struct mv_scan *s, size_t sites) {
    size_t map = ((s->end - s->start) / 64 + 1) * sizeof(uint64_t);
    size_t lines = ((s->end - s->start) / MV_NEAR_LINE / 64 + 1) * sizeof(uint64_t);
    s->scratch_size =
        (2 * map + lines + sites * sizeof(struct mv_site) + MV_PAGE - 1) & ~(size_t)(MV_PAGE - 1);
    long scratch = mv_sys_map(0, s->scratch_size);
    if (scratch < 0) {
        s->scratch = 0;
        return MV_REWRITE_NO_MEMORY;
    }
    s->scratch = (uintptr_t)scratch;
    s->boundary = (uint64_t *)s->scratch;
    s->target = (uint64_t *)(s->scratch + map);
    s->near = (uint64_t *)(s->scratch + 2 * map);
    s->sites = (struct mv_site *)(s->scratch + 2 * map + lines);
    if (s->object.base != 0)
        mv_frames_open(&s->object, &s->frames);
    return MV_REWRITE_OK;
}

static void decode_sites(struct mv_scan *s, uintptr_t low) {
    for (uint32_t i = 0; i < s->site_count; i++) {
        uintptr_t from = s->sites[i].at - MV_NEIGHBOURHOOD;
        struct mv_region region;
        mv_frames_region(&s->frames, s->sites[i].at, low, s->end, &region);
        if (!region.is_function && region.end - region.start <= MV_GAP_MAX) {
            mv_flow_near(s, region.start, region.end);
            from = region.start - 1 < from ? region.start - 1 : from; /* the function before */
        }
        mv_flow_decode(s, low, from, s->sites[i].at + MV_NEIGHBOURHOOD);
    }
}

int mv_scan_open(struct mv_scan *s, uintptr_t start, uintptr_t end, uintptr_t base, mv_known_site *known,
                 void *context) {
    *s = (struct mv_scan){.start = start, .end = end};
    size_t hits = 0;
    enum { FEW = 64 };
    uintptr_t few[FEW]; /* enough for all but libc: saves the second walk over the code */
    for (uintptr_t at = next_hit(start, end); at < end; at = next_hit(at + 2, end)) {
        if (known(at, context))
            continue;
        if (hits < FEW)
            few[hits] = at;
        hits++;
    }
    if (hits == 0)
        return MV_REWRITE_OK;
    if (base == MV_BASE_UNKNOWN)
        mv_object_around(start, &s->object);
    else if (base != MV_BASE_NONE && !mv_object_at(base, &s->object))
        s->object = (struct mv_object){0};
    int status = open_maps(s, hits);
    if (status != MV_REWRITE_OK)
        return status;

    for (uintptr_t at = start; s->site_count < hits;) {
        if (s->site_count < FEW) {
            at = few[s->site_count];
        } else {
            do
                at = next_hit(at + 2, end);
            while (at < end && known(at, context));
            if (at >= end)
                break;
        }
        s->sites[s->site_count++].at = at;
        mv_flow_near(s, at - MV_NEIGHBOURHOOD, at + MV_NEIGHBOURHOOD);
    }
    uintptr_t low = mv_flow_lowest(s);
    uint32_t code = 0;
    if (s->object.base != 0)
        decode_sites(s, low);
    int marked = s->object.base != 0 && mv_flow_gaps(s, low);
    for (uint32_t i = 0; i < s->site_count; i++) {
        classify(s, low, &s->sites[i]);
        code += s->sites[i].kind == MV_SITE_CODE;
    }
    /* Most objects hold the two bytes in data only: the walk over all of their code is for the others. */
    if (code != 0 && !marked) {
        mv_flow_far_branches(s);
        mv_flow_function_starts(s);
    }
    if (code != 0)
        mv_flow_labels(s);
    return MV_REWRITE_OK;
}

int mv_scan_open_whole(struct mv_scan *s, uintptr_t start, uintptr_t end, const struct mv_object *object) {
    *s = (struct mv_scan){.start = start, .end = end, .object = *object};
    int status = open_maps(s, 0);
    if (status != MV_REWRITE_OK)
        return status;
    mv_flow_near(s, start, end);
    mv_flow_decode(s, start, start, end);
    mv_flow_far_branches(s);
    mv_flow_labels(s);
    mv_flow_function_starts(s);
    return MV_REWRITE_OK;
}

void mv_scan_close(struct mv_scan *s) {
    if (s->scratch != 0)
        mv_sys_unmap(s->scratch, s->scratch_size);
    s->scratch = 0;
}
