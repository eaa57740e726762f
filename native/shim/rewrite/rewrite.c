#include "rewrite.h"

#include "internal.h"
#include "maps.h"
#include "sys.h"
#include "window.h"

static struct mv_rewrite_config config;

/* 0 free, 1 held, 2 held with a waiter. */
static _Atomic uint32_t lock_word;

void mv_rewrite_lock(void) {
    uint32_t expected = 0;
    if (atomic_compare_exchange_strong_explicit(&lock_word, &expected, 1, memory_order_acquire,
                                                memory_order_relaxed))
        return;
    while (atomic_exchange_explicit(&lock_word, 2, memory_order_acquire) != 0)
        mv_sys_futex_wait((uint32_t *)&lock_word, 2);
}

void mv_rewrite_unlock(void) {
    if (atomic_exchange_explicit(&lock_word, 0, memory_order_release) == 2)
        mv_sys_futex_wake((uint32_t *)&lock_word);
}

void mv_rewrite_after_fork(void) {
    atomic_store_explicit(&lock_word, 0, memory_order_relaxed);
}

const char *mv_rewrite_status_text(int status) {
    switch (status) {
    case MV_REWRITE_OK:
        return "all code was rewritten";
    case MV_REWRITE_NO_MEMORY:
        return "no memory for trampolines; raise RLIMIT_AS or the container's memory limit";
    case MV_REWRITE_WX_FORBIDDEN:
        return "changing code is forbidden here (systemd MemoryDenyWriteExecute=, SELinux execmod or "
               "PR_SET_MDWE)";
    case MV_REWRITE_NO_MAPS:
        return "/proc/self/maps can't be read; mount /proc";
    case MV_REWRITE_OUT_OF_REACH:
        return "no free memory within 2 GiB of the code";
    case MV_REWRITE_NO_VDSO:
        return "the kernel offers no vDSO that can be read";
    default:
        return "unknown status of the rewriter";
    }
}

static int known(uintptr_t at, void *context) {
    (void)context;
    return mv_registry_knows(at);
}

static void keep_patch(struct mv_segment *segment, const struct mv_window *window,
                       const struct mv_emit *out) {
    struct mv_patch *p = &segment->patches[segment->patch_count++];
    p->window = window->start;
    p->window_size = (uint8_t)(window->end - window->start);
    p->trampoline = out->start;
    p->trampoline_size = (uint8_t)(out->at - out->start);
    p->step_count = out->step_count;
    __builtin_memcpy(p->steps, out->steps, sizeof p->steps);
    if (window->pad != 0)
        segment->pads[segment->pad_count++] = (struct mv_pad){window->pad, window->start};
}

/* Chooses windows and writes trampolines for all sites of `scan`; returns the end of what was used. */
static uintptr_t write_trampolines(struct mv_scan *scan, struct mv_segment *segment) {
    struct mv_emit out = {.start = segment->pool + MV_PAGE, .limit = segment->pool_end};
    uintptr_t low = scan->start; /* the end of the last window: windows don't overlap */
    for (uint32_t i = 0; i < scan->site_count; i++) {
        const struct mv_site *site = &scan->sites[i];
        struct mv_window window;
        if (site->kind != MV_SITE_CODE) {
            continue;
        } else if (site->at < low) {
            segment->counts.rewritten++; /* carried by its predecessor's window */
        } else if (mv_window_choose(scan, site, low, segment->pool, &out, &window) == 0) {
            keep_patch(segment, &window, &out);
            segment->counts.rewritten++;
            low = window.end;
            out.start = (out.at + 15) & ~(uintptr_t)15;
        } else {
            segment->counts.trapped++;
            segment->left[segment->left_count++] = site->at;
        }
    }
    return out.start;
}

/* Nothing is written: every site of the range counts in *counter. */
static void leave_all(const struct mv_scan *scan, struct mv_segment *segment, uint32_t *counter) {
    mv_segment_unmap(segment);
    segment->patch_count = segment->pad_count = segment->left_count = 0;
    segment->counts.rewritten = segment->counts.trapped = segment->counts.refused = 0;
    for (uint32_t i = 0; i < scan->site_count; i++) {
        if (scan->sites[i].kind != MV_SITE_CODE)
            continue;
        ++*counter;
        segment->left[segment->left_count++] = scan->sites[i].at;
    }
}

