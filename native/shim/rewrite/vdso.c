/*
 * Redirects the vDSO's functions: the entry becomes a jump to the hook, and its first instructions move to
 * a trampoline, from which the kernel's own implementation can still be called. vdso(7).
 */
#include "rewrite.h"

#include "internal.h"
#include "sys.h"
#include "window.h"

enum { HOOKS = sizeof(struct mv_vdso_functions) / sizeof(uintptr_t) };

/* In the order of struct mv_vdso_functions. Either name may be the only one exported. */
static const char names[HOOKS][2][24] = {
    {"__vdso_clock_gettime", "clock_gettime"},
    {"__vdso_gettimeofday", "gettimeofday"},
    {"__vdso_time", "time"},
    {"__vdso_getcpu", "getcpu"},
    {"__vdso_clock_getres", "clock_getres"},
    {"__vdso_getrandom", "getrandom"},
};

static uintptr_t image_address(const uint64_t *auxv) {
    enum { AT_NULL = 0, AT_SYSINFO_EHDR = 33 };
    for (; auxv[0] != AT_NULL; auxv += 2) {
        if (auxv[0] == AT_SYSINFO_EHDR)
            return auxv[1];
    }
    return 0;
}

static int same(const char *a, const char *b) {
    while (*a != 0 && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static uintptr_t exported(const struct mv_object *object, const char *name) {
    for (uint32_t i = 1; i < object->symbol_count; i++) {
        const struct mv_symbol *symbol = &object->symbols[i];
        if (symbol->section != 0 && symbol->value != 0 && symbol->name < object->strings_size &&
            same(object->strings + symbol->name, name))
            return object->bias + symbol->value;
    }
    return 0;
}

struct entry {
    uintptr_t at, end; /* the instructions that make room for the jump; at 0: not redirected */
    uintptr_t hook;
    int index;
};

/* Sorted by address, as the registry wants its patches. */
static int find_entries(const struct mv_scan *scan, const uintptr_t *hooks, struct entry *entries) {
    int n = 0;
    for (int i = 0; i < HOOKS; i++) {
        uintptr_t at = exported(&scan->object, names[i][0]);
        if (at == 0)
            at = exported(&scan->object, names[i][1]);
        if (at == 0 || hooks[i] == 0)
            continue;
        struct mv_insn first;
        mv_decode(at, scan->end, &first);
        if (first.kind == MV_INSN_ENDBR)
            at += first.len; /* it stays where indirect calls arrive */
        uintptr_t end = mv_window_prologue(scan, at);
        if (end == 0)
            continue;
        int k = n++;
        for (; k > 0 && entries[k - 1].at > at; k--)
            entries[k] = entries[k - 1];
        entries[k] = (struct entry){at, end, hooks[i], i};
    }
    return n;
}

static int write_entry(struct mv_segment *segment, struct mv_emit *out, const struct entry *e, int slot,
                       uintptr_t *original) {
    /* The hook may be further than 2 GiB away: the entry jumps to a jump through a slot in the pool. */
    uintptr_t slot_at = segment->pool + (uintptr_t)slot * sizeof(uintptr_t);
    *(uintptr_t *)slot_at = e->hook;
    if (mv_emit_jump_through(out, slot_at) != 0)
        return -1;
    uintptr_t forward = out->start;
    out->start = out->at = (out->at + 15) & ~(uintptr_t)15;
    if (mv_emit_prologue(out, e->at, e->end) != 0)
        return -1;
    struct mv_patch *p = &segment->patches[segment->patch_count++];
    p->window = e->at;
    p->window_size = (uint8_t)(e->end - e->at);
    p->jump_to = forward;
    p->trampoline = out->start;
    p->trampoline_size = (uint8_t)(out->at - out->start);
    p->step_count = out->step_count;
    __builtin_memcpy(p->steps, out->steps, sizeof p->steps);
    *original = out->start;
    out->start = out->at = (out->at + 15) & ~(uintptr_t)15;
    return 0;
}

static int redirect(const struct mv_scan *scan, const uintptr_t *hooks, uintptr_t *originals) {
    struct entry entries[HOOKS];
    int count = find_entries(scan, hooks, entries);
    struct mv_segment *segment = mv_segment_alloc((uint32_t)count, 0);
    if (count == 0 || segment == NULL)
        return count == 0 ? 0 : MV_REWRITE_NO_MEMORY;
    segment->start = scan->start;
    segment->end = scan->end;
    mv_segment_name(segment, "[vdso] entries", 14);
    int status = mv_segment_map(segment, (size_t)count * 2 * MV_TRAMPOLINE_MAX, scan->start, scan->end);
    if (status != MV_REWRITE_OK)
        return status;

    struct mv_emit out = {.start = segment->pool + MV_PAGE, .limit = segment->pool_end};
    out.at = out.start;
    int done = 0;
    uintptr_t found[HOOKS] = {0};
    for (int i = 0; i < count; i++) {
        uintptr_t before = out.start;
        if (write_entry(segment, &out, &entries[i], done, &found[entries[i].index]) == 0)
            done++;
        else
            out.start = out.at = before;
    }
    status = mv_segment_seal(segment, out.start);
    if (status == MV_REWRITE_OK)
        status = mv_segment_apply(segment, MV_PROT_READ | MV_PROT_EXEC);
    if (status != MV_REWRITE_OK) {
        mv_segment_unmap(segment);
        return status;
    }
    mv_segment_publish(segment);
    __builtin_memcpy(originals, found, sizeof found);
    return done;
}

int mv_vdso_redirect(const uint64_t *auxv, const struct mv_vdso_functions *hooks,
                     struct mv_vdso_functions *originals) {
    *originals = (struct mv_vdso_functions){0};
    struct mv_object object;
    uintptr_t image = image_address(auxv);
    if (image == 0 || !mv_object_at(image, &object) || object.symbols == NULL)
        return MV_REWRITE_NO_VDSO;
    mv_rewrite_lock();
    struct mv_scan scan;
    int status = mv_scan_open_whole(&scan, object.start, object.end, &object);
    if (status == MV_REWRITE_OK) {
        mv_scan_mark_rewritten(&scan);
        status = redirect(&scan, (const uintptr_t *)hooks, (uintptr_t *)originals);
    }
    mv_scan_close(&scan);
    mv_rewrite_unlock();
    return status;
}
