/* Descriptors that are passed over Unix sockets (SCM_RIGHTS). One that was sent is another process's, too, as
 * a child's is; what one is that was received, no call of the program's tells. */
#include "../calls/guard.h"
#include "roles.h"
#include "settle.h"
#include "streams.h"
#include "watch.h"

#define SOL_SOCKET 1
#define SCM_RIGHTS 1
#define HEADER     16u /* struct cmsghdr: length, level, type */

int mv_rights_in(uint64_t control, uint64_t length, int32_t fds[MV_RIGHTS_MAX]) {
    int count = 0;
    for (uint64_t at = 0; control && at + HEADER <= length;) {
        struct {
            uint64_t size;
            int32_t level, type;
        } head = {0};
        if (mv_guard_copy(&head, (const void *)(control + at), sizeof head) || head.size < HEADER ||
            head.size > length - at)
            break;
        for (uint64_t i = HEADER; head.level == SOL_SOCKET && head.type == SCM_RIGHTS && i + 4 <= head.size;
             i += 4)
            if (count < MV_RIGHTS_MAX && !mv_guard_copy(&fds[count], (const void *)(control + at + i), 4))
                count++;
        at += (head.size + 7) & ~7ull;
    }
    return count;
}

void mv_rights_passed(const struct mv_message_header *message, int sent) {
    int32_t fds[MV_RIGHTS_MAX];
    int count = message->control ? mv_rights_in(message->control, message->controllen, fds) : 0;
    for (int i = 0; i < count; i++)
        if (!sent)
            mv_watch(fds[i], MV_WATCHED_LATER);
        else if (!mv_is_watched((uint64_t)(uint32_t)fds[i]))
            mv_watch(fds[i], MV_WATCHED_FORKED);
}

/* A replayed recvmsg or recvmmsg. */
void mv_rights_replayed(uint64_t message, uint64_t count, uint64_t stride) {
    for (uint64_t i = 0; i < count; i++) {
        struct mv_message_header header = {0};
        int32_t fds[MV_RIGHTS_MAX] = {0};
        if (mv_guard_copy(&header, (const void *)(message + i * stride), sizeof header))
            return;
        int received = mv_rights_in(header.control, header.controllen, fds);
        for (int j = 0; j < received; j++)
            mv_stream_received(fds[j]);
    }
}
