// A follower that is given a call's out-payload ends with exactly the memory of the leader that made the
// call: sockets and messages.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness.h"

static int listener(struct sockaddr_in *address) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t length = sizeof *address;

    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(fd, (struct sockaddr *)address, sizeof *address) != 0 || listen(fd, 5) != 0 ||
        getsockname(fd, (struct sockaddr *)address, &length) != 0)
        abort();
    return fd;
}

static void addresses(void) {
    test_begin();
    struct sockaddr_in address;
    int server = listener(&address);
    // Less room than the address takes: the kernel reports the full length but writes only into the room.
    static const socklen_t rooms[] = {128, 16, 7, 0};

    for (unsigned i = 0; i < 4; i++) {
        int client = socket(AF_INET, SOCK_STREAM, 0);
        struct sockaddr_in *to = (struct sockaddr_in *)(arena + 512);
        socklen_t *length = (socklen_t *)arena;

        *to = address;
        const struct observed *seen = OBSERVE3(SYS_connect, client, to, sizeof *to);
        CHECK(seen->result == 0 && seen->in_count == 1 && seen->in[0].len == 8); // sin_zero is nobody's
        *length = rooms[i];
        seen = OBSERVE4(SYS_accept4, server, at_the_end(rooms[i]), length, SOCK_CLOEXEC);
        CHECK(seen->result >= 0 && *length == 16);
        CHECK(seen->out_count == (rooms[i] ? 2 : 1));
        close((int)seen->result);
        *length = rooms[i];
        CHECK(OBSERVE3(SYS_getsockname, client, at_the_end(rooms[i]), length)->result == 0);
        *length = rooms[i];
        CHECK(OBSERVE3(SYS_getpeername, client, at_the_end(rooms[i]), length)->result == 0);
        close(client);
    }
    int client = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect(client, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(OBSERVE3(SYS_accept, server, 0, 0)->result >= 0);
    close(server);
    test_end("addresses_are_bounded_by_room_and_by_length");
}

static void options(void) {
    test_begin();
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t *length = (socklen_t *)arena;

    *length = 4;
    CHECK(OBSERVE5(SYS_getsockopt, fd, SOL_SOCKET, SO_SNDBUF, at_the_end(4), length)->out_count == 2);
    *length = 400;
    CHECK(OBSERVE5(SYS_getsockopt, fd, IPPROTO_TCP, 11 /* TCP_INFO */, arena + 100, length)->result == 0);
    *(int *)(arena + 8) = 1;
    const struct observed *seen = OBSERVE5(SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, arena + 8, 4);
    CHECK(seen->result == 0 && seen->in_count == 1 && seen->in[0].len == 4);
    close(fd);
    test_end("socket_options");
}

static void datagrams(void) {
    test_begin();
    int pair[2];
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    CHECK(OBSERVE4(SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, arena)->result == 0);
    memcpy(pair, arena, sizeof pair);
    memcpy(name.sun_path, "\0mvedsua-calls", 14);
    CHECK(bind(pair[0], (struct sockaddr *)&name, 2 + 14) == 0);
    CHECK(OBSERVE6(SYS_sendto, pair[0], arena + 100, 50, 0, 0, 0)->in_count == 1);
    socklen_t *length = (socklen_t *)(arena + 16);
    *length = 110;
    CHECK(OBSERVE6(SYS_recvfrom, pair[1], arena + 200, 500, 0, arena + 800, length)->result == 50);
    CHECK(*length == 16);
    // A message cut short: with MSG_TRUNC the result is more than what was written.
    send(pair[0], "0123456789", 10, 0);
    const struct observed *seen = OBSERVE6(SYS_recvfrom, pair[1], at_the_end(4), 4, MSG_TRUNC, 0, 0);
    CHECK(seen->result == 10 && seen->out_count == 1 && seen->out[0].len == 4);
    close(pair[0]);
    close(pair[1]);
    test_end("recvfrom_and_truncation");
}

struct message {
    struct msghdr header;
    struct iovec iov[2];
    char name[120];
    char data[64];
    char control[128];
};

static struct message *message_at(uint8_t *at) {
    struct message *message = (struct message *)at;

    memset(message, 0x5a, sizeof *message);
    message->iov[0] = (struct iovec){message->data, 6};
    message->iov[1] = (struct iovec){message->data + 30, 20};
    message->header = (struct msghdr){.msg_name = message->name,
                                      .msg_namelen = 9,
                                      .msg_iov = message->iov,
                                      .msg_iovlen = 2,
                                      .msg_control = message->control,
                                      .msg_controllen = sizeof message->control};
    return message;
}

static void messages(void) {
    test_begin();
    int pair[2];
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair))
        abort();
    memcpy(name.sun_path, "\0mvedsua-message", 16);
    CHECK(bind(pair[0], (struct sockaddr *)&name, 2 + 16) == 0);

    struct message *out = message_at(arena);
    struct cmsghdr *control = (struct cmsghdr *)out->control;
    *control = (struct cmsghdr){.cmsg_len = CMSG_LEN(4), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    *(int *)CMSG_DATA(control) = pair[0];
    out->header.msg_name = NULL;
    out->header.msg_namelen = 0;
    out->header.msg_controllen = CMSG_SPACE(4);
    const struct observed *seen = OBSERVE3(SYS_sendmsg, pair[0], out, 0);
    CHECK(seen->result == 26);
    CHECK(seen->in_count == 3 && seen->in[0].how == MV_HOW_DATA && seen->in[2].how == MV_HOW_CONTROL);

    struct message *in = message_at(arena + 4096);
    seen = OBSERVE3(SYS_recvmsg, pair[1], in, 0);
    CHECK(seen->result == 26 && in->header.msg_controllen == CMSG_LEN(4) + 4);
    CHECK(in->header.msg_namelen == 18); // the full length, though the room was 9
    CHECK(seen->out_count == 7);
    CHECK(seen->in_count == 2);

    // No room for the name, none for the control data, less data than room.
    send(pair[0], "abc", 3, 0);
    in = message_at(arena + 4096);
    in->header.msg_name = NULL;
    in->header.msg_control = NULL;
    in->header.msg_controllen = 0;
    CHECK(OBSERVE3(SYS_recvmsg, pair[1], in, MSG_DONTWAIT)->out_count == 3);
    CHECK(OBSERVE3(SYS_recvmsg, pair[1], in, MSG_DONTWAIT)->result == -EAGAIN);
    close(pair[0]);
    close(pair[1]);
    test_end("recvmsg_writes_back_into_the_header");
}

