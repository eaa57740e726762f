/* Runs rewritten code, and checks what the rewriter promises about itself. */
#include "../../../native/shim/rewrite/internal.h"
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char probes_start[], probes_end[], test_entry[], test_entry_end[];
extern uint64_t test_entry_calls, test_entry_next;

struct state {
    uint64_t registers[14], flags, red_zone[16];
};
typedef void probe(void);
void run_probe(probe *probe, struct state *state);

probe probe_number_before, probe_compare_after, probe_conditional_jump, probe_rip_relative, probe_call_behind,
    probe_loop, probe_short_jump_to_padding, probe_two_calls, probe_memory_operand_before;

static const struct {
    const char *name;
    probe *run;
    unsigned calls;
} probes[] = {
    {"number before", probe_number_before, 1},
    {"compare after", probe_compare_after, 1},
    {"conditional jump", probe_conditional_jump, 1},
    {"rip-relative operand", probe_rip_relative, 1},
    {"call behind", probe_call_behind, 1},
    {"jrcxz", probe_loop, 1},
    {"short jump to padding", probe_short_jump_to_padding, 1},
    {"two calls", probe_two_calls, 2},
    {"memory operand before", probe_memory_operand_before, 1},
};
enum { PROBES = sizeof probes / sizeof *probes, PAGE = 4096 };

static struct state initial(unsigned seed) {
    struct state s;
    uint64_t value = seed * 0x9e3779b97f4a7c15 + 1;
    for (uint64_t *word = s.registers; word < s.red_zone + 16; word++) {
        value = value * 6364136223846793005 + 1442695040888963407;
        *word = value;
    }
    s.flags = 0x202 | (value & 0x8d5) | (seed & 1 ? 0x400 : 0); /* arithmetic flags, direction */
    return s;
}

static struct mv_rewrite_config config(void) {
    return (struct mv_rewrite_config){.entry = (uintptr_t)test_entry,
                                      .own_start = (uintptr_t)test_entry,
                                      .own_end = (uintptr_t)test_entry_end};
}

static int rewrite_probes(struct mv_rewrite_counts *counts) {
    return mv_rewrite_range((uintptr_t)probes_start,
                            (size_t)((uintptr_t)probes_end - (uintptr_t)probes_start), PROT_READ | PROT_EXEC,
                            0, counts);
}

static int same_mapping_protection(uintptr_t at, const char *wanted) {
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "re");
    int found = 0;
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        char *rest = line;
        unsigned long start = strtoul(rest, &rest, 16), end = *rest == '-' ? strtoul(rest + 1, &rest, 16) : 0;
        if (*rest == ' ' && at >= start && at < end)
            found = strncmp(rest + 1, wanted, 4) == 0;
    }
    if (maps != NULL)
        (void)fclose(maps);
    return found;
}

static int lowest_free_descriptor(void) {
    int fd = dup(0);
    close(fd);
    return fd;
}

static void rewritten_code_behaves_like_the_original(void) {
    struct state native[PROBES][8];
    for (unsigned i = 0; i < PROBES; i++) {
        for (unsigned seed = 0; seed < 8; seed++) {
            native[i][seed] = initial(seed);
            run_probe(probes[i].run, &native[i][seed]);
        }
    }
    int descriptor = lowest_free_descriptor();
    struct mv_rewrite_counts counts;
    CHECK_EQUAL(rewrite_probes(&counts), MV_REWRITE_OK);
    CHECK_EQUAL(counts.rewritten, PROBES + 1);
    CHECK_EQUAL(counts.trapped + counts.refused, 0);
    CHECK_EQUAL(lowest_free_descriptor(), descriptor);
    CHECK(same_mapping_protection((uintptr_t)probes_start, "r-xp"));
    for (unsigned i = 0; i < PROBES; i++) {
        for (unsigned seed = 0; seed < 8; seed++) {
            struct state s = initial(seed);
            uint64_t calls = test_entry_calls;
            run_probe(probes[i].run, &s);
            CHECK_EQUAL(test_entry_calls - calls, probes[i].calls);
            if (memcmp(&s, &native[i][seed], sizeof s) == 0)
                continue;
            (void)fprintf(stderr, "probe '%s', seed %u: state differs\n", probes[i].name, seed);
            for (unsigned k = 0; k < sizeof s / 8; k++)
                CHECK_EQUAL(((uint64_t *)&s)[k], ((uint64_t *)&native[i][seed])[k]);
        }
    }
}