/* The places that no one wants to rewrite; `left` is kept sorted by a final merge. */
static void leave_others(const struct mv_scan *scan, struct mv_segment *segment) {
    for (uint32_t i = 0; i < scan->site_count; i++) {
        switch (scan->sites[i].kind) {
        case MV_SITE_DATA:
            segment->counts.data++;
            break;
        case MV_SITE_RESTORER:
            segment->counts.restorer++;
            break;
        case MV_SITE_UNSURE:
            segment->counts.trapped++;
            break;
        default:
            continue;
        }
        segment->left[segment->left_count++] = scan->sites[i].at;
    }
    for (uint32_t i = 1; i < segment->left_count; i++) {
        uintptr_t at = segment->left[i];
        uint32_t k = i;
        for (; k > 0 && segment->left[k - 1] > at; k--)
            segment->left[k] = segment->left[k - 1];
        segment->left[k] = at;
    }
}

static int rewrite_sites(struct mv_scan *scan, struct mv_segment *segment, const struct mv_range *range,
                         uint32_t sites) {
    /* Displaced operands may point anywhere in the object, so the pool must reach all of it. */
    uintptr_t low = range->start, high = range->end;
    if (scan->object.base != 0) {
        low = scan->object.start < low ? scan->object.start : low;
        high = scan->object.end > high ? scan->object.end : high;
    }
    size_t size = (size_t)sites * MV_TRAMPOLINE_MAX;
    int status = mv_segment_map(segment, size, low, high);
    if (status ==
        MV_REWRITE_OUT_OF_REACH) /* an enormous object: windows whose operands are too far are avoided */
        status = mv_segment_map(segment, size, range->start, range->end);
    if (status != MV_REWRITE_OK)
        return status;
    *(uintptr_t *)segment->pool = range->entry;
    mv_scan_mark_rewritten(scan);
    uintptr_t used = write_trampolines(scan, segment);
    status = mv_segment_seal(segment, used);
    return status != MV_REWRITE_OK ? status : mv_segment_apply(segment, range->prot);
}

static int rewrite_range(const struct mv_range *range, struct mv_rewrite_counts *counts) {
    struct mv_scan scan;
    int status = mv_scan_open(&scan, range->start, range->end, range->base, known, NULL);
    if (status != MV_REWRITE_OK || scan.site_count == 0)
        return status;
    uint32_t sites = 0, data = 0;
    for (uint32_t i = 0; i < scan.site_count; i++) {
        sites += scan.sites[i].kind == MV_SITE_CODE;
        data += scan.sites[i].kind == MV_SITE_DATA;
    }
    if (data == scan.site_count && range->name_length == 0) {
        /* A runtime that generates code all day would fill the registry with nothing. */
        counts->data += data;
        mv_scan_close(&scan);
        return MV_REWRITE_OK;
    }

    struct mv_segment *segment = mv_segment_alloc(sites, scan.site_count);
    if (segment == NULL) {
        mv_scan_close(&scan);
        return MV_REWRITE_NO_MEMORY;
    }
    segment->start = range->start;
    segment->end = range->end;
    mv_segment_name(segment, range->name, range->name_length);
    if (range->flags & MV_RANGE_SHARED) {
        leave_all(&scan, segment, &segment->counts.refused);
    } else if (range->flags & MV_RANGE_LIVE) {
        leave_all(&scan, segment, &segment->counts.trapped);
    } else if (sites != 0) {
        status = rewrite_sites(&scan, segment, range, sites);
        if (status != MV_REWRITE_OK)
            leave_all(&scan, segment, &segment->counts.trapped);
    }
    leave_others(&scan, segment);
    mv_scan_close(&scan);
    mv_counts_add(counts, &segment->counts);
    mv_segment_publish(segment);
    return status;
}