static void many_messages(void) {
    test_begin();
    int pair[2];
    struct mmsghdr *vector = (struct mmsghdr *)arena;

    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair))
        abort();
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    memcpy(name.sun_path, "\0mvedsua-messages", 17);
    CHECK(bind(pair[0], (struct sockaddr *)&name, 2 + 17) == 0); // longer than the room for it
    for (int i = 0; i < 3; i++) {
        struct message *message = message_at(arena + 1024L * (i + 1));

        message->header.msg_controllen = 0;
        message->header.msg_namelen = 0;
        message->header.msg_name = NULL;
        message->iov[0].iov_len = 3 + (size_t)i;
        vector[i] = (struct mmsghdr){message->header, 77};
    }
    const struct observed *seen = OBSERVE4(SYS_sendmmsg, pair[0], vector, 3, 0);
    CHECK(seen->result == 3 && seen->in_count == 6 && seen->out_count == 3 && vector[2].msg_len == 25);
    send(pair[0], "q", 1, 0);
    for (int i = 0; i < 6; i++)
        vector[i] = (struct mmsghdr){message_at(arena + 2048L * (i + 1))->header, 99};
    seen = OBSERVE5(SYS_recvmmsg, pair[1], vector, 6, MSG_DONTWAIT, 0);
    CHECK(seen->result == 4 && vector[3].msg_len == 1 && vector[4].msg_len == 99);
    CHECK(seen->out[seen->out_count - 1].len == 1 && seen->out[seen->out_count - 1].index == 3);
    close(pair[0]);
    close(pair[1]);
    test_end("recvmmsg_and_sendmmsg_by_message");
}

int main(void) {
    harness_start();
    addresses();
    options();
    datagrams();
    messages();
    many_messages();
    return failures != 0;
}
