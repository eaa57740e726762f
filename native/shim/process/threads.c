/* Thread areas: one mapping each, [guard page][shim stack][struct mv_thread], reused after the thread's end.
 *
 * Race: an exiting thread runs its last instructions on its shim stack, so nobody may take the area before
 * the kernel has dropped the thread. AREA_LEAVING areas are therefore only taken once tgkill(tid, 0) says
 * ESRCH. (A reused tid only delays the reuse.) */
#include "../state.h"
#include "../sys.h"

#define AREA_STACK (96u << 10)
#define AREA_SIZE                                                                                            \
    (AREA_STACK + ((sizeof(struct mv_thread) + (size_t)2 * MV_PAGE - 1) & ~(size_t)(MV_PAGE - 1)))
#define AREA_MAX 4096u

enum mv_area_state { AREA_FREE = 0, AREA_USED = 1, AREA_LEAVING = 2 };

static struct mv_thread *areas[AREA_MAX];
static uint32_t area_count;

/* Has the kernel dropped the thread that left this area? It has then cleared what a joiner waits for. */
static int gone(const struct mv_thread *area) {
    return mv_sys3(__NR_tgkill, mv.pid, area->tid, 0) == -3 /* ESRCH */;
}

static int claim(struct mv_thread *area) {
    uint32_t state = __atomic_load_n(&area->area_state, __ATOMIC_ACQUIRE);
    if (state == AREA_LEAVING) {
        if (!gone(area))
            return 0;
    } else if (state != AREA_FREE) {
        return 0;
    }
    return __atomic_compare_exchange_n(&area->area_state, &state, AREA_USED, 0, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

static struct mv_thread *fresh_area(void) {
    uint32_t index = __atomic_fetch_add(&area_count, 1, __ATOMIC_ACQ_REL);
    if (index >= AREA_MAX) {
        __atomic_fetch_sub(&area_count, 1, __ATOMIC_ACQ_REL);
        return NULL;
    }
    long base =
        mv_sys6(__NR_mmap, 0, AREA_SIZE + MV_PAGE, 3 /* READ|WRITE */, 0x22 /* PRIVATE|ANONYMOUS */, -1, 0);
    if (mv_is_error(base))
        return NULL; /* the index stays empty; areas[] readers skip it */
    mv_sys3(__NR_mprotect, base, MV_PAGE, 0);
    struct mv_thread *area = (struct mv_thread *)(base + MV_PAGE + (long)AREA_STACK);
    area->stack_top = (uint64_t)area;
    area->stack_low = (uint64_t)base + MV_PAGE;
    area->area_state = AREA_USED;
    __atomic_store_n(&areas[index], area, __ATOMIC_RELEASE);
    return area;
}

static void reset(struct mv_thread *area) {
    uint64_t top = area->stack_top, low = area->stack_low;
    uint8_t *bytes = (uint8_t *)area;
    for (size_t i = 0; i < offsetof(struct mv_thread, spawn_frame); i++)
        if (i < offsetof(struct mv_thread, area_state) || i >= offsetof(struct mv_thread, deliver_mask))
            bytes[i] = 0;
    area->attention = 0;
    area->stack_top = top;
    area->stack_low = low;
    area->slot = MV_MAX_THREADS;
    area->alternate_minus_low = area->alternate_minus_end = MV_NO_ALTERNATE;
    area->settled.call = MV_INTENT_NONE;
}

struct mv_thread *mv_area_take(void) {
    for (uint32_t i = 0; i < area_count && i < AREA_MAX; i++) {
        struct mv_thread *area = __atomic_load_n(&areas[i], __ATOMIC_ACQUIRE);
        if (area && claim(area)) {
            reset(area);
            return area;
        }
    }
    struct mv_thread *area = fresh_area();
    if (area)
        reset(area);
    return area;
}

/* Gives back an area whose thread never began. */
void mv_area_give(struct mv_thread *area) {
    __atomic_store_n(&area->area_state, AREA_FREE, __ATOMIC_RELEASE);
}

/* The running thread is about to exit. */
void mv_area_leave(struct mv_thread *area) {
    __atomic_store_n(&area->area_state, AREA_LEAVING, __ATOMIC_RELEASE);
}

/* ... but did not. */
void mv_area_stay(struct mv_thread *area) {
    __atomic_store_n(&area->area_state, AREA_USED, __ATOMIC_RELEASE);
}

/* In a fork's only thread: the areas of the others belong to nobody. */
void mv_areas_after_fork(struct mv_thread *survivor) {
    for (uint32_t i = 0; i < area_count && i < AREA_MAX; i++)
        if (areas[i] && areas[i] != survivor)
            areas[i]->area_state = AREA_FREE;
}

static uint32_t index_behind(const struct mv_thread *area) {
    uint32_t i = 0;
    while (area && areas[i++] != area)
        ;
    return i;
}

/* Visits the areas in use: NULL begins, NULL ends. */
struct mv_thread *mv_area_next(struct mv_thread *previous) {
    for (uint32_t i = index_behind(previous); i < area_count && i < AREA_MAX; i++) {
        struct mv_thread *area = __atomic_load_n(&areas[i], __ATOMIC_ACQUIRE);
        if (area && __atomic_load_n(&area->area_state, __ATOMIC_ACQUIRE) == AREA_USED)
            return area;
    }
    return NULL;
}

int mv_area_is_leaving(const struct mv_thread *area) {
    return __atomic_load_n(&area->area_state, __ATOMIC_ACQUIRE) == AREA_LEAVING;
}

/* Is there a thread in use with this one's tid? Then that has been given out anew, and the leaver is gone. */
static int tid_in_use(uint32_t tid) {
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        if (area->tid == tid)
            return 1;
    return 0;
}

/* The same, and those whose threads are leaving but still there. */
struct mv_thread *mv_area_next_alive(struct mv_thread *previous) {
    for (uint32_t i = index_behind(previous); i < area_count && i < AREA_MAX; i++) {
        struct mv_thread *area = __atomic_load_n(&areas[i], __ATOMIC_ACQUIRE);
        uint32_t state = area ? __atomic_load_n(&area->area_state, __ATOMIC_ACQUIRE) : AREA_FREE;
        if (state == AREA_USED || (state == AREA_LEAVING && !gone(area) && !tid_in_use(area->tid)))
            return area;
    }
    return NULL;
}
