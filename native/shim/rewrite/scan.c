#include "scan.h"

#include "decode.h"
#include "rewrite.h"
#include "sys.h"

/* A short branch reaches 127 bytes past its own end; a window and the instructions looked at around it need
 * some more. Everything this near to a site is decoded from the start of its function. */
enum { NEIGHBOURHOOD = 192, NEAR_LINE = 64, GAP_MAX = 1 << 20 };

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

static void mark_near(struct mv_scan *s, uintptr_t from, uintptr_t to) {
    from = from < s->start ? 0 : (from - s->start) / NEAR_LINE;
    to = ((to < s->end ? to : s->end - 1) - s->start) / NEAR_LINE;
    for (; from <= to; from++)
        s->near[from / 64] |= (uint64_t)1 << (from % 64);
}

static void mark_target(struct mv_scan *s, uintptr_t at) {
    size_t line = (at - s->start) / NEAR_LINE;
    if (at >= s->start && at < s->end && (s->near[line / 64] >> (line % 64) & 1) != 0)
        mv_scan_mark(s, s->target, at);
}

/*
 * Marks what any 4-byte displacement could lead to, whether or not an instruction starts there: cheaper than
 * decoding everything, and it can only mark too much. `e8` call, `e9` jmp, `0f 8x` jcc; with `labels` also
 * `8d` lea (the address of a label is taken to jump there later; the address of a table as well).
 */
static void mark_far_targets(struct mv_scan *s, int labels) {
    enum { NONE, REL32, ESCAPE, LEA };
    uint8_t class[256] = {0};
    class[0xe8] = class[0xe9] = REL32;
    class[0x0f] = ESCAPE;
    class[0x8d] = labels ? LEA : NONE;
    for (uintptr_t p = s->start; p + 6 <= s->end; p++) {
        uint8_t kind = class[*(const uint8_t *)p];
        if (kind == NONE)
            continue;
        const uint8_t *b = (const uint8_t *)p;
        uintptr_t length = 5;
        if (kind != REL32) {
            if (kind == ESCAPE ? (b[1] & 0xf0) != 0x80 : (b[1] & 0xc7) != 0x05)
                continue;
            length = 6;
        }
        mark_target(s, p + length + (uintptr_t)(intptr_t) * (const int32_t *)(p + length - 4));
    }
}

static void mark_function_starts(struct mv_scan *s) {
    enum { STT_FUNC = 2, STT_IFUNC = 10, SHN_UNDEF = 0 };
    for (uint32_t i = 0; i < s->frames.count; i++)
        mark_target(s, mv_frames_start(&s->frames, i));
    for (uint32_t i = 0; i < s->object.symbol_count; i++) {
        const struct mv_symbol *symbol = &s->object.symbols[i];
        int type = symbol->info & 15;
        if (symbol->section != SHN_UNDEF && (type == STT_FUNC || type == STT_IFUNC))
            mark_target(s, s->object.bias + symbol->value);
    }
}

static int is_padding(const struct mv_insn *insn) {
    return insn->kind == MV_INSN_NOP || insn->kind == MV_INSN_INT3;
}

static void mark_branch(struct mv_scan *s, const struct mv_insn *insn) {
    if (insn->target != 0 && insn->rip_disp == 0)
        mark_target(s, insn->target);
}

/* Decodes a function from `at` up to `limit`; returns where it stopped, which is a start of an instruction.
 */
static uintptr_t decode_function(struct mv_scan *s, uintptr_t at, uintptr_t end, uintptr_t limit) {
    struct mv_insn insn = {0};
    /* Only a branch can lead to what comes next, unless it is padding. */
    int stopped = at == s->decoded && s->decoded_stopped;
    while (at < end && at < limit) {
        mv_decode(at, end, &insn);
        if (insn.kind == MV_INSN_INVALID) {
            at++;
            continue;
        }
        if ((stopped && !is_padding(&insn)) || insn.kind == MV_INSN_ENDBR)
            mark_target(s, at);
        stopped = mv_insn_stops(&insn) || (stopped && is_padding(&insn));
        mv_scan_mark(s, s->boundary, at);
        mark_branch(s, &insn);
        at += insn.len;
    }
    s->decoded_stopped = stopped;
    /* clone's unwind information ends before its `syscall`: the code goes on without. (A call there is one
     * that doesn't return.) */
    if (at == end && !stopped && insn.kind != MV_INSN_CALL && insn.kind != MV_INSN_CALL_INDIRECT)
        mark_target(s, end);
    return at;
}

