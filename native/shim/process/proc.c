/* /proc, for a server that changes its root directory: what a promotion and a new follower must know stands
 * there (mappings, registrations of epoll, kinds of descriptors). A directory outside the new root would be a
 * way out of it. So a copy of that mount is kept, which is part of no tree: nothing stands above it. (The
 * copy needs the privilege to mount, which who may change the root mostly has; without it, chroot ends the
 * follower by name.)
 *
 * The descriptor is hidden, in the table that all versions share; its number travels with the record. */
#include "../rewrite/maps.h"
#include "../roles/roles.h"
#include "../state.h"
#include "../sys.h"

#define OPEN_TREE_CLONE   1
#define OPEN_TREE_CLOEXEC 02000000

void mv_proc_take(uint64_t number) {
    if (!number || mv_proc_directory >= 0)
        return;
    mv_proc_directory = (int)number - 1;
    mv_hide_number(mv_proc_directory);
}

/* Before chroot, in a session: its number + 1; 0: it can't be had. */
uint64_t mv_proc_keep(void) {
    if (!mv.control || mv_proc_directory >= 0)
        return (uint64_t)mv_proc_directory + 1;
    long fd =
        mv_sys3(428 /* open_tree */, -100 /* AT_FDCWD */, (long)"/proc", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (mv_is_error(fd))
        return 0;
    int hidden = mv_hide_descriptor((int)fd);
    if (hidden < 0)
        mv_sys1(__NR_close, fd);
    else
        mv_proc_directory = hidden;
    return (uint64_t)mv_proc_directory + 1;
}

/* `name` below /proc, and the directory from which it is looked up. */
int mv_proc_path(struct mv_text *path, const char *name) {
    *path = (struct mv_text){.used = 0};
    if (mv_proc_directory < 0)
        mv_text_add(path, "/proc/");
    mv_text_add(path, name);
    return mv_proc_directory < 0 ? -100 /* AT_FDCWD */ : mv_proc_directory;
}
