/* Calls that give, change and take away names in the file system. They say ENOENT or EEXIST when they are
 * made twice. The leader notes before the call what the names mean; after its death they tell whether it was
 * made. (Between the two another process may have used the same names, as at any time.) */
#include "../sys.h"
#include "settle.h"

#include <linux/stat.h>

#define AT_FDCWD         (-100)
#define SYMLINK_NOFOLLOW 0x100u
#define SYMLINK_FOLLOW   0x400u
#define EMPTY_PATH       0x1000u
#define TYPE             0170000u

static uint64_t mixed(uint64_t sum, uint64_t value) {
    sum = (sum ^ value) * 0x9e3779b97f4a7c15ull;
    return sum ^ sum >> 29;
}

uint64_t mv_identity(int64_t directory, uint64_t path, uint32_t flags, uint32_t *mode) {
    struct statx st = {.stx_mode = 0};
    if (mv_sys5(__NR_statx, (long)directory, (long)path, flags, STATX_TYPE | STATX_INO | STATX_BTIME,
                (long)&st))
        return 0;
    if (mode)
        *mode = st.stx_mode;
    uint64_t sum = mixed(mixed(1, st.stx_ino), (uint64_t)st.stx_dev_major << 32 | st.stx_dev_minor);
    sum = mixed(mixed(sum, (uint64_t)st.stx_btime.tv_sec), st.stx_btime.tv_nsec);
    return mixed(sum, st.stx_mode & TYPE) | 1;
}

uint64_t mv_identity_of(int64_t fd) {
    return mv_identity(fd, (uint64_t) "", EMPTY_PATH, NULL);
}

enum what { TAKES_AWAY, GIVES, CHANGES };
struct names {
    enum what what;
    int64_t old_directory, new_directory;
    uint64_t old, new; /* GIVES: `old` only of link */
    uint32_t old_flags;
    uint32_t type; /* GIVES: of what is there then; 0: any */
};

static struct names names_of(uint32_t call, const uint64_t a[6]) {
    struct names n = {GIVES, AT_FDCWD, AT_FDCWD, 0, 0, SYMLINK_NOFOLLOW, 0};
    switch (call) {
    case __NR_unlinkat:
        n.old_directory = (int32_t)a[0];
        n.old = a[1];
        n.what = TAKES_AWAY;
        break;
    case __NR_unlink:
    case __NR_rmdir:
        n.old = a[0];
        n.what = TAKES_AWAY;
        break;
    case __NR_renameat:
    case __NR_renameat2:
    case __NR_linkat:
        n.old_directory = (int32_t)a[0];
        n.old = a[1];
        n.new_directory = (int32_t)a[2];
        n.new = a[3];
        if (call != __NR_linkat)
            n.what = CHANGES;
        else if (a[4] & SYMLINK_FOLLOW)
            n.old_flags = a[4] & EMPTY_PATH;
        else
            n.old_flags |= a[4] & EMPTY_PATH;
        break;
    case __NR_rename:
    case __NR_link:
        n.old = a[0];
        n.new = a[1];
        n.what = call == __NR_rename ? CHANGES : GIVES;
        break;
    case __NR_mkdirat:
    case __NR_mknodat:
        n.new_directory = (int32_t)a[0];
        n.new = a[1];
        break;
    case __NR_symlinkat:
        n.new_directory = (int32_t)a[1];
        n.new = a[2];
        break;
    case __NR_symlink:
        n.new = a[1];
        break;
    default: /* mkdir, mknod */
        n.new = a[0];
    }
    if (call == __NR_mkdir || call == __NR_mkdirat)
        n.type = 0040000;
    if (call == __NR_symlink || call == __NR_symlinkat)
        n.type = 0120000;
    return n;
}

static uint64_t meant_by_old(const struct names *n) {
    return n->old ? mv_identity(n->old_directory, n->old, n->old_flags, NULL) : 0;
}
static uint64_t meant_by_new(const struct names *n, uint32_t *mode) {
    return n->new ? mv_identity(n->new_directory, n->new, SYMLINK_NOFOLLOW, mode) : 0;
}

void mv_names_note(uint32_t call, const uint64_t args[6], uint64_t noted[4]) {
    struct names n = names_of(call, args);
    noted[0] = meant_by_old(&n);
    noted[1] = meant_by_new(&n, NULL);
}

int mv_names_settled(uint32_t call, const uint64_t args[6], const uint64_t noted[4], long *result) {
    struct names n = names_of(call, args);
    uint32_t mode = 0;
    uint64_t old = meant_by_old(&n), new = meant_by_new(&n, &mode);
    *result = 0;
    switch (n.what) {
    case TAKES_AWAY:
        return noted[0] && old != noted[0];
    case CHANGES: /* (two names of one file: nothing is changed, and nothing the second time) */
        return noted[0] && noted[0] != noted[1] && new == noted[0] && old != noted[0];
    default:
        return !noted[1] && new && (n.old ? new == noted[0] : !n.type || (mode & TYPE) == n.type);
    }
}
