/* What each replayed call means for the accounts of streams.c. */
#include "../calls/guard.h"
#include "../calls/table.h"
#include "../sys.h"
#include "roles.h"
#include "streams.h"
#include "watch.h"

#define O_APPEND 02000

static uint64_t bytes_of_messages(uint64_t vector, long count) {
    uint64_t bytes = 0;
    for (long i = 0; i < count; i++) {
        uint32_t length; /* msg_len of struct mmsghdr */
        mv_guard_load32((const void *)(vector + 64 * (uint64_t)i + 56), &length);
        bytes += length;
    }
    return bytes;
}

static void opened_pair(const int32_t *pair) {
    mv_stream_opened(pair[0], MV_STREAM_UNKNOWN, 0);
    mv_stream_opened(pair[1], MV_STREAM_UNKNOWN, 0);
}

/* One replayed call; its out-bytes are in our memory already. `stamp`: the size of a file opened to append.
 */
void mv_streams_replayed(uint32_t call, const uint64_t args[6], long result, uint64_t stamp) {
    if (result < 0 && !(call == __NR_connect && result == -115 /* EINPROGRESS */))
        return;
    switch (call) {
    case __NR_recvfrom:
        if (args[3] & 2 /* MSG_PEEK */)
            return;
        mv_stream_moved((int32_t)args[0], 1, (uint64_t)result);
        return;
    case __NR_recvmsg:
        mv_rights_replayed(args[1], 1, 0);
        if (args[2] & 2)
            return;
        mv_stream_moved((int32_t)args[0], 1, (uint64_t)result);
        return;
    case __NR_read:
    case __NR_write: {
        struct mv_stream *stream = mv_stream_of((int32_t)args[0]);
        if (stream && stream->kind == MV_STREAM_EVENTFD)
            mv_eventfd_replayed(stream, call == __NR_read, args[1]);
        else
            mv_stream_moved((int32_t)args[0], call == __NR_read, (uint64_t)result);
        return;
    }
    case __NR_readv:
        mv_stream_moved((int32_t)args[0], 1, (uint64_t)result);
        return;
    case __NR_writev:
    case __NR_sendto:
    case __NR_sendmsg:
        mv_stream_moved((int32_t)args[0], 0, (uint64_t)result);
        return;
    case __NR_sendfile:
        mv_stream_moved((int32_t)args[0], 0, (uint64_t)result);
        if (!args[2])
            mv_stream_moved((int32_t)args[1], 1, (uint64_t)result);
        return;
    case __NR_splice:
    case __NR_copy_file_range:
        if (!args[1])
            mv_stream_moved((int32_t)args[0], 1, (uint64_t)result);
        if (!args[3])
            mv_stream_moved((int32_t)args[2], 0, (uint64_t)result);
        return;
    case __NR_sendmmsg:
    case __NR_recvmmsg:
        if (call == __NR_recvmmsg)
            mv_rights_replayed(args[1], (uint64_t)result, 64);
        mv_stream_moved((int32_t)args[0], call == __NR_recvmmsg, bytes_of_messages(args[1], result));
        return;
    case __NR_preadv2:
    case __NR_pwritev2:
        if (args[3] == ~0ull) /* at the file's own position */
            mv_stream_moved((int32_t)args[0], call == __NR_preadv2, (uint64_t)result);
        return;
    case __NR_lseek: {
        struct mv_stream *stream = mv_stream_of((int32_t)args[0]);
        if (stream && stream->kind == MV_STREAM_FILE)
            stream->out = (uint64_t)result;
        return;
    }
    case __NR_ftruncate: {
        struct mv_stream *stream = mv_stream_of((int32_t)args[0]);
        if (stream && stream->kind == MV_STREAM_APPENDED)
            stream->out = args[1];
        return;
    }
    case __NR_accept:
    case __NR_accept4: {
        struct mv_stream *listener = mv_stream_of((int32_t)args[0]);
        mv_stream_opened(result,
                         listener && listener->kind == MV_STREAM_TCP ? MV_STREAM_TCP : MV_STREAM_UNKNOWN, 0);
        return;
    }
    case __NR_socket:
        mv_stream_opened(
            result,
            (args[0] == 2 || args[0] == 10) && (args[1] & 0xf) == 1 ? MV_STREAM_TCP : MV_STREAM_UNKNOWN, 0);
        return;
    case __NR_connect: {
        struct mv_stream *stream = mv_stream_of((int32_t)args[0]);
        if (stream && stream->kind == MV_STREAM_TCP && !stream->out)
            stream->out = 1; /* the peer acknowledges our SYN like a byte */
        return;
    }
    case __NR_open:
        mv_stream_opened(result, (args[1] & O_APPEND) ? MV_STREAM_APPENDED : MV_STREAM_FILE, stamp);
        return;
    case __NR_openat:
        mv_stream_opened(result, (args[2] & O_APPEND) ? MV_STREAM_APPENDED : MV_STREAM_FILE, stamp);
        return;
    case __NR_creat:
    case __NR_memfd_create:
        mv_stream_opened(result, MV_STREAM_FILE, 0);
        return;
    case __NR_eventfd:
    case __NR_eventfd2:
        mv_stream_opened(result, MV_STREAM_EVENTFD, (uint32_t)args[0]);
        return;
    case __NR_close:
        mv_stream_closed((int32_t)args[0]);
        return;
    case __NR_close_range:
        for (uint64_t fd = args[0]; fd <= args[1] && fd < MV_STREAMS && !(args[2] & 4 /* CLOEXEC */); fd++)
            mv_stream_closed((int64_t)fd);
        return;
    case __NR_dup:
    case __NR_dup2:
    case __NR_dup3:
        mv_stream_duplicated((int32_t)args[0], result, call != __NR_dup);
        return;
    case __NR_fcntl:
        if (args[1] == 0 || args[1] == 1030 /* F_DUPFD, F_DUPFD_CLOEXEC */)
            mv_stream_duplicated((int32_t)args[0], result, 0);
        return;
    case __NR_signalfd:
    case __NR_signalfd4:
        if ((int32_t)args[0] < 0) /* else: another mask for that descriptor */
            mv_stream_opened(result, MV_STREAM_SIGNALS, 0);
        return;
    case __NR_pipe:
    case __NR_pipe2:
        opened_pair((const int32_t *)args[0]);
        return;
    case __NR_socketpair:
        opened_pair((const int32_t *)args[3]);
        return;
    case __NR_umask:
        mv_streams_mask_is((uint32_t)args[0] & 0777);
        return;
    default:
        if (mv_call_find(call)->flags & MV_CALL_OPENSFD) /* (of fcntl: above) */
            mv_stream_opened(result, MV_STREAM_UNKNOWN, 0);
        return;
    }
}
