/* Was a write to an eventfd made whose record is missing? It holds a sum: what was written less what was
 * read. The follower keeps the sum of the records; the kernel shows the present one. (Reads have a witness.)
 *
 * Others may use it, as well: where a child could, a difference tells nothing; where it was passed to another
 * process, unless it is as much as the write itself. */
#include "../calls/guard.h"
#include "../sys.h"
#include "roles.h"
#include "streams.h"

int mv_eventfd_now(int fd, uint64_t *sum) {
    static const char name[] = "eventfd-count:";
    struct mv_text path;
    char text[256] = {0};
    unsigned matched = 0;
    int directory = mv_proc_path(&path, "self/fdinfo/");
    mv_text_number(&path, fd);
    long file = mv_sys4(__NR_openat, directory, (long)path.bytes, 02000000 /* O_CLOEXEC */, 0);
    if (mv_is_error(file))
        return 0;
    mv_sys3(__NR_read, file, (long)text, sizeof text - 1);
    mv_sys1(__NR_close, file);
    const char *at = text;
    for (; *at && name[matched]; at++)
        matched = *at == name[matched] ? matched + 1 : *at == name[0];
    if (name[matched])
        return 0;
    while (*at == ' ' || *at == '\t')
        at++;
    for (*sum = 0; *at && *at != '\n'; at++)
        *sum = *sum * 16 + (uint64_t)(*at <= '9' ? *at - '0' : *at - 'a' + 10);
    return 1;
}

/* A replayed call. Threads replay side by side, a read perhaps before the write that it saw. */
void mv_eventfd_replayed(struct mv_stream *stream, int inwards, uint64_t value_at) {
    uint64_t value = 0;
    mv_guard_load64((const void *)value_at, &value);
    __atomic_add_fetch(&stream->out, inwards ? -value : value, __ATOMIC_RELAXED);
}

/* The dead leader's last read, of which its witness tells. Before any write is looked at. */
void mv_eventfd_settled(struct mv_stream *stream, uint64_t value_at) {
    uint64_t value = 0;
    mv_remains_read(&value, value_at, sizeof value);
    stream->out -= value;
}

/* 1: it was, and is accounted for now. 0: it was not. -1: that can't be told. */
int mv_eventfd_written(int fd, uint64_t value) {
    struct mv_stream *stream = mv_stream_of(fd);
    uint64_t sum;
    if (!stream || !mv_eventfd_now(fd, &sum))
        return -1;
    if (sum == stream->out || !value)
        return 0;
    if (sum - stream->out != value || mv_children_ever())
        return -1;
    stream->out = sum;
    return 1;
}
