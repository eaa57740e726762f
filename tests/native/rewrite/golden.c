/*
 * golden NAME IN.so OUT.so: rewrites IN's code in memory and compares it with OUT, which holds what should
 * come out: the windows, and one trampoline t0, t1... for each. Both are linked at the same addresses. Exit
 * 0: the same.
 */
#include "image.h"

#include "../../../native/shim/rewrite/decode.h"
#include "../../../native/shim/rewrite/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { TEXT = 0x10000 };

static struct image in, out;
static const char *name;
static const struct mv_segment *segment;
static int failures;

static void fail(const char *what, uint64_t got, uint64_t wanted) {
    (void)fprintf(stderr, "golden/%s: %s: %#" PRIx64 " instead of %#" PRIx64 "\n", name, what, got, wanted);
    failures++;
}

static uint64_t trampoline_symbol(uint32_t index) {
    char symbol[16];
    (void)snprintf(symbol, sizeof symbol, "t%u", index);
    return image_symbol(&out, symbol);
}

/* The address in OUT that corresponds to an address that the rewritten IN refers to. */
static uint64_t expected_address(uintptr_t at) {
    if (segment != NULL && at == segment->pool)
        return image_symbol(&out, "slot");
    for (uint32_t i = 0; segment != NULL && i < segment->patch_count; i++) {
        const struct mv_patch *p = &segment->patches[i];
        if (at >= p->trampoline && at < p->trampoline + p->trampoline_size)
            return trampoline_symbol(i) + (at - p->trampoline);
    }
    return at - in.bias;
}

/* Compares n bytes of instructions at `at` with those at the file address `wanted` in OUT. */
static void compare_code(uintptr_t at, uint64_t wanted, size_t n) {
    uintptr_t there = out.bias + wanted, end = at + n;
    int after_exit = 0; /* .quad follows `jmp *slot` */
    while (at < end) {
        if (after_exit) {
            uint64_t next = *(uint64_t *)at - in.bias, meant = there - out.bias + *(uint64_t *)there;
            if (next != meant)
                fail("address of the instruction after the site", next, meant);
            at += 8;
            there += 8;
            after_exit = 0;
            continue;
        }
        if (*(uint8_t *)at == 0x68 && *(uint8_t *)there == 0x68) { /* PUSH_ADDRESS */
            uint64_t pushed = *(uint32_t *)(at + 1) | (uint64_t) * (uint32_t *)(at + 9) << 32;
            uint64_t meant = there + 1 - out.bias + (uint64_t)(int64_t) * (int32_t *)(there + 1);
            if (pushed - in.bias != meant)
                fail("pushed address", pushed - in.bias, meant);
            at += 13;
            there += 13;
            continue;
        }
        struct mv_insn a, b;
        mv_decode(at, end, &a);
        mv_decode(there, there + 15, &b);
        if (a.kind != b.kind || a.len != b.len || a.rip_disp != b.rip_disp || a.condition != b.condition) {
            fail("instruction at", at - in.bias, there - out.bias);
            return;
        }
        if (a.target != 0 && expected_address(a.target) != b.target - out.bias)
            fail("target", expected_address(a.target), b.target - out.bias);
        if (a.target == 0 && memcmp((void *)at, (void *)there, a.len) != 0)
            fail("bytes of the instruction at", at - in.bias, there - out.bias);
        after_exit =
            a.kind == MV_INSN_STOP && a.rip_disp != 0 && segment != NULL && a.target == segment->pool;
        at += a.len;
        there += b.len;
    }
}

static int is_patched(uintptr_t at) {
    for (uint32_t i = 0; segment != NULL && i < segment->patch_count; i++) {
        if (at - segment->patches[i].window < segment->patches[i].window_size)
            return 1;
    }
    for (uint32_t i = 0; segment != NULL && i < segment->pad_count; i++) {
        if (at - segment->pads[i].at < 5)
            return 1;
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 4) {
        (void)fprintf(stderr, "usage: %s NAME IN.so OUT.so\n", argv[0]);
        return 2;
    }
    name = argv[1];
    const char *reason = image_map(argv[2], &in);
    if (reason == NULL)
        reason = image_map(argv[3], &out);
    if (reason != NULL) {
        (void)fprintf(stderr, "golden/%s: %s\n", name, reason);
        return 2;
    }
    struct mv_rewrite_counts counts;
    int status = mv_rewrite_range(in.code[0].start, in.code[0].end - in.code[0].start, PROT_READ | PROT_WRITE,
                                  0, &counts);
    segment = mv_segment_first();
    if (status != 0)
        fail(mv_rewrite_status_text(status), (uint64_t)(int64_t)status, 0);
    if (counts.rewritten != image_symbol(&out, "expect_rewritten"))
        fail("sites rewritten", counts.rewritten, image_symbol(&out, "expect_rewritten"));
    if (counts.trapped != image_symbol(&out, "expect_trapped"))
        fail("sites trapped", counts.trapped, image_symbol(&out, "expect_trapped"));
    if (counts.restorer != image_symbol(&out, "expect_restorer"))
        fail("restorers", counts.restorer, image_symbol(&out, "expect_restorer"));
    if (counts.data != image_symbol(&out, "expect_data"))
        fail("false hits", counts.data, image_symbol(&out, "expect_data"));

    uint64_t end = image_symbol(&in, "end");
    if (end != image_symbol(&out, "end"))
        fail("size of the code", end, image_symbol(&out, "end"));
    for (uint64_t at = TEXT; at < end; at++) {
        if (!is_patched(in.bias + at) && *(uint8_t *)(in.bias + at) != *(uint8_t *)(out.bias + at))
            fail("byte outside of the windows differs at", at, at);
    }
    uint32_t patches = segment == NULL ? 0 : segment->patch_count;
    for (uint32_t i = 0; i < patches; i++) {
        const struct mv_patch *p = &segment->patches[i];
        compare_code(p->window, p->window - in.bias, p->window_size);
        if (trampoline_symbol(i) == 0)
            fail("trampoline not expected", i, 0);
        else
            compare_code(p->trampoline, trampoline_symbol(i), p->trampoline_size);
    }
    for (uint32_t i = 0; segment != NULL && i < segment->pad_count; i++)
        compare_code(segment->pads[i].at, segment->pads[i].at - in.bias, 5);
    if (trampoline_symbol(patches) != 0)
        fail("trampolines", patches, patches + 1);
    return failures == 0 ? 0 : 1;
}
