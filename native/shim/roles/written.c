/* Did a write to a regular file happen whose record is missing? The position (or, of a file opened to append,
 * the size) tells only that somebody wrote: other threads, descriptors and processes may write to the same
 * file, beginning with whatever shares the server's standard error. So the bytes themselves are looked for,
 * between the last position that is known and the present one. A write is one piece: the kernel holds the
 * file's lock. */
#include "../sys.h"
#include "roles.h"
#include "streams.h"

#define LOOKED_AT (64ull << 20) /* as much of the file's end, at most */

static int equal(const uint8_t *a, const uint8_t *b, uint64_t size) {
    for (uint64_t i = 0; i < size; i++)
        if (a[i] != b[i])
            return 0;
    return 1;
}

/* The file may be open for writing only: it is opened once more. All of `size` bytes were read: 1. */
static int read_back(int fd, uint8_t *to, uint64_t size, uint64_t from) {
    struct mv_text path;
    int directory = mv_proc_path(&path, "self/fd/");
    mv_text_number(&path, fd);
    long file = mv_sys4(__NR_openat, directory, (long)path.bytes, 02000000 /* O_CLOEXEC */, 0);
    uint64_t done = 0;
    if (mv_is_error(file))
        return 0;
    while (done < size) {
        long n = mv_sys4(__NR_pread64, file, (long)(to + done), (long)(size - done), (long)(from + done));
        if (n <= 0)
            break;
        done += (uint64_t)n;
    }
    mv_sys1(__NR_close, file);
    return done == size;
}

static uint64_t found(const uint8_t *region, uint64_t length, const uint8_t *bytes, uint64_t size,
                      uint64_t end) {
    if (length <= size && equal(region, bytes, length))
        return length;
    for (uint64_t at = 0; at + size <= length; at++)
        if (region[at] == *bytes && equal(region + at, bytes, size))
            return size;
    /* One that was killed halfway ends with a page. */
    for (uint64_t part = length < size ? length : size - 1; part && end % MV_PAGE == 0; part--)
        if (equal(region + length - part, bytes, part))
            return part;
    return 0;
}

uint64_t mv_stream_written(int fd, const uint8_t *bytes, uint64_t size, uint64_t from, uint64_t to) {
    if (to <= from || !size)
        return 0;
    if (to - from > LOOKED_AT)
        from = to - LOOKED_AT;
    long at = mv_sys6(__NR_mmap, 0, (long)(to - from), 3, 0x22, -1, 0);
    if (mv_is_error(at))
        return 0;
    uint64_t result = to - from <= size ? to - from : 0; /* not readable: by the length alone */
    if (read_back(fd, (uint8_t *)at, to - from, from))
        result = found((const uint8_t *)at, to - from, bytes, size, to);
    mv_sys2(__NR_munmap, at, (long)(to - from));
    return result;
}
