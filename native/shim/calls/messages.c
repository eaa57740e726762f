#include "calls/walk.h"

#define SOCKADDR_LIMIT 128 // sizeof(struct sockaddr_storage)

// Offsets in struct msghdr and mmsghdr.
#define MSG_NAME       0
#define MSG_NAMELEN    8
#define MSG_IOV        16
#define MSG_IOVLEN     24
#define MSG_CONTROL    32
#define MSG_CONTROLLEN 40
#define MSG_FLAGS      48
#define MMSG_LEN       56
#define MMSG_SIZE      64

// `budget` bytes spread over an iovec array; UINT64_MAX: all of it.
void mv_walk_iovec(struct walk *walk, uint64_t iov, uint64_t count, uint64_t budget) {
    budget = lesser(budget, MAX_RW_COUNT);
    for (uint64_t i = 0; i < count && i < IOV_MAX && budget > 0 && walk->count >= 0; i++) {
        uint64_t length = lesser(load64(iov + 16 * i + 8), budget);

        emit(walk, load64(iov + 16 * i), length, MV_HOW_DATA);
        budget -= length;
    }
}

void mv_walk_message_in(struct walk *walk, uint64_t message) {
    if (message == 0)
        return;
    uint64_t name = load64(message + MSG_NAME);
    emit(walk, name, mv_walk_address(name, lesser(load32(message + MSG_NAMELEN), SOCKADDR_LIMIT)),
         MV_HOW_NAME);
    mv_walk_iovec(walk, load64(message + MSG_IOV), load64(message + MSG_IOVLEN), UINT64_MAX);
    emit(walk, load64(message + MSG_CONTROL), load64(message + MSG_CONTROLLEN), MV_HOW_CONTROL);
}

// Without memory for a name or for control data, the kernel does not look at its length.
void mv_walk_message_lengths(struct walk *walk, uint64_t message) {
    if (message == 0)
        return;
    if (load64(message + MSG_NAME) != 0)
        emit(walk, message + MSG_NAMELEN, 4, MV_HOW_NAMELEN);
    if (load64(message + MSG_CONTROL) != 0)
        emit(walk, message + MSG_CONTROLLEN, 8, MV_HOW_CONTROLLEN);
}

// What recvmsg wrote. The kernel reports a name longer than its room in full, so room, not report, bounds the
// name.
void mv_walk_message_out(struct walk *walk, uint64_t message, uint64_t data) {
    uint64_t name, namelen, controllen;

    if (message == 0)
        return;
    name = load64(message + MSG_NAME);
    namelen = load32(message + MSG_NAMELEN);
    controllen = load64(message + MSG_CONTROLLEN);
    if (walk->direction == DIRECTION_OUT && walk->entry) {
        namelen = lesser(namelen, walk->entry->length);
        controllen = lesser(controllen, walk->entry->controllen);
    }
    if (name != 0)
        emit(walk, message + MSG_NAMELEN, 4, MV_HOW_NAMELEN);
    emit(walk, message + MSG_CONTROLLEN, 8, MV_HOW_CONTROLLEN);
    emit(walk, message + MSG_FLAGS, 4, MV_HOW_FLAGS);
    emit(walk, name, lesser(namelen, SOCKADDR_LIMIT), MV_HOW_NAME);
    emit(walk, load64(message + MSG_CONTROL), controllen, MV_HOW_CONTROL);
    mv_walk_iovec(walk, load64(message + MSG_IOV), load64(message + MSG_IOVLEN), data);
}

void mv_walk_messages_out(struct walk *walk, uint64_t vector, uint64_t count, int received) {
    // One entry can't hold the lengths of many messages; SOCKADDR_LIMIT bounds their names then.
    walk->entry = 0;
    for (uint64_t i = 0; i < count && walk->count >= 0; i++) {
        uint64_t message = vector + MMSG_SIZE * i;

        walk->index = (uint16_t)i;
        emit(walk, message + MMSG_LEN, 4, MV_HOW_MSGLEN);
        if (received)
            mv_walk_message_out(
                walk, message, walk->direction == DIRECTION_TARGET ? UINT64_MAX : load32(message + MMSG_LEN));
    }
    walk->index = 0;
}

void mv_walk_message_capture(uint64_t message, struct mv_call_entry *entry) {
    entry->length = load32(message + MSG_NAMELEN);
    entry->controllen = (uint32_t)lesser(load64(message + MSG_CONTROLLEN), MAX_RW_COUNT);
}

uint64_t mv_walk_message_at(uint64_t vector, uint64_t index) {
    return vector + MMSG_SIZE * index;
}
