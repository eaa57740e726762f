/* execve and execveat: which programs the shim goes along with (pitfalls 20, 21).
 *
 * MVEDSUA_EXEC says: `same` (default) only the same executable file, and whatever a session's server replaces
 * itself by (a wrapper script's `exec server`); `all`; `none`. Where the shim goes along, its entry is put
 * first into LD_PRELOAD, whatever environment the program passes, and the user's own entries stay; where it
 * does not, its entry and its variables are taken out. */
#include "../calls/guard.h"
#include "../roles/roles.h"
#include "../state.h"
#include "../sys.h"

#include <linux/stat.h>

enum mv_exec_policy { EXEC_SAME = 0, EXEC_ALL = 1, EXEC_NONE = 2 };

#define ENV_ENTRIES 8192u
#define ENV_TEXT    65536u
struct environment {
    const char *entries[ENV_ENTRIES];
    char text[ENV_TEXT];
};

static int starts_with(const char *text, const char *prefix) {
    while (*prefix)
        if (*text++ != *prefix++)
            return 0;
    return 1;
}

static int same_text(const char *a, const char *b, size_t length_of_b) {
    for (size_t i = 0; i < length_of_b; i++)
        if (a[i] != b[i])
            return 0;
    return a[length_of_b] == 0;
}

static int equal(const char *a, const char *b) {
    return starts_with(a, b) && starts_with(b, a);
}

static size_t length(const char *text) {
    size_t n = 0;
    while (text[n])
        n++;
    return n;
}

/* Finds NAME=value in the initial stack's environment. */
static const char *variable(char *const *envp, const char *name_and_equals) {
    for (; *envp; envp++)
        if (starts_with(*envp, name_and_equals))
            return *envp + length(name_and_equals);
    return NULL;
}

static int is_ours(const char *entry, size_t size) {
    return mv.library && (same_text(mv.library, entry, size) && length(mv.library) == size);
}

void mv_exec_start(const uint64_t *stack) {
    char *const *envp = (char *const *)(stack + 1 + stack[0] + 1);
    const char *preload = variable(envp, "LD_PRELOAD=");
    const char *policy = variable(envp, "MVEDSUA_EXEC=");
    const char *net = variable(envp, "MVEDSUA_NET=");
    mv.net_requested = net && equal(net, "on");
    mv.exec_policy = policy && equal(policy, "all")    ? EXEC_ALL
                     : policy && equal(policy, "none") ? EXEC_NONE
                                                       : EXEC_SAME;
    if (variable(envp, "MVEDSUA_LOG="))
        mv_say_to_stderr();

    /* Our entry is the one of LD_PRELOAD that names libmvedsua.so; kept as the user wrote it. */
    static char path[4096];
    for (const char *at = preload; at && *at;) {
        size_t n = 0;
        while (at[n] && at[n] != ':' && at[n] != ' ')
            n++;
        if (n >= 13 && n < sizeof path && starts_with(at + n - 13, "libmvedsua.so")) {
            for (size_t i = 0; i < n; i++)
                path[i] = at[i];
            path[n] = 0;
            mv.library = path;
            break;
        }
        at += n + (at[n] != 0);
    }
    struct statx st = {0};
    if (mv_sys5(__NR_statx, -100, (long)"/proc/self/exe", 0, 0x100 /* STATX_INO */, (long)&st) == 0) {
        mv.exe_device = (uint64_t)st.stx_dev_major << 32 | st.stx_dev_minor;
        mv.exe_inode = st.stx_ino;
    }
}

/* Not a child of it, forked or by vfork. */
static int is_sessions_server(void) {
    return mv.control && (uint32_t)mv_sys0(__NR_getpid) == mv.pid && mv.session_fd >= 0;
}

static int is_same(int at, const char *path, int flags) {
    struct statx st = {0};
    if (mv_sys5(__NR_statx, at, (long)path, flags, 0x100, (long)&st) != 0)
        return 1; /* the exec fails too; nothing to decide */
    return ((uint64_t)st.stx_dev_major << 32 | st.stx_dev_minor) == mv.exe_device &&
           st.stx_ino == mv.exe_inode;
}

static int goes_along(int at, const char *path, int flags) {
    if (!mv.library || mv.exec_policy == EXEC_NONE)
        return 0;
    return mv.exec_policy == EXEC_ALL || is_sessions_server() || is_same(at, path, flags);
}

/* LD_PRELOAD=ours:<theirs without ours> into `to`; 0 when it does not fit. */
static size_t preload_entry(char *to, size_t room, const char *theirs, int with_ours) {
    static const char name[] = "LD_PRELOAD=";
    size_t used = 0;
    if (room < sizeof name + length(mv.library) + (theirs ? length(theirs) : 0) + 4)
        return 0;
    for (; name[used]; used++)
        to[used] = name[used];
    size_t start = used;
    for (size_t i = 0; with_ours && mv.library[i]; i++)
        to[used++] = mv.library[i];
    while (theirs && *theirs) {
        size_t n = 0;
        while (theirs[n] && theirs[n] != ':' && theirs[n] != ' ')
            n++;
        if (n && !is_ours(theirs, n)) {
            if (used > start)
                to[used++] = ':';
            for (size_t i = 0; i < n; i++)
                to[used++] = theirs[i];
        }
        theirs += n + (theirs[n] != 0);
    }
    to[used] = 0;
    return used > start ? used : 0;
}

