/*
 * rewrite-dump FILE...: maps each ELF file, rewrites its code in memory without ever running it, and prints
 * one JSON object per line: {"file",...} or {"file","error"}, then one per place that holds the bytes 0f 05.
 * Addresses are the file's own (negative ones lie in a trampoline pool below the image).
 */
#include "image.h"

#include "../../../native/shim/rewrite/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static int nothing_known(uintptr_t at, void *context) {
    (void)at;
    (void)context;
    return 0;
}

static void print_bytes(const char *key, const uint8_t *bytes, size_t n) {
    printf(",\"%s\":\"", key);
    for (size_t i = 0; i < n; i++)
        printf("%02x", bytes[i]);
    printf("\"");
}

static int64_t file_address(const struct image *image, uintptr_t at) {
    return (int64_t)(at - image->bias);
}

static void print_patch(const struct image *image, const struct mv_segment *s, const struct mv_patch *p,
                        const uint8_t *before) {
    printf("{\"verdict\":\"rewritten\",\"window\":%" PRId64 ",\"trampoline\":%" PRId64 ",\"slot\":%" PRId64,
           file_address(image, p->window), file_address(image, p->trampoline), file_address(image, s->pool));
    for (uint32_t i = 0; i < s->pad_count; i++) {
        if (s->pads[i].site != p->window)
            continue;
        printf(",\"pad\":%" PRId64, file_address(image, s->pads[i].at));
        print_bytes("padBefore", before + (s->pads[i].at - s->start), 5);
        print_bytes("padAfter", (const uint8_t *)s->pads[i].at, 5);
    }
    print_bytes("before", before + (p->window - s->start), p->window_size);
    print_bytes("after", (const uint8_t *)p->window, p->window_size);
    print_bytes("code", (const uint8_t *)p->trampoline, p->trampoline_size);
    printf("}\n");
}

static void dump_segment(const struct image *image, const struct segment *code) {
    size_t size = code->end - code->start;
    uint8_t *before = malloc(size);
    if (before == NULL)
        abort();
    memcpy(before, (const void *)code->start, size);

    static const char *const verdicts[] = {"data", "code", "restorer", "unsure"};
    struct mv_scan scan;
    if (mv_scan_open(&scan, code->start, code->end, image->base, nothing_known, NULL) == 0) {
        for (uint32_t i = 0; i < scan.site_count; i++)
            printf("{\"verdict\":\"%s\",\"site\":%" PRId64 "}\n", verdicts[scan.sites[i].kind],
                   file_address(image, scan.sites[i].at));
        mv_scan_close(&scan);
    }
    const struct mv_segment *last = mv_segment_first();
    struct mv_rewrite_counts counts;
    int status = mv_rewrite_range(code->start, size, PROT_READ | PROT_WRITE, 0, &counts);
    const struct mv_segment *s = mv_segment_first();
    for (uint32_t i = 0; s != last && i < s->patch_count; i++)
        print_patch(image, s, &s->patches[i], before);
    printf(
        "{\"verdict\":\"total\",\"status\":%d,\"rewritten\":%u,\"trapped\":%u,\"refused\":%u,\"restorer\":%u,"
        "\"data\":%u}\n",
        status, counts.rewritten, counts.trapped, counts.refused, counts.restorer, counts.data);
    mv_rewrite_forget(code->start, size);
    free(before);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        (void)fprintf(stderr, "usage: %s FILE...\n", argv[0]);
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        struct image image;
        const char *reason = image_map(argv[i], &image);
        printf("{\"file\":\"%s\"", argv[i]);
        if (reason != NULL) {
            printf(",\"error\":\"%s\"}\n", reason);
            continue;
        }
        printf(",\"bias\":\"%" PRIx64 "\"}\n", (uint64_t)image.bias);
        for (int k = 0; k < image.code_count; k++)
            dump_segment(&image, &image.code[k]);
        image_unmap(&image);
    }
    return 0;
}
