#include "flow.h"

#include "decode.h"
#include "sys.h"

void mv_flow_near(struct mv_scan *s, uintptr_t from, uintptr_t to) {
    from = from < s->start ? 0 : (from - s->start) / MV_NEAR_LINE;
    to = ((to < s->end ? to : s->end - 1) - s->start) / MV_NEAR_LINE;
    for (; from <= to; from++)
        s->near[from / 64] |= (uint64_t)1 << (from % 64);
}

static void mark_target(struct mv_scan *s, uintptr_t at) {
    size_t line = (at - s->start) / MV_NEAR_LINE;
    if (at >= s->start && at < s->end && (s->near[line / 64] >> (line % 64) & 1) != 0)
        mv_scan_mark(s, s->target, at);
}

/*
 * Marks what any 4-byte displacement could lead to, whether or not an instruction starts there: cheaper than
 * decoding everything, and it can only mark too much. `e8` call, `e9` jmp, `0f 8x` jcc.
 */
void mv_flow_far_branches(struct mv_scan *s) {
    enum { NONE, REL32, ESCAPE };
    uint8_t class[256] = {[0xe8] = REL32, [0xe9] = REL32, [0x0f] = ESCAPE};
    for (uintptr_t p = s->start; p + 6 <= s->end; p++) {
        const uint8_t *b = (const uint8_t *)p;
        uint8_t kind = class[b[0]];
        if (kind == NONE || (kind == ESCAPE && (b[1] & 0xf0) != 0x80))
            continue;
        uintptr_t length = kind == REL32 ? 5 : 6;
        mark_target(s, p + length + (uintptr_t)(intptr_t) * (const int32_t *)(p + length - 4));
    }
}

/* The same for `8d` lea of an address in the code: it is a label to jump to later, or a table. */
void mv_flow_labels(struct mv_scan *s) {
    for (uintptr_t p = s->start; p + 6 <= s->end; p++) {
        const uint8_t *b = (const uint8_t *)p;
        if (b[0] == 0x8d && (b[1] & 0xc7) == 0x05)
            mark_target(s, p + 6 + (uintptr_t)(intptr_t) * (const int32_t *)(p + 2));
    }
}

void mv_flow_function_starts(struct mv_scan *s) {
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

uintptr_t mv_flow_lowest(const struct mv_scan *s) {
    uintptr_t low = s->start;
    while (s->object.base != 0 && low > s->object.start && s->start - low < (uintptr_t)64 * MV_PAGE &&
           mv_sys_readable(low - MV_PAGE))
        low -= MV_PAGE;
    return low;
}

void mv_flow_decode(struct mv_scan *s, uintptr_t low, uintptr_t at, uintptr_t limit) {
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

/* Does this for the gaps that hold a site. Returns whether far branches and function starts are marked now.
 */
int mv_flow_gaps(struct mv_scan *s, uintptr_t low) {
    struct mv_region gap = {0};
    int marked = 0;
    for (uint32_t i = 0; i < s->site_count; i++) {
        if (s->sites[i].at < gap.end)
            continue;
        mv_frames_region(&s->frames, s->sites[i].at, low, s->end, &gap);
        if (gap.is_function || gap.end - gap.start > MV_GAP_MAX)
            continue;
        if (!marked) {
            mv_flow_far_branches(s);
            mv_flow_function_starts(s);
            marked = 1;
        }
        walk_gap(s, &gap);
    }
    return marked;
}
