/* Which descriptors need a witness. Where the call that made one tells what it is, it is known from then on;
 * what a name led to, or another process passed, is looked at when it is read or written first. */
#include "watch.h"
#include "../calls/guard.h"
#include "../sys.h"
#include "roles.h"
#include "settle.h"

#define SOCK_STREAM 1
#define TYPE        0170000u
#define FIFO        0010000u
#define CHARACTER   0020000u
#define SOCKET      0140000u

uint8_t mv_watched[MV_WATCHED_MAX];

static int64_t highest; /* number that any call made */

void mv_watch(int64_t fd, enum mv_watched kind) {
    if (fd < 0 || fd >= (int64_t)MV_WATCHED_MAX)
        return;
    mv_watched[fd] = (uint8_t)kind;
    int64_t before = __atomic_load_n(&highest, __ATOMIC_RELAXED);
    while (fd > before &&
           !__atomic_compare_exchange_n(&highest, &before, fd, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
}

uint32_t mv_watch_end(void) {
    return (uint32_t)highest + 1;
}

void mv_watch_forked(void) {
    for (int64_t fd = 0; fd <= highest; fd++)
        if (mv_watched[fd] == MV_WATCHED_NOT)
            mv_watched[fd] = MV_WATCHED_FORKED;
}

static enum mv_watched known(uint64_t fd) {
    return fd < MV_WATCHED_MAX ? (enum mv_watched)mv_watched[fd] : MV_WATCHED_NOT;
}

int mv_watch_is_childs(uint64_t fd) {
    return known(fd) == MV_WATCHED_FORKED || known(fd) == MV_WATCHED_SHARED;
}

int mv_watch_is_anonymous(int fd, const char *kind) {
    static const char prefix[] = "anon_inode:";
    struct mv_text path;
    char link[40] = {0};
    int directory = mv_proc_path(&path, "self/fd/");
    mv_text_number(&path, fd);
    if (mv_is_error(mv_sys4(__NR_readlinkat, directory, (long)path.bytes, (long)link, sizeof link - 1)))
        return 0;
    for (unsigned i = 0; i < sizeof prefix - 1; i++)
        if (link[i] != prefix[i])
            return 0;
    /* (inotify's has no brackets) */
    const char *rest = link + sizeof prefix - 1;
    while (*kind && *rest == *kind)
        rest++, kind++;
    return !*kind && !*rest;
}

static int is_terminal(int fd) {
    uint8_t settings[64];
    return !mv_sys3(__NR_ioctl, fd, 0x5401 /* TCGETS */, (long)settings);
}

enum mv_watched mv_watch_look(int fd) {
    uint32_t mode = 0;
    if (!mv_identity(fd, (uint64_t) "", 0x1000 /* AT_EMPTY_PATH */, &mode))
        return MV_WATCHED_NOT;
    switch (mode & TYPE) {
    case FIFO:
        return MV_WATCHED_PIPE;
    case SOCKET:
        return MV_WATCHED_SOCKET;
    case CHARACTER:
        return is_terminal(fd) ? MV_WATCHED_PIPE : MV_WATCHED_NOT;
    case 0:
        break;
    default:
        return MV_WATCHED_NOT;
    }
    if (mv_watch_is_anonymous(fd, "[eventfd]") || mv_watch_is_anonymous(fd, "[timerfd]"))
        return MV_WATCHED_COUNTER;
    if (mv_watch_is_anonymous(fd, "[signalfd]"))
        return MV_WATCHED_SIGNALS;
    return mv_watch_is_anonymous(fd, "inotify") ? MV_WATCHED_EVENTS : MV_WATCHED_NOT;
}

enum mv_watched mv_watch_kind(uint64_t fd) {
    enum mv_watched kind = known(fd);
    if (kind == MV_WATCHED_LATER || kind == MV_WATCHED_FORKED) {
        enum mv_watched found = mv_watch_look((int)fd);
        kind = kind == MV_WATCHED_FORKED && found == MV_WATCHED_SOCKET ? MV_WATCHED_SHARED : found;
        mv_watch((int)fd, kind);
    }
    return kind;
}

/* Each call that makes descriptors is here, or makes none that is watched: no number keeps what it meant
 * before. */
void mv_watch_opened(uint32_t call, const uint64_t args[6], long result) {
    enum mv_watched kind = MV_WATCHED_NOT;
    int32_t pair[2] = {-1, -1};
    switch (call) {
    case __NR_socket:
        if (!((args[0] == 2 || args[0] == 10) && (args[1] & 0xf) == SOCK_STREAM &&
              (args[2] == 0 || args[2] == 6)))
            kind = MV_WATCHED_SOCKET;
        break;
    case __NR_accept:
    case __NR_accept4: /* no child has it yet */
        kind = known(args[0]) < MV_WATCHED_FORKED ? known(args[0]) : MV_WATCHED_NOT;
        break;
    case __NR_dup:
    case __NR_dup2:
    case __NR_dup3:
    case __NR_fcntl:
        kind = known(args[0]);
        break;
    case __NR_eventfd:
    case __NR_eventfd2:
    case __NR_timerfd_create:
        kind = MV_WATCHED_COUNTER;
        break;
    case __NR_signalfd:
    case __NR_signalfd4:
        kind = MV_WATCHED_SIGNALS;
        break;
    case __NR_inotify_init:
    case __NR_inotify_init1:
        kind = MV_WATCHED_EVENTS;
        break;
    case __NR_open:
    case __NR_openat:
    case __NR_openat2:
    case __NR_ioctl: /* TIOCGPTPEER */
    case __NR_pidfd_getfd:
        kind = MV_WATCHED_LATER;
        break;
    case __NR_socketpair:
    case __NR_pipe:
    case __NR_pipe2:
        if (mv_guard_copy(pair, (const void *)args[call == __NR_socketpair ? 3 : 0], sizeof pair))
            return;
        kind = call == __NR_socketpair ? MV_WATCHED_SOCKET : MV_WATCHED_PIPE;
        mv_watch(pair[0], kind);
        mv_watch(pair[1], kind);
        return;
    default:
        break;
    }
    mv_watch(result, kind);
}

/* The number may come back with a descriptor that no call of the program's made. */
void mv_watch_closing(uint32_t call, const uint64_t args[6]) {
    uint64_t last = call == __NR_close_range ? args[1] : args[0];
    for (uint64_t fd = args[0]; fd <= last && fd < MV_WATCHED_MAX; fd++)
        if (mv_watched[fd])
            mv_watched[fd] = MV_WATCHED_LATER;
}