static void entry_finds_the_original_continuation(void) {
    struct state s = initial(1);
    run_probe(probe_number_before, &s);
    CHECK_EQUAL(test_entry_next, (uintptr_t)probe_number_before + 7);
}

static void scanning_again_finds_nothing_new(void) {
    struct mv_rewrite_counts before, after, counts;
    mv_rewrite_totals(&before);
    uint8_t code[2 * PAGE];
    memcpy(code, probes_start, PAGE);
    CHECK_EQUAL(rewrite_probes(&counts), MV_REWRITE_OK);
    CHECK_EQUAL(counts.rewritten + counts.trapped + counts.refused + counts.data + counts.restorer, 0);
    mv_rewrite_totals(&after);
    CHECK(memcmp(&before, &after, sizeof before) == 0);
    CHECK(memcmp(code, probes_start, PAGE) == 0);
}

/* Every boundary of every trampoline stands for an instruction of the window, and the way back agrees. */
static void program_counters_translate_both_ways(void) {
    unsigned checked = 0;
    for (const struct mv_segment *s = mv_segment_first(); s != NULL; s = s->next) {
        for (uint32_t i = 0; i < s->patch_count; i++) {
            const struct mv_patch *p = &s->patches[i];
            for (int k = 0; k < p->step_count; k++) {
                uintptr_t pc = p->trampoline + p->steps[k].trampoline;
                uintptr_t original = mv_trampoline_to_original(pc);
                CHECK_EQUAL(original, p->window + p->steps[k].original);
                if (original != p->window && original < p->window + p->window_size) {
                    uintptr_t back = mv_original_to_trampoline(original);
                    CHECK(back >= pc); /* further on only where a second `syscall` follows at once */
                    CHECK_EQUAL(mv_trampoline_to_original(back), original);
                }
                checked++;
            }
            CHECK_EQUAL(mv_original_to_trampoline(p->window), 0);
            CHECK_EQUAL(mv_original_to_trampoline(p->window + p->window_size), 0);
            CHECK_EQUAL(mv_trampoline_to_original(p->trampoline + p->trampoline_size), 0);
        }
    }
    CHECK(checked > 2 * PROBES);
    CHECK_EQUAL(mv_trampoline_to_original((uintptr_t)probe_number_before), 0);
    /* The lea and the jmp stand for the `syscall`, the continuation for what follows it. */
    const struct mv_patch *p = NULL;
    for (const struct mv_segment *s = mv_segment_first(); s != NULL; s = s->next) {
        for (uint32_t i = 0; i < s->patch_count; i++) {
            if (s->patches[i].window == (uintptr_t)probe_number_before)
                p = &s->patches[i];
        }
    }
    CHECK(p != NULL);
    if (p == NULL)
        return;
    uintptr_t function = (uintptr_t)probe_number_before;
    CHECK_EQUAL(mv_trampoline_to_original(p->trampoline), function);          /* mov */
    CHECK_EQUAL(mv_trampoline_to_original(p->trampoline + 5), function + 5);  /* lea */
    CHECK_EQUAL(mv_trampoline_to_original(p->trampoline + 12), function + 5); /* jmp */
    CHECK_EQUAL(mv_trampoline_to_original(p->trampoline + 26), function + 7); /* cont */
    CHECK_EQUAL(mv_trampoline_to_original(p->trampoline + 30), function + 7); /* final jmp: end of window */
    CHECK_EQUAL(mv_original_to_trampoline(function + 5), p->trampoline + 5);
    CHECK_EQUAL(mv_original_to_trampoline(function + 6), 0); /* inside the syscall */
}

/* A page of generated code, as a JIT makes it: mov $39, %eax; syscall; ret. */
static uint8_t *generate(int flags, int fd) {
    static const uint8_t code[] = {0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3};
    uint8_t *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);
    CHECK(page != MAP_FAILED);
    memcpy(page, code, sizeof code);
    return page;
}

