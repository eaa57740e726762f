#include "window.h"

#include "decode.h"

enum {
    REACH = 4,        /* instructions looked at on either side: with 3 bytes missing, more are never needed */
    SHORT_LOW = -126, /* of a 2-byte jump, counted from its first byte */
    SHORT_HIGH = 129,
};

/* The instruction that ends at `at` and falls through, by the boundaries found from the function's start; 0:
 * none. */
static uintptr_t previous(const struct mv_scan *s, uintptr_t at, uintptr_t low, struct mv_insn *insn) {
    for (uintptr_t p = at - 1; p >= low && at - p <= 15; p--) {
        if (!mv_scan_has(s, s->boundary, p))
            continue;
        mv_decode(p, at, insn);
        return p + insn->len == at && insn->kind != MV_INSN_INVALID && !mv_insn_stops(insn) ? p : 0;
    }
    return 0;
}

/* How dear it is to run the instruction elsewhere; all of them are correct, some take more bytes or tricks.
 */
static unsigned weight(const struct mv_insn *insn) {
    switch (insn->kind) {
    case MV_INSN_PLAIN:
    case MV_INSN_NOP:
        return insn->rip_disp != 0 ? 12 : 10;
    case MV_INSN_JMP:
    case MV_INSN_STOP:
        return 11;
    case MV_INSN_JCC:
        return 13;
    case MV_INSN_LOOP:
        return 30;
    case MV_INSN_CALL:
        return 40;
    case MV_INSN_SYSCALL: /* a second site in the window saves a jump for it */
        return 5;
    case MV_INSN_INT3: /* padding; anywhere else the emitter says no */
        return 1;
    default:
        return 1000;
    }
}

struct edge {
    uintptr_t at;
    unsigned cost;
};

/* Fills edges[0..n] with the possible starts of the window, nearest first; edges[0] is the site itself. */
static int walk_back(const struct mv_scan *s, const struct mv_site *site, uintptr_t low, struct edge *edges) {
    int n = 0;
    edges[0] = (struct edge){site->at, 0};
    /* What is left of a branch target inside the window can't be moved: the target must be its first byte. */
    while (n < REACH && !mv_scan_has(s, s->target, edges[n].at)) {
        struct mv_insn insn;
        uintptr_t p = previous(s, edges[n].at, low, &insn);
        if (p == 0 || insn.kind == MV_INSN_FIXED || insn.kind == MV_INSN_CALL)
            break;
        edges[n + 1] = (struct edge){p, edges[n].cost + weight(&insn) - 1};
        n++;
    }
    return n;
}

/* The same for the ends of the window. */
static int walk_on(const struct mv_scan *s, const struct mv_site *site, struct edge *edges) {
    int n = 0, stopped = 0;
    edges[0] = (struct edge){site->at + 2, 0};
    while (n < 2 * REACH && !mv_scan_has(s, s->target, edges[n].at)) {
        struct mv_insn insn;
        uintptr_t high = stopped ? site->pad_high : site->high;
        mv_decode(edges[n].at, high, &insn);
        int padding = insn.kind == MV_INSN_NOP || insn.kind == MV_INSN_INT3;
        if (insn.kind == MV_INSN_INVALID || insn.kind == MV_INSN_FIXED || (stopped && !padding))
            break;
        unsigned cost = stopped ? 1 : weight(&insn);
        edges[n + 1] = (struct edge){edges[n].at + insn.len, edges[n].cost + cost};
        n++;
        stopped |= mv_insn_stops(&insn);
        if (insn.kind == MV_INSN_CALL)
            break;
    }
    return n;
}

/* Whether nobody comes to, or has taken, any of the five bytes. */
static int untouched(const struct mv_scan *s, uintptr_t at) {
    for (uintptr_t p = at; p < at + MV_JUMP; p++) {
        if (mv_scan_has(s, s->target, p))
            return 0;
    }
    return 1;
}

/* Room behind a function, in a gap that holds nothing but padding; taken from its end. */
static uintptr_t pad_in_gap(const struct mv_scan *s, const struct mv_region *gap, uintptr_t low,
                            uintptr_t high) {
    if (mv_scan_has(s, s->target, gap->start))
        return 0;
    for (uintptr_t at = gap->start; at < gap->end;) {
        struct mv_insn insn;
        mv_decode(at, gap->end, &insn);
        if (insn.kind != MV_INSN_NOP && insn.kind != MV_INSN_INT3)
            return 0;
        at += insn.len;
    }
    for (uintptr_t at = gap->end - MV_JUMP; at >= gap->start && at >= low; at--) {
        if (at <= high && untouched(s, at))
            return at;
    }
    return 0;
}

