/* The descriptors that the shim keeps in the program's table (pitfall 25): the session memory, high and
 * close-on-exec. The program can neither close nor overwrite them: for it they do not exist. */
#include "../rewrite/maps.h"
#include "../roles/roles.h"
#include "../state.h"
#include "../sys.h"

#include <linux/stat.h>

#define EBADF      (-9L)
#define HIDDEN_MAX 1040u /* those lent to a follower included (lent.c) */

static int hidden[HIDDEN_MAX]; /* -1: free again */
static uint32_t hidden_count;

int mv_is_hidden(uint64_t fd) {
    for (uint32_t i = 0; i < hidden_count; i++)
        if ((uint64_t)(uint32_t)hidden[i] == (uint32_t)fd && hidden[i] >= 0)
            return 1;
    return 0;
}

/* One thread at a time; others may look meanwhile. */
void mv_hide_number(int fd) {
    uint32_t i = 0;
    while (i < hidden_count && hidden[i] >= 0)
        i++;
    if (i == HIDDEN_MAX)
        return;
    __atomic_store_n(&hidden[i], fd, __ATOMIC_RELEASE);
    if (i == hidden_count)
        __atomic_store_n(&hidden_count, i + 1, __ATOMIC_RELEASE);
}

void mv_show_number(int fd) {
    for (uint32_t i = 0; i < hidden_count; i++)
        if (hidden[i] == fd)
            __atomic_store_n(&hidden[i], -1, __ATOMIC_RELEASE);
    while (hidden_count && hidden[hidden_count - 1] < 0)
        __atomic_store_n(&hidden_count, hidden_count - 1, __ATOMIC_RELEASE);
}

/* Moves `fd` to a high number, close-on-exec; returns the new number, or -errno and leaves `fd` as it is. */
int mv_hide_descriptor(int fd) {
    uint64_t limit[2] = {0, 0};
    mv_sys4(__NR_prlimit64, 0, 7 /* RLIMIT_NOFILE */, 0, (long)limit);
    long low = limit[0] > 1u << 16 ? 1 << 16 : (long)limit[0];
    long moved = mv_sys3(__NR_fcntl, fd, 1030 /* F_DUPFD_CLOEXEC */, low - 16);
    if (mv_is_error(moved))
        moved = mv_sys3(__NR_fcntl, fd, 1030, 32);
    if (mv_is_error(moved))
        return (int)moved;
    mv_hide_number((int)moved);
    mv_sys1(__NR_close, fd);
    return (int)moved;
}

static long close_range_around(uint64_t first, uint64_t last, uint64_t flags) {
    first = (uint32_t)first;
    last = (uint32_t)last;
    if (first > last)
        return mv_sys3(__NR_close_range, (long)first, (long)last, (long)flags);
    while (first <= last) {
        uint64_t next = 1ull << 32; /* the lowest hidden descriptor in the range */
        for (uint32_t i = 0; i < hidden_count; i++)
            if (hidden[i] >= 0 && (uint64_t)hidden[i] >= first && (uint64_t)hidden[i] <= last &&
                (uint64_t)hidden[i] < next)
                next = (uint64_t)hidden[i];
        uint64_t end = next > last ? last : next - 1;
        if (first <= end && next != first) {
            long result = mv_sys3(__NR_close_range, (long)first, (long)end, (long)flags);
            if (result)
                return result;
        }
        if (next > last)
            break;
        first = next + 1;
    }
    return 0;
}

/* close, close_range, dup2, dup3 as the program asks for them. */
long mv_close_call(struct mv_frame *frame) {
    uint32_t call = mv_self->call;
    if (call == __NR_close_range)
        return close_range_around(frame->rdi, frame->rsi, frame->rdx);
    if (mv_is_hidden(frame->rdi))
        return EBADF;
    if (call != __NR_close && mv_is_hidden(frame->rsi))
        return EBADF;
    return mv_sys3(call, (long)frame->rdi, (long)frame->rsi, (long)frame->rdx);
}

/* Takes over the session memory that `mvedsua run` passes. Its descriptor is hidden; both versions' logs are
 * mapped, our own writable. Fails by name: the program has not run a single instruction yet. */
void mv_session_open(int fd) {
    struct statx st = {.stx_size = 0};
    long base = mv_sys6(__NR_mmap, 0, MV_CONTROL_SPAN, 3, 1 /* SHARED */, fd, 0);
    mv_sys5(__NR_statx, fd, (long)"", 0x1000 /* AT_EMPTY_PATH */, STATX_SIZE, (long)&st);
    if (mv_is_error(base) || st.stx_size < MV_SESSION_SIZE)
        mv_fail(
            "the session memory can't be mapped: is MVEDSUA_SESSION_FD an open descriptor of `mvedsua run`?");
    struct mv_control *control = (struct mv_control *)base;
    if (control->magic != MV_CONTROL_MAGIC || control->abi != MV_ABI_VERSION ||
        control->size != sizeof *control)
        mv_fail("the session memory was made by another release of mvedsua: use its own libmvedsua.so");
    int moved = mv_hide_descriptor(fd);
    if (moved < 0)
        mv_fail("no descriptor left for the session memory: raise RLIMIT_NOFILE (ulimit -n) to at least 64");
    mv.session_fd = moved;
    for (unsigned version = 0; version < MV_VERSIONS; version++) {
        long logs = mv_sys6(__NR_mmap, 0, (long)(MV_MAX_THREADS * MV_LOG_SPAN), 3, 1 | 0x4000 /* NORESERVE */,
                            moved, (long)MV_LOG_OFFSET(version, 0));
        if (mv_is_error(logs))
            mv_fail("no address space for the event logs: raise RLIMIT_AS (ulimit -v unlimited)");
        mv_sys3(__NR_madvise, logs, (long)(MV_MAX_THREADS * MV_LOG_SPAN),
                16 /* DONTDUMP: a core walks all of it */);
        mv.logs[version] = (uint8_t *)logs;
    }
    mv.control = control;
    control->session_fd = (uint32_t)moved;
}

/* A forked child belongs to no session. */
void mv_session_drop(void) {
    if (!mv.control)
        return;
    mv_sys2(__NR_munmap, (long)mv.control, MV_CONTROL_SPAN);
    for (unsigned version = 0; version < MV_VERSIONS; version++)
        mv_sys2(__NR_munmap, (long)mv.logs[version], (long)(MV_MAX_THREADS * MV_LOG_SPAN));
    mv.control = NULL;
    mv_remains_drop();
    for (uint32_t i = 0; i < hidden_count; i++)
        if (hidden[i] >= 0)
            mv_sys1(__NR_close, hidden[i]);
    hidden_count = 0;
    mv_proc_directory = -1;
    mv.session_fd = -1;
}
