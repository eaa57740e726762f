/* Redirects the vDSO of this process and calls it through libc and directly. */
#include "image.h"

#include "../../../native/shim/rewrite/rewrite.h"
#include "check.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

extern char test_entry[], test_entry_end[];
extern uint64_t test_entry_calls;

static struct mv_vdso_functions originals;
static volatile unsigned calls[6]; /* libc's declarations promise gcc that they don't call back */

static int hook_clock_gettime(clockid_t clock, struct timespec *now) {
    calls[0]++;
    return ((int (*)(clockid_t, struct timespec *))originals.clock_gettime)(clock, now);
}
static int hook_gettimeofday(struct timeval *now, void *zone) {
    calls[1]++;
    return ((int (*)(struct timeval *, void *))originals.gettimeofday)(now, zone);
}
static long hook_time(long *now) {
    calls[2]++;
    return ((long (*)(long *))originals.time)(now);
}
static int hook_getcpu(unsigned *cpu, unsigned *node, void *unused) {
    calls[3]++;
    return ((int (*)(unsigned *, unsigned *, void *))originals.getcpu)(cpu, node, unused);
}
static int hook_clock_getres(clockid_t clock, struct timespec *resolution) {
    calls[4]++;
    return ((int (*)(clockid_t, struct timespec *))originals.clock_getres)(clock, resolution);
}
typedef ssize_t getrandom_function(void *buffer, size_t size, unsigned flags, void *state, size_t state_size);
static ssize_t hook_getrandom(void *buffer, size_t size, unsigned flags, void *state, size_t state_size) {
    calls[5]++;
    return ((getrandom_function *)originals.getrandom)(buffer, size, flags, state, state_size);
}

static const char *const names[6] = {"__vdso_clock_gettime", "__vdso_gettimeofday", "__vdso_time",
                                     "__vdso_getcpu",        "__vdso_clock_getres", "__vdso_getrandom"};
static struct image vdso;

static uintptr_t function(int index) {
    uint64_t value = image_symbol(&vdso, names[index]);
    return value == 0 ? 0 : vdso.bias + value;
}

static void every_exported_function_reaches_its_hook(void) {
    struct timespec now = {0}, resolution = {0};
    struct timeval day = {0};
    unsigned cpu = ~0u;
    long seconds;
    uintptr_t entry[6];
    for (int i = 0; i < 6; i++)
        entry[i] = function(i);
    if (entry[0] != 0) {
        CHECK_EQUAL(((int (*)(clockid_t, struct timespec *))entry[0])(CLOCK_REALTIME, &now), 0);
        CHECK(now.tv_sec > 1500000000);
        CHECK_EQUAL(calls[0], 1);
    }
    if (entry[1] != 0) {
        CHECK_EQUAL(((int (*)(struct timeval *, void *))entry[1])(&day, NULL), 0);
        CHECK(labs(day.tv_sec - now.tv_sec) <= 2);
        CHECK_EQUAL(calls[1], 1);
    }
    if (entry[2] != 0) {
        CHECK_EQUAL(((long (*)(long *))entry[2])(&seconds), seconds);
        CHECK(labs(seconds - now.tv_sec) <= 2);
        CHECK_EQUAL(calls[2], 1);
    }
    if (entry[3] != 0) {
        CHECK_EQUAL(((int (*)(unsigned *, unsigned *, void *))entry[3])(&cpu, NULL, NULL), 0);
        CHECK(cpu < 4096);
        CHECK_EQUAL(calls[3], 1);
    }
    if (entry[4] != 0) {
        CHECK_EQUAL(((int (*)(clockid_t, struct timespec *))entry[4])(CLOCK_MONOTONIC, &resolution), 0);
        CHECK(resolution.tv_sec == 0 && resolution.tv_nsec > 0);
        CHECK_EQUAL(calls[4], 1);
    }
    if (entry[5] != 0) {
        uint8_t parameters[64] = {0}; /* struct vgetrandom_opaque_params: the size of a state comes first */
        CHECK_EQUAL(((getrandom_function *)entry[5])(NULL, 0, 0, parameters, ~(size_t)0), 0);
        CHECK(*(uint32_t *)parameters > 0);
        CHECK_EQUAL(calls[5], 1);
    } else {
        printf("skip rewrite/vdso_getrandom: this kernel's vDSO doesn't export it\n");
    }
}

static void libc_reaches_the_hooks(void) {
    unsigned before = calls[0];
    struct timespec now;
    CHECK_EQUAL(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    CHECK_EQUAL(calls[0] - before, 1);
}

/* A clock that the vDSO can't read: the original falls back to a system call, which is a site like any other.
 */
static void system_calls_inside_the_vdso_reach_the_entry(void) {
    uint64_t before = test_entry_calls;
    struct timespec used = {-1, -1};
    CHECK_EQUAL(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used), 0);
    CHECK(used.tv_sec >= 0 && used.tv_nsec >= 0);
    CHECK_EQUAL(test_entry_calls - before, 1);
}

static void redirected_entries_translate_to_the_original(void) {
    for (int i = 0; i < 6; i++) {
        uintptr_t original = ((const uintptr_t *)&originals)[i];
        if (original == 0)
            continue;
        uintptr_t entry = mv_trampoline_to_original(original);
        CHECK(entry == function(i) || entry == function(i) + 4); /* behind an endbr64 */
    }
}

int main(int argc, char **argv, char **environment) {
    (void)argc;
    (void)argv;
    while (*environment != NULL)
        environment++;
    const uint64_t *auxv = (const uint64_t *)(environment + 1);
    vdso.base = vdso.bias = getauxval(AT_SYSINFO_EHDR);
    if (vdso.base == 0) {
        printf("skip rewrite/vdso: this process has no vDSO\n");
        return 77;
    }
    struct mv_rewrite_config config = {.entry = (uintptr_t)test_entry,
                                       .own_start = (uintptr_t)test_entry,
                                       .own_end = (uintptr_t)test_entry_end};
    struct mv_rewrite_counts counts;
    CHECK_EQUAL(mv_rewrite_process(&config, &counts), MV_REWRITE_OK);
    CHECK_EQUAL(counts.trapped, 0);
    struct mv_vdso_functions hooks = {(uintptr_t)hook_clock_gettime, (uintptr_t)hook_gettimeofday,
                                      (uintptr_t)hook_time,          (uintptr_t)hook_getcpu,
                                      (uintptr_t)hook_clock_getres,  (uintptr_t)hook_getrandom};
    int exported = 0;
    for (int i = 0; i < 6; i++)
        exported += function(i) != 0;
    CHECK_EQUAL(mv_vdso_redirect(auxv, &hooks, &originals), exported);
    RUN(every_exported_function_reaches_its_hook);
    RUN(libc_reaches_the_hooks);
    RUN(system_calls_inside_the_vdso_reach_the_entry);
    RUN(redirected_entries_translate_to_the_original);
    return check_failures != 0;
}
