/*
 * Memory that belongs to no ELF image: generated code, images of managed runtimes, which hold tables and code
 * side by side and say nothing about where functions begin. Decoding such memory from its start takes seconds
 * and finds "instructions" in tables, so here the burden of proof is reversed: two bytes are a `syscall` only
 * behind the load of a call's number and before something that a compiler would write there. (A table of
 * .NET's core library holds b8 09 00 00 00 00 00 00 51 00 b2 01 0f 05: decoding alone is no proof.)
 */
#include "flow.h"

#include "decode.h"
#include "sys.h"

enum {
    BEFORE = 40,    /* bytes in which the number must be loaded */
    NUMBERS = 1024, /* higher than any call */
};

/* `mov $number, %eax` or its 7-byte form. */
static int loads_number(uintptr_t at, const struct mv_insn *insn) {
    const uint8_t *b = (const uint8_t *)at;
    if (insn->len == 5 && b[0] == 0xb8)
        return *(const uint32_t *)(b + 1) < NUMBERS;
    return insn->len == 7 && b[0] == 0x48 && b[1] == 0xc7 && b[2] == 0xc0 &&
           *(const uint32_t *)(b + 3) < NUMBERS;
}

/* Copies another register to eax or rax, or clears it: the number may come from anywhere. */
static int loads_register(uintptr_t at, const struct mv_insn *insn) {
    const uint8_t *b = (const uint8_t *)at;
    int rex = (b[0] & 0xf0) == 0x40;
    b += rex;
    int copies = (b[0] == 0x89 && (b[1] & 0xc7) == 0xc0) || (b[0] == 0x8b && (b[1] & 0xf8) == 0xc0);
    return insn->len == 2 + rex && (copies || ((b[0] == 0x31 || b[0] == 0x33) && b[1] == 0xc0));
}

/* What sets up arguments between the number and the call: 64-bit register copies, clearing, constants. */
static int sets_argument(uintptr_t at, const struct mv_insn *insn) {
    const uint8_t *b = (const uint8_t *)at;
    int rex = (b[0] & 0xf0) == 0x40, wide = rex && (b[0] & 8);
    b += rex;
    if (insn->len == 5 + rex && (b[0] & 0xf8) == 0xb8)
        return 1;
    int registers = insn->len == 2 + rex && (b[1] & 0xc0) == 0xc0;
    return registers &&
           ((wide && (b[0] == 0x89 || b[0] == 0x8b)) || (b[0] == 0x31 && (b[1] >> 3 & 7) == (b[1] & 7)));
}

/* What stands behind a call: looking at the result, or leaving. */
static int uses_result(uintptr_t at, uintptr_t end) {
    struct mv_insn insn;
    mv_decode(at, end, &insn);
    const uint8_t *b = (const uint8_t *)at;
    if (insn.kind == MV_INSN_JMP || insn.kind == MV_INSN_JCC || insn.kind == MV_INSN_STOP ||
        insn.kind == MV_INSN_NOP || insn.kind == MV_INSN_INT3)
        return 1;
    int rex = insn.kind == MV_INSN_PLAIN && (b[0] & 0xf0) == 0x40;
    b += rex;
    return insn.kind == MV_INSN_PLAIN && (b[0] == 0x3d || b[0] == 0x85 || b[0] == 0x89 || b[0] == 0x8b ||
                                          b[0] == 0xc9 || (b[0] >= 0x58 && b[0] <= 0x5f) ||
                                          (b[0] == 0x83 && b[1] == 0xf8) || (b[0] == 0xf7 && b[1] == 0xd8));
}

/* Whether straight-line code leads from `at` to the site; `tidy` if it does nothing but set up arguments. */
static int leads_to(uintptr_t at, uintptr_t site, uintptr_t end, int *tidy) {
    struct mv_insn insn;
    *tidy = 1;
    for (; at < site; at += insn.len) {
        mv_decode(at, end, &insn);
        if (insn.kind != MV_INSN_PLAIN && insn.kind != MV_INSN_NOP)
            return 0;
        *tidy &= sets_argument(at, &insn);
    }
    return at == site;
}

static enum mv_site_kind judge(const struct mv_scan *s, uintptr_t site, uintptr_t *number) {
    enum mv_site_kind kind = MV_SITE_DATA;
    int before_use = uses_result(site + 2, s->end);
    for (uintptr_t at = site - 2; at >= s->start && at + BEFORE >= site; at--) {
        struct mv_insn insn;
        int tidy;
        mv_decode(at, s->end, &insn);
        int constant = loads_number(at, &insn);
        if ((!constant && !loads_register(at, &insn)) || !leads_to(at + insn.len, site, s->end, &tidy))
            continue;
        if (constant && tidy && before_use) {
            *number = at;
            return MV_SITE_CODE;
        }
        if (before_use)
            kind = MV_SITE_UNSURE;
    }
    return kind;
}

/* Marks every byte around the site as a target that a one-byte displacement could lead to from anywhere. */
static void mark_short_branches(struct mv_scan *s, uintptr_t site) {
    uintptr_t from = site - MV_NEIGHBOURHOOD < s->start ? s->start : site - MV_NEIGHBOURHOOD;
    for (uintptr_t at = from; at + 2 <= s->end && at < site + MV_NEIGHBOURHOOD; at++) {
        const uint8_t *b = (const uint8_t *)at;
        if ((b[0] & 0xf0) == 0x70 || b[0] == 0xeb || (b[0] >= 0xe0 && b[0] <= 0xe3))
            mv_scan_mark(s, s->target, at + 2 + (uintptr_t)(intptr_t)(int8_t)b[1]);
    }
}

void mv_flow_loose(struct mv_scan *s, struct mv_site *site) {
    uintptr_t at = site->at;
    site->kind = judge(s, site->at, &at);
    site->low = at;
    if (site->kind != MV_SITE_CODE)
        return;
    struct mv_insn insn = {0};
    for (int behind = 0; at < s->end && behind < 5 && !mv_insn_stops(&insn); at += insn.len) {
        mv_decode(at, s->end, &insn);
        if (insn.kind == MV_INSN_INVALID)
            break;
        mv_scan_mark(s, s->boundary, at);
        behind += at > site->at;
    }
    site->high = site->pad_high = at;
    mark_short_branches(s, site->at);
}