static int call(const uint8_t *code) {
    return ((int (*)(void))(uintptr_t)code)();
}

static void generated_code_is_rewritten_before_it_runs(void) {
    uint8_t *page = generate(MAP_PRIVATE | MAP_ANONYMOUS, -1);
    struct mv_rewrite_counts counts;
    CHECK_EQUAL(mv_rewrite_range((uintptr_t)page, PAGE, PROT_READ | PROT_WRITE, 0, &counts), MV_REWRITE_OK);
    CHECK_EQUAL(counts.rewritten, 1);
    CHECK_EQUAL(mprotect(page, PAGE, PROT_READ | PROT_EXEC), 0);
    uint64_t calls = test_entry_calls;
    CHECK_EQUAL(call(page), getpid());
    CHECK_EQUAL(test_entry_calls - calls, 1);
    munmap(page, PAGE);
    mv_rewrite_forget((uintptr_t)page, PAGE);
}

static void code_in_a_forgotten_place_is_new(void) {
    uint8_t *page = generate(MAP_PRIVATE | MAP_ANONYMOUS, -1);
    struct mv_rewrite_counts counts;
    CHECK_EQUAL(mv_rewrite_range((uintptr_t)page, PAGE, PROT_READ | PROT_WRITE, MV_RANGE_LIVE, &counts), 0);
    CHECK_EQUAL(counts.trapped, 1);
    mv_rewrite_forget((uintptr_t)page, PAGE);
    CHECK_EQUAL(mv_rewrite_range((uintptr_t)page, PAGE, PROT_READ | PROT_WRITE, 0, &counts), 0);
    CHECK_EQUAL(counts.rewritten, 1);
    CHECK(mv_original_to_trampoline((uintptr_t)page + 5) != 0);
    munmap(page, PAGE);
    mv_rewrite_forget((uintptr_t)page, PAGE);
    CHECK_EQUAL(mv_original_to_trampoline((uintptr_t)page + 5), 0);
}

static void live_code_is_never_touched(void) {
    uint8_t *page = generate(MAP_PRIVATE | MAP_ANONYMOUS, -1);
    struct mv_rewrite_counts counts;
    CHECK_EQUAL(mv_rewrite_range((uintptr_t)page, PAGE, PROT_READ | PROT_WRITE, MV_RANGE_LIVE, &counts), 0);
    CHECK_EQUAL(counts.trapped, 1);
    CHECK_EQUAL(counts.rewritten, 0);
    CHECK(page[5] == 0x0f && page[6] == 0x05);
    munmap(page, PAGE);
    mv_rewrite_forget((uintptr_t)page, PAGE);
}

static void shared_mappings_are_refused(void) {
    int fd = memfd_create("code", MFD_CLOEXEC);
    CHECK(fd >= 0 && ftruncate(fd, PAGE) == 0);
    uint8_t *page = generate(MAP_SHARED, fd);
    struct mv_rewrite_counts counts;
    CHECK_EQUAL(mv_rewrite_range((uintptr_t)page, PAGE, PROT_READ | PROT_WRITE, MV_RANGE_SHARED, &counts), 0);
    CHECK_EQUAL(counts.refused, 1);
    CHECK_EQUAL(counts.rewritten + counts.trapped, 0);
    CHECK(page[5] == 0x0f && page[6] == 0x05);
    munmap(page, PAGE);
    close(fd);
    mv_rewrite_forget((uintptr_t)page, PAGE);
}

/* What a runtime keeps beside its code. Only a call whose number is loaded close before it is beyond doubt.
 */
