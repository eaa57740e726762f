/* Several numbers for one connection or open file, from before the follower was made: they have one account.
 * (Later ones the records tell.) In the leader, its threads parked. */
#include "../sys.h"
#include "roles.h"
#include "settle.h"
#include "streams.h"

#define KCMP_FILE 0
#define LOOKED_AT 64u /* files that are alike, at most */

static int is_one_file(int a, int b, uint32_t kind) {
    long order = mv_sys5(__NR_kcmp, mv.pid, mv.pid, KCMP_FILE, a, b);
    return order == 0 || (mv_is_error(order) && kind == MV_STREAM_TCP /* alike is the same, for a socket */);
}

void mv_streams_unite(void) {
    uint32_t count = 0, size = 64;
    int32_t end = mv_streams_end();
    for (int32_t fd = 0; fd < end; fd++)
        count += mv_stream_of(fd)->kind != MV_STREAM_UNKNOWN;
    while (size < 2 * count)
        size *= 2;
    struct seen {
        uint64_t identity;
        int64_t fd;
    } *seen = mv_room(size * sizeof *seen);
    for (int32_t fd = 0; seen && fd < end; fd++) {
        struct mv_stream *stream = mv_stream_of(fd);
        uint64_t identity = stream->kind == MV_STREAM_UNKNOWN ? 0 : mv_identity_of(fd);
        uint32_t at = (uint32_t)(identity >> 20) & (size - 1), alike = 0;
        for (; identity && seen[at].identity; at = (at + 1) & (size - 1)) {
            if (seen[at].identity != identity)
                continue;
            if (++alike > LOOKED_AT) {
                stream->kind = MV_STREAM_UNKNOWN; /* whether it is one of those is not known */
                identity = 0;
            } else if (is_one_file((int)seen[at].fd, fd, stream->kind)) {
                mv_stream_join(fd, (int32_t)seen[at].fd);
                identity = 0;
            }
        }
        if (identity)
            seen[at] = (struct seen){identity, fd};
    }
    if (seen)
        mv_sys2(__NR_munmap, (long)seen, (long)(size * sizeof *seen));
}