/* Room inside a function, behind a jump or return. */
static uintptr_t pad_in_function(const struct mv_scan *s, const struct mv_region *function, uintptr_t low,
                                 uintptr_t high) {
    uintptr_t run = 0; /* where the padding begins */
    int stopped = 0;
    for (uintptr_t at = low > function->start ? low : function->start; at < function->end;) {
        struct mv_insn insn;
        if (!mv_scan_has(s, s->boundary, at)) {
            at++;
            run = 0;
            stopped = 0;
            continue;
        }
        mv_decode(at, function->end, &insn);
        int padding = insn.kind == MV_INSN_NOP || insn.kind == MV_INSN_INT3;
        if (padding && stopped && !mv_scan_has(s, s->target, at)) {
            if (run == 0)
                run = at;
            if (at + insn.len - run >= MV_JUMP && run <= high && untouched(s, run))
                return run;
        } else {
            run = 0;
            stopped = mv_insn_stops(&insn);
        }
        at += insn.len;
    }
    return 0;
}

/* Five bytes of padding that nothing leads to, within a short jump of the site. */
static uintptr_t find_pad(struct mv_scan *s, uintptr_t site) {
    uintptr_t low = site + 2 + (uintptr_t)(intptr_t)SHORT_LOW, high = site + SHORT_HIGH - MV_JUMP;
    if (low < s->start)
        low = s->start;
    for (uintptr_t at = low; at <= high && at < s->end;) {
        struct mv_region region;
        mv_frames_region(&s->frames, at, s->start, s->end, &region);
        uintptr_t pad =
            region.is_function ? pad_in_function(s, &region, low, high) : pad_in_gap(s, &region, low, high);
        if (pad != 0)
            return pad;
        at = region.end > at ? region.end : at + 1;
    }
    return 0;
}

/* The short form: the trampoline carries nothing but the site. */
static int use_pad(struct mv_scan *s, const struct mv_site *site, uintptr_t slot, struct mv_emit *out,
                   struct mv_window *window) {
    uintptr_t pad = find_pad(s, site->at);
    out->at = out->start;
    if (pad == 0 || mv_emit_window(out, site->at, site->at + 2, slot) != 0)
        return -1;
    for (uintptr_t p = pad; p < pad + MV_JUMP; p++)
        mv_scan_mark(s, s->target, p); /* taken: no other site may use it or displace it */
    *window = (struct mv_window){site->at, site->at + 2, pad};
    return 0;
}

int mv_window_choose(struct mv_scan *s, const struct mv_site *site, uintptr_t low, uintptr_t slot,
                     struct mv_emit *out, struct mv_window *window) {
    struct edge starts[REACH + 1], ends[2 * REACH + 1];
    if (site->at < low)
        return -1;
    int first = walk_back(s, site, low > site->low ? low : site->low, starts);
    int last = walk_on(s, site, ends);

    /* Cheapest first; a choice that can't be moved after all (out of reach) gives way to the next dearer. */
    for (unsigned done = 0;;) {
        unsigned best = 0;
        int from = -1, to = -1;
        for (int i = 0; i <= first; i++) {
            for (int k = 0; k <= last; k++) {
                unsigned cost = 1 + starts[i].cost + ends[k].cost;
                cost = cost * 128 + (unsigned)(i * 16 + k); /* distinct, so that each is tried once */
                if (ends[k].at - starts[i].at >= MV_JUMP && cost > done && (from < 0 || cost < best)) {
                    best = cost;
                    from = i;
                    to = k;
                }
            }
        }
        if (from < 0)
            return use_pad(s, site, slot, out, window);
        out->at = out->start;
        if (mv_emit_window(out, starts[from].at, ends[to].at, slot) == 0) {
            *window = (struct mv_window){starts[from].at, ends[to].at, 0};
            return 0;
        }
        done = best;
    }
}

uintptr_t mv_window_prologue(const struct mv_scan *s, uintptr_t entry) {
    uintptr_t at = entry;
    while (at < entry + MV_JUMP) {
        struct mv_insn insn;
        mv_decode(at, s->end, &insn);
        if ((at != entry && mv_scan_has(s, s->target, at)) || insn.kind == MV_INSN_INVALID ||
            insn.kind == MV_INSN_SYSCALL)
            return 0;
        at += insn.len;
        if (mv_insn_stops(&insn) && at < entry + MV_JUMP)
            return 0;
    }
    return at;
}