static void tables_in_generated_memory_are_never_touched(void) {
    static const uint8_t table[] = {0x48, 0x0f, 0x05, 0xc3, 0x90, 0x24, 0x0f,
                                    0x05, 0x01, 0x00, 0x0f, 0x05, 0xc3};
    static const uint8_t copied[] = {0x48, 0x89, 0xf8, 0x48, 0x89,
                                     0xf7, 0x0f, 0x05, 0xc3}; /* mov %rdi, %rax */
    uint8_t *page = generate(MAP_PRIVATE | MAP_ANONYMOUS, -1), before[PAGE];
    memcpy(page + 512, table, sizeof table);
    memcpy(page + 1024, copied, sizeof copied);
    memcpy(before, page, PAGE);
    struct mv_rewrite_counts counts;
    CHECK_EQUAL(mv_rewrite_range((uintptr_t)page, PAGE, PROT_READ | PROT_WRITE, 0, &counts), 0);
    CHECK_EQUAL(counts.rewritten, 1);
    CHECK_EQUAL(counts.data, 3);
    CHECK_EQUAL(counts.trapped, 1);
    CHECK(memcmp(before + 16, page + 16, PAGE - 16) == 0);
    munmap(page, PAGE);
    mv_rewrite_forget((uintptr_t)page, PAGE);
}

static int under_memory_deny_write_execute(void) {
    enum { SET_MDWE = 65, REFUSE_EXEC_GAIN = 1 };
    if (prctl(SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0) != 0)
        return 77;
    struct mv_rewrite_counts counts;
    if (rewrite_probes(&counts) != MV_REWRITE_WX_FORBIDDEN || counts.trapped != PROBES + 1 ||
        counts.rewritten != 0)
        return 1;
    struct state s = initial(0);
    run_probe(probe_number_before, &s); /* the code is whole and still executable */
    return s.registers[0] == (uint64_t)getpid() ? 0 : 1;
}

/* Before anything is rewritten, so that the child meets untouched code. */
static void forbidden_w_x_is_named_and_changes_nothing(void) {
    pid_t child = fork();
    if (child == 0)
        _exit(under_memory_deny_write_execute());
    int status = 0;
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        printf("skip rewrite/forbidden_w_x_is_named_and_changes_nothing: the kernel has no PR_SET_MDWE\n");
    else
        CHECK_EQUAL(status, 0);
}

static void count_objects(const struct mv_rewrite_object *object, void *context) {
    struct mv_rewrite_counts *sum = context;
    mv_counts_add(sum, &object->counts);
}

static void visited_objects_add_up_to_the_totals(void) {
    struct mv_rewrite_counts sum = {0}, totals;
    mv_rewrite_visit(count_objects, &sum);
    mv_rewrite_totals(&totals);
    CHECK(memcmp(&sum, &totals, sizeof sum) == 0);
}

/* Last: from here on all of libc goes through the entry. */
static void whole_process_is_rewritten(void) {
    struct mv_rewrite_config all = config();
    struct mv_rewrite_counts counts;
    CHECK_EQUAL(mv_rewrite_process(&all, &counts), MV_REWRITE_OK);
    CHECK(counts.rewritten > 400);
    CHECK_EQUAL(counts.trapped, 0);
    uint64_t calls = test_entry_calls;
    CHECK_EQUAL(syscall(SYS_getpid), getpid());
    CHECK(test_entry_calls - calls >= 2);
    int pipe_ends[2];
    CHECK_EQUAL(pipe(pipe_ends), 0);
    char byte = 'x';
    CHECK_EQUAL(write(pipe_ends[1], &byte, 1), 1);
    CHECK_EQUAL(read(pipe_ends[0], &byte, 1), 1);
    CHECK(read(-1, &byte, 1) == -1 && errno == EBADF);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    struct mv_rewrite_counts again;
    CHECK_EQUAL(mv_rewrite_process(&all, &again), MV_REWRITE_OK);
    CHECK(memcmp(&counts, &again, sizeof counts) == 0);
}

int main(void) {
    struct mv_rewrite_config settings = config();
    mv_rewrite_configure(&settings);
    RUN(forbidden_w_x_is_named_and_changes_nothing);
    RUN(rewritten_code_behaves_like_the_original);
    RUN(entry_finds_the_original_continuation);
    RUN(scanning_again_finds_nothing_new);
    RUN(program_counters_translate_both_ways);
    RUN(generated_code_is_rewritten_before_it_runs);
    RUN(code_in_a_forgotten_place_is_new);
    RUN(tables_in_generated_memory_are_never_touched);
    RUN(live_code_is_never_touched);
    RUN(shared_mappings_are_refused);
    RUN(visited_objects_add_up_to_the_totals);
    RUN(whole_process_is_rewritten);
    return check_failures != 0;
}
