/* The memory of a segment, and the moment when the jumps are written. */
#include "internal.h"

#include "pool.h"
#include "sys.h"
#include "window.h"

static int protect(uintptr_t start, uintptr_t end, int prot) {
    long result = mv_sys_protect(start, end - start, prot);
    if (result == 0)
        return MV_REWRITE_OK;
    return result == -MV_EPERM || result == -MV_EACCES ? MV_REWRITE_WX_FORBIDDEN : MV_REWRITE_NO_MEMORY;
}

int mv_segment_map(struct mv_segment *segment, size_t trampolines, uintptr_t low, uintptr_t high) {
    size_t size = (MV_PAGE + trampolines + MV_PAGE - 1) & ~(size_t)(MV_PAGE - 1);
    long pool = mv_pool_map(size, low, high);
    if (pool < 0)
        return (int)pool;
    segment->pool = (uintptr_t)pool;
    segment->pool_end = (uintptr_t)pool + size;
    return MV_REWRITE_OK;
}

int mv_segment_seal(struct mv_segment *s, uintptr_t used) {
    uintptr_t end = (used + MV_PAGE - 1) & ~(uintptr_t)(MV_PAGE - 1);
    if (end < s->pool_end)
        mv_sys_unmap(end, s->pool_end - end);
    s->pool_end = end;
    mv_sys_name(s->pool, end - s->pool, "mvedsua trampolines");
    int status = protect(s->pool, s->pool + MV_PAGE, MV_PROT_READ);
    return status != MV_REWRITE_OK ? status : protect(s->pool + MV_PAGE, end, MV_PROT_READ | MV_PROT_EXEC);
}

void mv_segment_unmap(struct mv_segment *s) {
    if (s->pool != 0)
        mv_sys_unmap(s->pool, s->pool_end - s->pool);
    s->pool = s->pool_end = 0;
}

static void write_jumps(const struct mv_segment *s) {
    for (uint32_t i = 0; i < s->patch_count; i++) {
        const struct mv_patch *p = &s->patches[i];
        uint8_t *code = (uint8_t *)p->window;
        if (p->window_size >= MV_JUMP) {
            mv_encode_patch(code, p->window, p->window_size, p->jump_to != 0 ? p->jump_to : p->trampoline);
            continue;
        }
        for (uint32_t k = 0; k < s->pad_count; k++) {
            if (s->pads[k].site != p->window)
                continue;
            mv_encode_patch((uint8_t *)s->pads[k].at, s->pads[k].at, MV_JUMP, p->trampoline);
            code[0] = 0xeb;
            code[1] = (uint8_t)(s->pads[k].at - (p->window + 2));
        }
    }
}

int mv_segment_apply(const struct mv_segment *s, int prot) {
    if (s->patch_count == 0)
        return MV_REWRITE_OK;
    if (prot & MV_PROT_WRITE) {
        write_jumps(s);
        return MV_REWRITE_OK;
    }
    /* Executable all along: where W^X is enforced this fails before anything has changed, whereas taking the
     * permission away first could leave code that can never be executed again. */
    int status = protect(s->start, s->end, prot | MV_PROT_READ | MV_PROT_WRITE);
    if (status != MV_REWRITE_OK)
        return status;
    write_jumps(s);
    return protect(s->start, s->end, prot);
}

void mv_segment_name(struct mv_segment *s, const char *name, size_t length) {
    size_t room = sizeof s->name - 1, skip = length > room ? length - room : 0;
    for (size_t i = 0; i + skip < length; i++)
        s->name[i] = name[i + skip];
}

void mv_scan_mark_rewritten(struct mv_scan *scan) {
    for (const struct mv_segment *s = mv_segment_first(); s != NULL; s = s->next) {
        if (atomic_load_explicit(&s->dead, memory_order_relaxed) || s->end <= scan->start ||
            s->start >= scan->end)
            continue;
        for (uint32_t i = 0; i < s->patch_count; i++) {
            for (uint32_t k = 0; k < s->patches[i].window_size; k++)
                mv_scan_mark(scan, scan->target, s->patches[i].window + k);
        }
        for (uint32_t i = 0; i < s->pad_count; i++) {
            for (uint32_t k = 0; k < MV_JUMP; k++)
                mv_scan_mark(scan, scan->target, s->pads[i].at + k);
        }
    }
}