/* The lowest address from which decoding may start, for a function that begins before the range. */
static uintptr_t readable_from(const struct mv_scan *s) {
    uintptr_t low = s->start;
    while (s->object.base != 0 && low > s->object.start && s->start - low < 64 * MV_PAGE &&
           mv_sys_readable(low - MV_PAGE))
        low -= MV_PAGE;
    return low;
}

/* Decodes the functions around a site. To be called in the order of addresses. */
static void decode_around(struct mv_scan *s, uintptr_t low, uintptr_t at, uintptr_t limit) {
    if (limit > s->end)
        limit = s->end;
    if (at < low)
        at = low;
    if (at < s->decoded)
        at = s->decoded;
    while (at < limit) {
        struct mv_region region;
        mv_frames_region(&s->frames, at, low, s->end, &region);
        if (region.is_function) {
            uintptr_t from = region.start < s->decoded ? s->decoded : region.start;
            at = decode_function(s, from, region.end, limit);
        } else {
            at = region.end;
        }
        if (at > region.end) /* an instruction ran over the end: the next region starts where it starts */
            at = region.end;
        s->decoded = at;
    }
}

/*
 * Between functions there may be code without unwind information, or tables. Code is what can be reached:
 * from the function before, by a branch, as an exported function. Followed until nothing new is found.
 */
static void walk_gap(struct mv_scan *s, const struct mv_region *gap) {
    for (int round = 0, changed = 1; changed && round < 16; round++) {
        int reachable = 0;
        changed = 0;
        for (uintptr_t at = gap->start; at < gap->end;) {
            struct mv_insn insn;
            reachable |= mv_scan_has(s, s->target, at);
            if (reachable)
                mv_decode(at, gap->end, &insn);
            if (!reachable || insn.kind == MV_INSN_INVALID) {
                reachable = 0;
                at++;
                continue;
            }
            if (!mv_scan_has(s, s->boundary, at)) {
                mv_scan_mark(s, s->boundary, at);
                mark_branch(s, &insn);
                changed = 1;
            }
            reachable = !mv_insn_stops(&insn);
            at += insn.len;
        }
    }
}

/* Does this for the gaps that hold a site; code around sites in functions needs no more than itself. */
static void walk_gaps(struct mv_scan *s, uintptr_t low) {
    struct mv_region gap = {0};
    int marked = 0;
    for (uint32_t i = 0; i < s->site_count; i++) {
        if (s->sites[i].at < gap.end)
            continue;
        mv_frames_region(&s->frames, s->sites[i].at, low, s->end, &gap);
        if (gap.is_function || gap.end - gap.start > GAP_MAX)
            continue;
        if (!marked) {
            mark_far_targets(s, 0);
            mark_function_starts(s);
            marked = 1;
        }
        walk_gap(s, &gap);
    }
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
    size_t lines = ((s->end - s->start) / NEAR_LINE / 64 + 1) * sizeof(uint64_t);
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
        mark_near(s, at - NEIGHBOURHOOD, at + NEIGHBOURHOOD);
    }
    uintptr_t low = readable_from(s);
    uint32_t code = 0;
    for (uint32_t i = 0; i < s->site_count; i++) {
        uintptr_t from = s->sites[i].at - NEIGHBOURHOOD;
        struct mv_region region;
        mv_frames_region(&s->frames, s->sites[i].at, low, s->end, &region);
        if (!region.is_function && region.end - region.start <= GAP_MAX) {
            mark_near(s, region.start, region.end);
            from = region.start - 1 < from ? region.start - 1 : from; /* the function before */
        }
        decode_around(s, low, from, s->sites[i].at + NEIGHBOURHOOD);
    }
    walk_gaps(s, low);
    for (uint32_t i = 0; i < s->site_count; i++) {
        classify(s, low, &s->sites[i]);
        code += s->sites[i].kind == MV_SITE_CODE;
    }
    /* Most objects hold the two bytes in data only: the walk over all of their code is for the others. */
    if (code != 0) {
        mark_far_targets(s, 1);
        mark_function_starts(s);
    }
    return MV_REWRITE_OK;
}

int mv_scan_open_whole(struct mv_scan *s, uintptr_t start, uintptr_t end, const struct mv_object *object) {
    *s = (struct mv_scan){.start = start, .end = end, .object = *object};
    int status = open_maps(s, 0);
    if (status != MV_REWRITE_OK)
        return status;
    mark_near(s, start, end);
    decode_around(s, start, start, end);
    mark_far_targets(s, 1);
    mark_function_starts(s);
    return MV_REWRITE_OK;
}

void mv_scan_close(struct mv_scan *s) {
    if (s->scratch != 0)
        mv_sys_unmap(s->scratch, s->scratch_size);
    s->scratch = 0;
}