/* Does the program's entry begin with `prefix`? -1: it can't be read. */
static int entry_is(const char *entry, const char *prefix) {
    char head[24] = {0};
    uint64_t left = mv_guard_copy(head, entry, sizeof head);
    head[sizeof head - 1] = 0;
    if (left == sizeof head)
        return -1;
    if (left)
        head[sizeof head - left] = 0;
    return starts_with(head, prefix);
}

/* The environment to exec with: `envp` itself when nothing has to change, there is no room, or it can't be
 * read (the kernel says EFAULT). */
static char *const *rewritten(struct mv_thread *self, char *const *envp, int along) {
    if (!mv.library)
        return envp;
    if (!self->exec_environment) {
        long at = mv_sys6(__NR_mmap, 0, sizeof(struct environment), 3, 0x22, -1, 0);
        if (mv_is_error(at))
            return envp;
        self->exec_environment = (void *)at; /* kept: a vfork child's mapping is its parent's */
    }
    struct environment *new = self->exec_environment;
    const char *theirs = NULL, *entry;
    size_t n = 1, text = 0;
    int has_policy = 0;
    for (char *const *at = envp; at; at++) {
        if (mv_guard_load64(at, (uint64_t *)&entry))
            return envp;
        if (!entry)
            break;
        int preload = entry_is(entry, "LD_PRELOAD=");
        if (preload < 0)
            return envp;
        if (preload) {
            theirs = entry + 11;
        } else if (!entry_is(entry, "MVEDSUA_SESSION_FD=") && (along || !entry_is(entry, "MVEDSUA_"))) {
            if (n + 4 >= ENV_ENTRIES) {
                mv_say_string(
                    MV_WARNING,
                    "an environment of more than 8000 entries is passed on as it is: without the shim");
                return envp;
            }
            has_policy |= entry_is(entry, "MVEDSUA_EXEC=");
            new->entries[n++] = entry;
        }
    }
    if (along && !has_policy && mv.exec_policy == EXEC_ALL)
        new->entries[n++] = "MVEDSUA_EXEC=all"; /* the program cleared its environment */
    text = preload_entry(new->text, ENV_TEXT, theirs, along);
    new->entries[0] = new->text;
    if (along && is_sessions_server()) {
        /* The server replaces itself: the session goes on. The descriptor must survive the exec. */
        struct mv_text entry = {.used = 0};
        mv_text_add(&entry, "MVEDSUA_SESSION_FD=");
        mv_text_number(&entry, mv.session_fd);
        for (uint32_t i = 0; i <= entry.used; i++)
            new->text[text + 1 + i] = entry.bytes[i];
        new->entries[n++] = new->text + text + 1;
        mv_sys3(__NR_fcntl, mv.session_fd, 2 /* F_SETFD */, 0);
    }
    new->entries[n] = NULL;
    return (char *const *)(text ? new->entries : new->entries + 1);
}

long mv_exec(struct mv_thread *self, struct mv_frame *frame) {
    int is_at = self->call == __NR_execveat;
    int at = is_at ? (int)frame->rdi : -100;
    const char *path = (const char *)(is_at ? frame->rsi : frame->rdi);
    char *const *envp = (char *const *)(is_at ? frame->r10 : frame->rdx);
    int flags = is_at ? (int)frame->r8 : 0;

    int along = goes_along(at, path, flags);
    char *const *environment = rewritten(self, envp, along);
    /* Interruptible: a signal that comes first has its handler run first; the new program could not. */
    uint64_t args[6] = {frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9};
    args[is_at ? 3 : 2] = (uint64_t)environment;
    if (self->attention & MV_ATTEND_UNMASK) { /* the new program must not inherit what the shim blocked */
        uint64_t mask = self->program_mask & ~MV_SIGSYS_BIT;
        mv_sys4(__NR_rt_sigprocmask, 2 /* SETMASK */, (long)&mask, 0, 8);
    }
    /* A kick that finds no handler yet would end the next program: it waits for the end of mv_start. */
    int replaces = is_sessions_server(), kicks_wait = along && replaces;
    if (replaces) {
        mv.control->other_program = !is_same(at, path, flags);
        mv_keeper_stop();
    }
    if (kicks_wait)
        mv_kicks_may_come(0);
    self->exec_failed = 0;
    long result = mv_syscall_interruptible(args, self->call, &self->attention);
    self->exec_failed = self->raw_depth && mv_is_error(result);
    if (replaces)
        mv.control->other_program = 0;
    if (kicks_wait)
        mv_kicks_may_come(1);
    if (mv.session_fd >= 0 && mv.control)
        mv_sys3(__NR_fcntl, mv.session_fd, 2, 1 /* FD_CLOEXEC */);
    return result;
}
