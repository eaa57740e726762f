#include "registry.h"

#include "pool.h"
#include "sys.h"

static _Atomic(struct mv_segment *) first_segment;

struct mv_segment *mv_segment_alloc(uint32_t patches, uint32_t left) {
    size_t size = sizeof(struct mv_segment) + patches * (sizeof(struct mv_patch) + sizeof(struct mv_pad)) +
                  left * sizeof(uintptr_t);
    struct mv_segment *segment = mv_registry_alloc(size);
    if (segment == NULL)
        return NULL;
    segment->patches = (struct mv_patch *)(segment + 1);
    segment->pads = (struct mv_pad *)(segment->patches + patches);
    segment->left = (uintptr_t *)(segment->pads + patches);
    return segment;
}

void mv_segment_publish(struct mv_segment *segment) {
    segment->next = atomic_load_explicit(&first_segment, memory_order_relaxed);
    atomic_store_explicit(&first_segment, segment, memory_order_release);
}

struct mv_segment *mv_segment_first(void) {
    return atomic_load_explicit(&first_segment, memory_order_acquire);
}

void mv_counts_add(struct mv_rewrite_counts *to, const struct mv_rewrite_counts *counts) {
    to->rewritten += counts->rewritten;
    to->trapped += counts->trapped;
    to->refused += counts->refused;
    to->restorer += counts->restorer;
    to->data += counts->data;
}

/* Relaxed loads: a reader that races with an unmapping of the very code it stands in has lost anyway. */
static int segment_dead(const struct mv_segment *s) {
    return atomic_load_explicit(&s->dead, memory_order_relaxed) != 0;
}

static int patch_dead(const struct mv_patch *p) {
    return atomic_load_explicit(&p->dead, memory_order_relaxed) != 0;
}

/* The last patch whose window (or trampoline) begins at or below pc; NULL: none. */
static const struct mv_patch *last_patch(const struct mv_segment *s, uintptr_t pc, int by_trampoline) {
    uint32_t low = 0, high = s->patch_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct mv_patch *p = &s->patches[middle];
        if ((by_trampoline ? p->trampoline : p->window) <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? NULL : &s->patches[low - 1];
}

int mv_registry_knows(uintptr_t at) {
    for (const struct mv_segment *s = mv_segment_first(); s != NULL; s = s->next) {
        if (segment_dead(s) || at < s->start || at >= s->end)
            continue;
        for (uint32_t low = 0, high = s->left_count; low < high;) {
            uint32_t middle = low + (high - low) / 2;
            if (s->left[middle] == at)
                return 1;
            if (s->left[middle] < at)
                low = middle + 1;
            else
                high = middle;
        }
        const struct mv_patch *p = last_patch(s, at, 0);
        if (p != NULL && !patch_dead(p) && at - p->window < p->window_size)
            return 1;
        for (uint32_t i = 0; i < s->pad_count; i++) {
            if (at - s->pads[i].at < 5)
                return 1;
        }
    }
    return 0;
}

uintptr_t mv_trampoline_to_original(uintptr_t pc) {
    for (const struct mv_segment *s = mv_segment_first(); s != NULL; s = s->next) {
        if (segment_dead(s))
            continue;
        for (uint32_t i = 0; i < s->pad_count; i++) {
            if (s->pads[i].at == pc)
                return s->pads[i].site;
        }
        if (pc < s->pool || pc >= s->pool_end)
            continue;
        const struct mv_patch *p = last_patch(s, pc, 1);
        if (p == NULL || patch_dead(p) || pc - p->trampoline >= p->trampoline_size)
            return 0;
        for (int i = p->step_count - 1; i >= 0; i--) {
            if (p->steps[i].trampoline <= pc - p->trampoline)
                return p->window + p->steps[i].original;
        }
    }
    return 0;
}

uintptr_t mv_original_to_trampoline(uintptr_t pc) {
    for (const struct mv_segment *s = mv_segment_first(); s != NULL; s = s->next) {
        if (segment_dead(s) || pc < s->start || pc >= s->end)
            continue;
        const struct mv_patch *p = last_patch(s, pc, 0);
        if (p == NULL || patch_dead(p) || pc == p->window || pc - p->window >= p->window_size)
            continue;
        /* From the end: of two `syscall`s in a row, the second's lea and not the first's continuation. */
        for (int i = p->step_count - 1; i >= 0; i--) {
            if (p->window + p->steps[i].original == pc)
                return p->trampoline + p->steps[i].trampoline;
        }
        return 0;
    }
    return 0;
}

void mv_rewrite_totals(struct mv_rewrite_counts *counts) {
    *counts = (struct mv_rewrite_counts){0};
    for (const struct mv_segment *s = mv_segment_first(); s != NULL; s = s->next) {
        if (!segment_dead(s))
            mv_counts_add(counts, &s->counts);
    }
}

void mv_rewrite_visit(mv_rewrite_visitor *visit, void *context) {
    for (const struct mv_segment *s = mv_segment_first(); s != NULL; s = s->next) {
        if (segment_dead(s))
            continue;
        struct mv_rewrite_object object = {s->name, s->start, s->end, s->counts};
        visit(&object, context);
    }
}
