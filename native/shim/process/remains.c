/* The dead leader's memory, read by whoever is promoted: its keeper still shares it.
 *
 * The kernel lets a process read another's memory only with the same identity, and never that of a server
 * which has changed its user (it is not dumpable any more). So the keeper reads for us then: it may always
 * read the memory that is its own. Asked and answered over a page that leader, keeper and follower share.
 *
 * One asks at a time: the thread that promotes. A keeper that dies meanwhile answers nothing: the wait has an
 * end. */
#include "../log/barriers.h"
#include "../roles/roles.h"
#include "../sys.h"

#include <linux/futex.h>

#define SPAN     (64u << 10)
#define LIMIT_NS 200000000

enum { IDLE = 0, ASKED = 1, ANSWERED = 2 };

struct mailbox {
    uint32_t state; /* futex of both sides */
    uint32_t reserved;
    uint64_t from, size;
    int64_t result;
    uint8_t bytes[SPAN - 32];
};
_Static_assert(sizeof(struct mailbox) == SPAN, "whole pages");

static struct mailbox *mailbox;
static uint32_t owner; /* pid of the leader that made it */

int mv_remains_is_mailbox(uint64_t address) {
    return mailbox && address >= (uint64_t)mailbox && address < (uint64_t)mailbox + SPAN;
}

/* In a leader that is about to be copied. 0 or -errno. */
int mv_remains_start(void) {
    if (mailbox && owner == mv.pid)
        return 0;
    if (mailbox) /* its dead leader's */
        mv_sys2(__NR_munmap, (long)mailbox, SPAN);
    mailbox = NULL;
    long at = mv_sys6(__NR_mmap, 0, SPAN, 3, 0x21 /* SHARED, ANONYMOUS */, -1, 0);
    if (mv_is_error(at))
        return (int)at;
    owner = mv.pid;
    mailbox = (struct mailbox *)at;
    return 0;
}

/* In a forked child, which belongs to no session. */
void mv_remains_drop(void) {
    if (mailbox)
        mv_sys2(__NR_munmap, (long)mailbox, SPAN);
    mailbox = NULL;
}

/* The keeper: what it has to wait for; 0: nothing. */
int mv_remains_awaited(uint64_t *address, uint64_t *value) {
    if (!mailbox)
        return 0;
    uint32_t state = mv_load_acquire32(&mailbox->state);
    *address = (uint64_t)&mailbox->state;
    *value = state == ASKED ? IDLE : state; /* asked since we looked: the wait returns at once */
    return 1;
}

/* The keeper: answers what is asked. */
void mv_remains_serve(void) {
    if (!mailbox || mv_load_acquire32(&mailbox->state) != ASKED)
        return;
    struct {
        uint64_t base, length;
    } to = {(uint64_t)mailbox->bytes, mailbox->size}, from = {mailbox->from, mailbox->size};
    mailbox->result =
        mailbox->size > sizeof mailbox->bytes
            ? -22
            : mv_sys6(__NR_process_vm_readv, mv_sys0(__NR_getpid), (long)&to, 1, (long)&from, 1, 0);
    mv_store_release32(&mailbox->state, ANSWERED);
    mv_sys3(__NR_futex, (long)&mailbox->state, FUTEX_WAKE, 0x7fffffff);
}

static int ask(uint8_t *to, uint64_t from, uint64_t size) {
    const int64_t limit[2] = {0, LIMIT_NS};
    mailbox->from = from;
    mailbox->size = size;
    mv_store_release32(&mailbox->state, ASKED);
    mv_sys3(__NR_futex, (long)&mailbox->state, FUTEX_WAKE, 0x7fffffff);
    while (mv_load_acquire32(&mailbox->state) == ASKED)
        if (mv_sys4(__NR_futex, (long)&mailbox->state, FUTEX_WAIT, ASKED, (long)limit) ==
            -110 /* ETIMEDOUT */)
            return 0;
    if (mailbox->result != (int64_t)size)
        return 0;
    __builtin_memcpy(to, mailbox->bytes, size);
    return 1;
}

/* 1: `size` bytes of the dead leader's memory at `from` stand at `to`. */
int mv_remains_read(void *to, uint64_t from, uint64_t size) {
    struct {
        uint64_t base, length;
    } local = {(uint64_t)to, size}, remote = {from, size};
    long result =
        mv_sys6(__NR_process_vm_readv, mv.control->keeper_pid, (long)&local, 1, (long)&remote, 1, 0);
    if (result != -1 /* EPERM */ || !mailbox)
        return result == (long)size;
    for (uint64_t done = 0, part; done < size; done += part) {
        part = size - done < sizeof mailbox->bytes ? size - done : sizeof mailbox->bytes;
        if (!ask((uint8_t *)to + done, from + done, part))
            return 0;
    }
    return 1;
}
