/* Descriptors that the leader lends its followers: duplicates of files that it maps, because it may close its
 * own at once. They stay the leader's, hidden from the program, and the leader takes each back once each
 * follower has passed the event that names it, or has ended: one that closed them itself could die
 * before it does, or close a number that means something else by then.
 *
 * What is still lent when the leader dies is read from its memory, through the keeper, by whoever is
 * promoted. */
#include "../log/barriers.h"
#include "../roles/roles.h"
#include "../sys.h"

#define LENT_MAX 1024u /* a program that loads many libraries at once */

static struct lent {
    uint32_t fd; /* 0: free */
    uint32_t slot;
    uint64_t sequence; /* of the event that names it */
} lent[LENT_MAX];
static uint32_t count, lock;

static void enter(void) {
    while (mv_exchange32(&lock, 1))
        mv_pause();
}
static void leave(void) {
    mv_store_release32(&lock, 0);
}

static int is_passed(const struct lent *one) {
    for (uint32_t version = 0; version < MV_VERSIONS; version++) {
        const struct mv_log_cursor *cursor = mv_cursor_of(one->slot, version);
        if ((mv.followed >> version & 1) &&
            !(mv_load_acquire64(&cursor->position) && mv_load_relaxed64(&cursor->sequence) > one->sequence))
            return 0;
    }
    return 1;
}

/* Forgotten first: a death between the two leaves a descriptor open, not a number that is closed twice. */
static void take_back(struct lent *one) {
    int fd = (int)one->fd;
    mv_store_release32(&one->fd, 0);
    count--;
    mv_show_number(fd);
    mv_sys1(__NR_close, fd);
}

void mv_lent_take_back(int all) {
    if (!mv_load_relaxed32(&count))
        return;
    enter();
    for (uint32_t i = 0; i < LENT_MAX; i++)
        if (lent[i].fd && (all || is_passed(&lent[i])))
            take_back(&lent[i]);
    leave();
}

/* A duplicate of `fd`, named by this thread's next event; or -errno. */
long mv_lend(struct mv_thread *self, int fd) {
    uint64_t limit[2] = {0, 0};
    long result = -24; /* EMFILE */
    mv_lent_take_back(0);
    mv_sys4(__NR_prlimit64, 0, 7 /* RLIMIT_NOFILE */, 0, (long)limit);
    enter();
    for (uint32_t i = 0; i < LENT_MAX && result == -24; i++) {
        if (lent[i].fd)
            continue;
        result =
            mv_sys3(__NR_fcntl, fd, 1030 /* F_DUPFD_CLOEXEC */, (long)(limit[0] > 1024 ? 512 : limit[0] / 2));
        if (mv_is_error(result))
            break;
        mv_hide_number((int)result);
        lent[i].slot = self->slot;
        lent[i].sequence = self->log->sequence;
        mv_store_release32(&lent[i].fd, (uint32_t)result);
        count++;
    }
    leave();
    return result;
}

/* In a copy of the leader: its loans are not ours. */
void mv_lent_forget(void) {
    for (uint32_t i = 0; i < LENT_MAX; i++)
        if (lent[i].fd)
            mv_show_number((int)lent[i].fd);
    __builtin_memset(lent, 0, sizeof lent);
    count = lock = 0;
}

/* At a promotion: the loans of the dead leader, whose memory lies where ours does. */
void mv_lent_inherit(void) {
    if (!mv_remains_read(lent, (uint64_t)lent, sizeof lent))
        return;
    for (uint32_t i = 0; i < LENT_MAX; i++)
        if (lent[i].fd) {
            count++;
            take_back(&lent[i]);
        }
}