static int rewrite_mapping(const struct mv_mapping *m, uintptr_t base) {
    int vdso = mv_mapping_named(m, "[vdso]");
    int own = m->start < config.own_end && m->end > config.own_start;
    if (!(m->prot & MV_PROT_EXEC) || !(m->prot & MV_PROT_READ) || own || mv_mapping_named(m, "[vsyscall]"))
        return MV_REWRITE_OK;
    struct mv_range range = {
        .start = m->start,
        .end = m->end,
        .base = vdso ? m->start : base,
        .prot = m->prot,
        .flags = m->shared ? MV_RANGE_SHARED : 0,
        .entry = vdso && config.vdso_entry != 0 ? config.vdso_entry : config.entry,
        .name = m->name,
        .name_length = m->name_length,
    };
    struct mv_rewrite_counts counts = {0};
    return rewrite_range(&range, &counts);
}

void mv_rewrite_configure(const struct mv_rewrite_config *settings) {
    config = *settings;
}

int mv_rewrite_process(const struct mv_rewrite_config *settings, struct mv_rewrite_counts *counts) {
    mv_rewrite_lock();
    config = *settings;
    struct mv_maps maps;
    int status = mv_maps_open(&maps);
    if (status == MV_REWRITE_OK) {
        struct mv_mapping m;
        uintptr_t base = MV_BASE_NONE; /* the mapping of the current file's first bytes */
        uint64_t inode = 0;
        while (mv_maps_next(&maps, &m)) {
            if (m.inode == 0 || m.inode != inode)
                base = MV_BASE_NONE;
            if (m.inode != 0 && m.offset == 0)
                base = m.start;
            inode = m.inode;
            int one = rewrite_mapping(&m, base);
            if (status == MV_REWRITE_OK)
                status = one;
        }
        mv_maps_close(&maps);
    }
    if (counts != NULL)
        mv_rewrite_totals(counts);
    mv_rewrite_unlock();
    return status;
}

int mv_rewrite_range(uintptr_t start, size_t len, int prot, unsigned flags,
                     struct mv_rewrite_counts *counts) {
    struct mv_rewrite_counts ignored;
    if (counts == NULL)
        counts = &ignored;
    *counts = (struct mv_rewrite_counts){0};
    if (start < config.own_end && start + len > config.own_start)
        return MV_REWRITE_OK;
    mv_rewrite_lock();
    struct mv_range range = {.start = start,
                             .end = start + len,
                             .prot = prot,
                             .flags = flags,
                             .entry = config.entry,
                             .name = "",
                             .base = flags & MV_RANGE_ANONYMOUS ? MV_BASE_NONE : MV_BASE_UNKNOWN};
    int status = rewrite_range(&range, counts);
    mv_rewrite_unlock();
    return status;
}

void mv_rewrite_forget(uintptr_t start, size_t len) {
    uintptr_t end = start + len;
    int concerned = 0;
    for (struct mv_segment *s = mv_segment_first(); s != NULL; s = s->next)
        concerned |=
            start < s->end && end > s->start && !atomic_load_explicit(&s->dead, memory_order_relaxed);
    if (!concerned)
        return;
    mv_rewrite_lock();
    for (struct mv_segment *s = mv_segment_first(); s != NULL; s = s->next) {
        if (start >= s->end || end <= s->start || atomic_load_explicit(&s->dead, memory_order_relaxed))
            continue;
        uint32_t alive = 0, left = 0;
        for (uint32_t i = 0; i < s->patch_count; i++) {
            if (s->patches[i].window >= start && s->patches[i].window < end)
                atomic_store_explicit(&s->patches[i].dead, 1, memory_order_relaxed);
            alive += !atomic_load_explicit(&s->patches[i].dead, memory_order_relaxed);
        }
        for (uint32_t i = 0; i < s->left_count; i++) {
            if (s->left[i] < start || s->left[i] >= end)
                s->left[left++] = s->left[i];
        }
        s->left_count = left;
        /* The trampolines stay: a thread may be asleep in the kernel on its way back to one. */
        if (alive == 0 && start <= s->start && end >= s->end)
            atomic_store_explicit(&s->dead, 1, memory_order_relaxed);
    }
    mv_rewrite_unlock();
}
