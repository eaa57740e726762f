/* vDSO functions: the calls that never reach the kernel (pitfall 10). Their entries lead here.
 *
 * An ordinary function call on the program's stack: caller-saved registers are free, and a hook that
 * publishes marks the thread `hooked`, so that a signal's handler waits until the record is complete. */
#include "../order/order.h"
#include "../rewrite/rewrite.h"
#include "../roles/roles.h"
#include "../state.h"
#include "../sys.h"

static struct mv_vdso_functions original;

typedef long two_words(uint64_t, uint64_t);
typedef long three_words(uint64_t, uint64_t, uint64_t);
typedef long five_words(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

/* The allocator's own clock readings are local (order/allocator.c); it reads them through the exported
 * functions below. A thread that is in a hook already (a kernel fallback of the vDSO's) is not published
 * twice. */
static int published(void) {
    return mv.role != MV_ROLE_SOLO && mv_self && !mv_self->hooked && !mv_self->raw_depth;
}
#define SITE ((uint64_t)__builtin_return_address(0))

/* What a thread of the program was told last: an update begins from there (update/arrival.c). */
static long told(uint64_t clock, uint64_t time, uint64_t unit, long result) {
    struct mv_thread *self = mv_self;
    if (self && clock < 2 && time && !result) {
        self->seen[clock][0] = ((const uint64_t *)time)[0];
        self->seen[clock][1] = ((const uint64_t *)time)[1] * unit;
    }
    return result;
}

/* The allocator's own readings. */
static int is_local(uint64_t caller) {
    return __builtin_expect(mv.role != MV_ROLE_SOLO, 0) && mv_in_allocator(caller);
}

/* A server that publishes nothing reads by itself. It may get a follower in the middle of that: then each of
 * the two ends the reading for itself, at another time, or on another processor. So what was read before the
 * role is looked at again does not count; what lies behind that look is the same in both, as all memory is.
 * Stores to `result`. */
#define UNPUBLISHED(reading, caller)                                                                         \
    (__builtin_expect(!published(), 1) && ((result = (reading)), !published() || is_local(caller)))

#define INLINE static inline __attribute__((always_inline))

INLINE long read_clock(uint64_t clock, uint64_t time, uint64_t caller) {
    long result;
    if (!UNPUBLISHED(((two_words *)original.clock_gettime)(clock, time), caller))
        result = mv_role_clock(__NR_clock_gettime, original.clock_gettime, caller, clock, time, 0);
    return told(clock, time, 1, result);
}

INLINE long read_time_of_day(uint64_t time, uint64_t zone, uint64_t caller) {
    long result;
    if (!UNPUBLISHED(((two_words *)original.gettimeofday)(time, zone), caller))
        result = mv_role_clock(__NR_gettimeofday, original.gettimeofday, caller, time, zone, 0);
    return told(0, time, 1000, result);
}

INLINE long read_cpu(uint64_t cpu, uint64_t node, uint64_t unused, uint64_t caller) {
    long result;
    if (!UNPUBLISHED(((three_words *)original.getcpu)(cpu, node, unused), caller))
        result = mv_role_clock(__NR_getcpu, original.getcpu, caller, cpu, node, unused);
    return result;
}

static long clock_gettime_hook(uint64_t clock, uint64_t time) {
    return read_clock(clock, time, SITE);
}

static long gettimeofday_hook(uint64_t time, uint64_t zone) {
    return read_time_of_day(time, zone, SITE);
}

static long time_hook(uint64_t time) {
    long result;
    if (!UNPUBLISHED(((two_words *)original.time)(time, 0), SITE))
        result = mv_role_clock(__NR_time, original.time, SITE, time, 0, 0);
    return result;
}

static long getcpu_hook(uint64_t cpu, uint64_t node, uint64_t unused) {
    return read_cpu(cpu, node, unused, SITE);
}

static long clock_getres_hook(uint64_t clock, uint64_t resolution) {
    long result;
    if (!UNPUBLISHED(((two_words *)original.clock_getres)(clock, resolution), SITE))
        result = mv_role_clock(__NR_clock_getres, original.clock_getres, SITE, clock, resolution, 0);
    return result;
}

/* The vDSO's getrandom keeps a state in the caller's memory and asks the kernel only now and then: in the
 * other roles every request goes to the kernel, and so into the log. (len 0 with a state size of ~0: a query,
 * local.) */
static long getrandom_hook(uint64_t buffer, uint64_t length, uint64_t flags, uint64_t state,
                           uint64_t state_size) {
    five_words *read = (five_words *)original.getrandom;
    long result;
    if (state_size == ~0ull)
        return read(buffer, length, flags, state, state_size);
    if (!UNPUBLISHED(read(buffer, length, flags, state, state_size), SITE))
        result = mv_role_clock(__NR_getrandom, 0, SITE, buffer, length, flags);
    return result;
}

/* Exported, in front of libc's: only here is the caller known, and so whether it is an allocator. */
extern int *__errno_location(void) __attribute__((weak));
#define EXPORT __attribute__((visibility("default")))

static int as_libc(long result) {
    if (!mv_is_error(result))
        return (int)result;
    if (__errno_location)
        *__errno_location() = (int)-result;
    return -1;
}

EXPORT int clock_gettime(int clock, void *time) {
    uint64_t which = (uint64_t)(int64_t)clock;
    if (!original.clock_gettime)
        return as_libc(mv_sys2(__NR_clock_gettime, mv_clock_real(clock), (long)time));
    if (is_local(SITE))
        return as_libc(((two_words *)original.clock_gettime)(which, (uint64_t)time));
    return as_libc(read_clock(which, (uint64_t)time, SITE));
}

EXPORT int gettimeofday(void *time, void *zone) {
    if (!original.gettimeofday)
        return as_libc(mv_sys2(__NR_gettimeofday, (long)time, (long)zone));
    if (is_local(SITE))
        return as_libc(((two_words *)original.gettimeofday)((uint64_t)time, (uint64_t)zone));
    return as_libc(read_time_of_day((uint64_t)time, (uint64_t)zone, SITE));
}

/* libc reads the number in memory of the thread's that the kernel writes to (rseq(2)): no call that could be
 * replayed. */
EXPORT int sched_getcpu(void) {
    uint32_t cpu = 0;
    long result;
    if (!original.getcpu)
        result = mv_sys3(__NR_getcpu, (long)&cpu, 0, 0);
    else if (is_local(SITE))
        result = ((three_words *)original.getcpu)((uint64_t)&cpu, 0, 0);
    else
        result = read_cpu((uint64_t)&cpu, 0, 0, SITE);
    return result ? as_libc(result) : (int)cpu;
}

void mv_clocks_start(void) {
    static const struct mv_vdso_functions none;
    struct mv_vdso_functions hooks = {
        .clock_gettime = (uintptr_t)clock_gettime_hook,
        .gettimeofday = (uintptr_t)gettimeofday_hook,
        .time = (uintptr_t)time_hook,
        .getcpu = (uintptr_t)getcpu_hook,
        .clock_getres = (uintptr_t)clock_getres_hook,
        .getrandom = (uintptr_t)getrandom_hook,
    };
    original = none;
    int result = mv_vdso_redirect(mv.auxv, &hooks, &original);
    if (result < 0)
        mv_say_string(MV_WARNING, mv_rewrite_status_text(result));
}
