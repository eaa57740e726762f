/* The constructor: runs before every other (-z initfirst), in the only thread. */
#include "../fault/fault.h"
#include "../order/order.h"
#include "../rewrite/rewrite.h"
#include "../roles/roles.h"
#include "../signals/signals.h"
#include "../state.h"
#include "../sys.h"

struct mv_process mv = {.session_fd = -1};
__thread struct mv_thread *mv_self;

static int session_variable(const uint64_t *stack) {
    char *const *envp = (char *const *)(stack + 1 + stack[0] + 1);
    static const char name[] = "MVEDSUA_SESSION_FD=";
    for (; *envp; envp++) {
        unsigned i = 0;
        while (name[i] && (*envp)[i] == name[i])
            i++;
        if (name[i])
            continue;
        int fd = 0;
        const char *at = *envp + i;
        if (!*at)
            return -1;
        for (; *at >= '0' && *at <= '9'; at++)
            fd = fd * 10 + (*at - '0');
        /* The program must not see it. (The auxiliary vector behind the array was found before.) */
        for (char **hole = (char **)envp; *hole; hole++)
            hole[0] = hole[1];
        return fd;
    }
    return -1;
}

void mv_publish_site_counts(void) {
    struct mv_rewrite_counts counts;
    if (!mv.control)
        return;
    mv_rewrite_totals(&counts);
    mv.control->sites_rewritten = counts.rewritten;
    mv.control->sites_trapped = counts.trapped;
    mv.control->sites_refused = counts.refused;
}

static void report_rewriting(int status) {
    struct mv_rewrite_counts counts;
    struct mv_text text = {.used = 0};
    mv_rewrite_totals(&counts);
    mv_text_add(&text, "sites: ");
    mv_text_number(&text, counts.rewritten);
    mv_text_add(&text, " rewritten, ");
    mv_text_number(&text, counts.trapped);
    mv_text_add(&text, " trapped, ");
    mv_text_number(&text, counts.refused);
    mv_text_add(&text, " refused");
    mv_say(MV_INFORMATION, &text);
    if (status < 0)
        mv_say_string(MV_WARNING, mv_rewrite_status_text(status));
    if (counts.trapped)
        mv.net_armed = 1;
    mv_publish_site_counts();
}

static struct mv_thread *first_area(void) {
    struct mv_thread *area = mv_area_take();
    if (area)
        return area;
    mv_fail("no memory for the shim's stack");
}

/* ld.so calls constructors with the program's argc, argv, envp; the auxiliary vector stands behind envp. */
__attribute__((constructor)) static void mv_start(int argc, char **argv, char **envp) {
    const uint64_t *stack = (const uint64_t *)argv - 1;
    (void)argc;
    char **end = envp;
    while (*end)
        end++;
    mv.auxv = (const uint64_t *)(end + 1);
    mv.pid = mv.logical_pid = (uint32_t)mv_sys0(__NR_getpid);
    mv_exec_start(stack);

    struct mv_thread *self = first_area();
    self->tid = self->logical_tid = (uint32_t)mv_sys0(__NR_gettid);
    mv_self = self;
    int fd = session_variable(stack);
    if (fd >= 0)
        mv_session_open(fd);
    mv_fault_start(envp);
    mv_signals_start();
    mv_fast_calls_for_role();

    struct mv_rewrite_config config = {.entry = (uintptr_t)mv_site_entry,
                                       .own_start = (uintptr_t)mv_text_start,
                                       .own_end = (uintptr_t)mv_text_end};
    int status = mv_rewrite_process(&config, NULL);
    mv_clocks_start();
    mv_order_find();
    report_rewriting(status);
    mv_net_arm(self);
    mv_roles_start(self);
    if (fd >= 0)
        mv_kicks_may_come(1); /* mv_exec blocked them */
}
