/* What a promotion registers anew in epoll instances whose events are told once: the leader may have died
 * with an event that no record tells of, and the kernel would not tell it again. Which registrations there
 * are, the kernel says (/proc/self/fdinfo); a program can't mind an edge that it has seen already.
 *
 *   edge-triggered     registered again: what is ready now is told once more
 *   fires once         enabled again, unless the event that disabled it was replayed
 *   other user data    registered with ours
 *   signalfd           taken out and put in: it watches the signals of the process that registered it */
#include "../calls/guard.h"
#include "../sys.h"
#include "epoll.h"
#include "roles.h"
#include "streams.h"

#define CHUNK (64u << 10)

void mv_epoll_register(int32_t instance, int32_t descriptor, struct mv_epoll_data wanted) {
    /* What is registered for a signalfd are the signals of the process that did so. */
    long result = mv_stream_is_signals(descriptor)
                      ? -22
                      : mv_sys4(__NR_epoll_ctl, instance, MV_EPOLL_MOD, descriptor, (long)&wanted);
    if (result != -22 /* EINVAL: EPOLLEXCLUSIVE can't be modified */)
        return;
    mv_sys4(__NR_epoll_ctl, instance, MV_EPOLL_DEL, descriptor, 0);
    mv_sys4(__NR_epoll_ctl, instance, MV_EPOLL_ADD, descriptor, (long)&wanted);
}

static void look_at(int32_t instance, int32_t descriptor, struct mv_epoll_data present) {
    const struct mv_registration *noted = mv_epoll_find(instance, descriptor);
    struct mv_epoll_data wanted = present;
    if (noted && noted->leader == present.data)
        wanted.data = noted->own;
    if (noted && (noted->events & MV_EPOLL_ONESHOT) && !noted->fired)
        wanted.events = noted->events;
    if (wanted.data != present.data || wanted.events != present.events || (present.events & MV_EPOLL_EDGE) ||
        mv_stream_is_signals(descriptor))
        mv_epoll_register(instance, descriptor, wanted);
}

/* A number behind a name and blanks; where it ends. */
static const char *number(const char *at, const char *name, unsigned base, uint64_t *value) {
    *value = 0;
    for (; at && *name; at++, name++)
        if (*at != *name)
            return NULL;
    while (at && *at == ' ')
        at++;
    for (unsigned digit; at; at++) {
        digit = *at >= 'a' ? (unsigned)(*at - 'a' + 10) : (unsigned)(*at - '0');
        if (digit >= base)
            break;
        *value = *value * base + digit;
    }
    while (at && *at == ' ')
        at++;
    return at;
}

typedef void visitor(int32_t instance, int32_t descriptor, struct mv_epoll_data present);

/* "tfd:        5 events:       19 data:     7f0012345678  pos:…", decimal, hexadecimal, hexadecimal. */
static void line(int32_t instance, const char *text, visitor *visit) {
    uint64_t descriptor, events, data;
    text = number(text, "tfd:", 10, &descriptor);
    text = number(text, "events:", 16, &events);
    text = number(text, "data:", 16, &data);
    if (text)
        visit(instance, (int32_t)descriptor, (struct mv_epoll_data){(uint32_t)events, data});
}

int mv_epoll_each(int32_t instance, visitor *visit) {
    struct mv_text path;
    int directory = mv_proc_path(&path, "self/fdinfo/");
    mv_text_number(&path, instance);
    long fd = mv_sys4(__NR_openat, directory, (long)path.bytes, 02000000 /* O_CLOEXEC */, 0), n;
    long at = mv_sys6(__NR_mmap, 0, CHUNK, 3, 0x22, -1, 0);
    char *text = (char *)at;
    uint64_t used = 0;
    if (mv_is_error(fd) || mv_is_error(at)) {
        if (!mv_is_error(fd))
            mv_sys1(__NR_close, fd);
        if (!mv_is_error(at))
            mv_sys2(__NR_munmap, at, CHUNK);
        return 0;
    }
    while ((n = mv_sys3(__NR_read, fd, (long)(text + used), (long)(CHUNK - used))) > 0) {
        uint64_t begin = 0;
        used += (uint64_t)n;
        for (uint64_t i = 0; i < used; i++)
            if (text[i] == '\n') {
                line(instance, text + begin, visit);
                begin = i + 1;
            }
        for (uint64_t i = begin; i < used; i++)
            text[i - begin] = text[i];
        used -= begin;
    }
    mv_sys1(__NR_close, fd);
    mv_sys2(__NR_munmap, at, CHUNK);
    return 1;
}

int mv_epoll_rearm(int32_t instance) {
    return mv_epoll_each(instance, look_at);
}
