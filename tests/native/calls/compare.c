// What a follower's comparison sees, what it must overlook, and what bad memory and bad payloads do to it.
#define _GNU_SOURCE
#include "harness.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "calls/guard.h"

static struct mv_segment segments[MAX_SEGMENTS];
static uint64_t payload[ARENA_SIZE / 8];
static struct mv_payload_difference difference;

// The leader's in-payload for these arguments; returns its size.
static uint64_t publish(long number, const uint64_t args[6]) {
    int count = mv_call_in_segments(mv_call_find((uint64_t)number), args, segments, MAX_SEGMENTS);

    CHECK(count >= 0);
    return mv_payload_write(payload, segments, count);
}

static int same(long number, const uint64_t args[6], uint64_t size) {
    const struct mv_call_row *row = mv_call_find((uint64_t)number);
    int count = mv_call_in_segments(row, args, segments, MAX_SEGMENTS);

    return mv_payload_compare(row, args, payload, size, segments, count, &difference);
}

static void first_byte(void) {
    test_begin();
    uint64_t leader[6] = {1, U(arena), 1000};
    uint64_t follower[6] = {1, U(arena + 4096), 1000};
    static const uint32_t places[] = {0, 1, 7, 8, 15, 500, 993, 999};
    uint64_t size = publish(SYS_write, leader);

    CHECK(same(SYS_write, follower, size));
    for (unsigned i = 0; i < sizeof places / sizeof places[0]; i++) {
        arena[4096 + places[i]] ^= 1;
        CHECK(!same(SYS_write, follower, size));
        CHECK(difference.mismatch == MV_PAYLOAD_BYTES && difference.offset == places[i] &&
              difference.arg == 1);
        arena[4096 + places[i]] ^= 1;
    }
    follower[2] = 999;
    CHECK(!same(SYS_write, follower, size));
    CHECK(difference.mismatch == MV_PAYLOAD_LENGTH && difference.offset == 999);
    follower[1] = 0;
    CHECK(!same(SYS_write, follower, size) && difference.mismatch == MV_PAYLOAD_MISSING);
    test_end("the_first_differing_byte_is_named");
}

static void pieces(void) {
    test_begin();
    struct iovec *one = (struct iovec *)arena, *other = one + 8;
    uint8_t *bytes = arena + 4096, *same_bytes = arena + 8192;
    uint64_t leader[6] = {1, U(one), 3}, follower[6] = {1, U(other), 4};

    for (unsigned i = 0; i < 100; i++)
        bytes[i] = same_bytes[i] = (uint8_t)i;
    one[0] = (struct iovec){bytes, 10};
    one[1] = (struct iovec){bytes + 10, 0};
    one[2] = (struct iovec){bytes + 10, 90};
    other[0] = (struct iovec){same_bytes, 40};
    other[1] = (struct iovec){same_bytes + 40, 1};
    other[2] = (struct iovec){same_bytes + 41, 58};
    other[3] = (struct iovec){same_bytes + 99, 1};
    uint64_t size = publish(SYS_writev, leader);
    CHECK(same(SYS_writev, follower, size));
    same_bytes[99] ^= 1;
    CHECK(!same(SYS_writev, follower, size) && difference.mismatch == MV_PAYLOAD_BYTES &&
          difference.offset == 99);
    same_bytes[99] ^= 1;
    other[3].iov_len = 2;
    CHECK(!same(SYS_writev, follower, size) && difference.mismatch == MV_PAYLOAD_LENGTH &&
          difference.offset == 100);
    follower[2] = 3;
    CHECK(!same(SYS_writev, follower, size) && difference.mismatch == MV_PAYLOAD_LENGTH &&
          difference.offset == 99);
    test_end("what_an_iovec_holds_counts_and_not_how_it_is_cut");
}

static void scalars(void) {
    test_begin();
    const struct mv_call_row *row = mv_call_find(SYS_openat);
    uint64_t a[6] = {U(-100), 1, O_RDONLY, 0600};
    uint64_t b[6] = {0xffffff9c, 2, O_RDONLY, 0};

    CHECK(mv_call_compare_scalars(row, a, b) == -1); // a 32-bit int; pointers; a mode that does not count
    a[2] = b[2] = O_CREAT;
    CHECK(mv_call_compare_scalars(row, a, b) == 3);
    b[2] = O_RDONLY;
    CHECK(mv_call_compare_scalars(row, a, b) == 2);
    row = mv_call_find(SYS_fcntl);
    uint64_t c[6] = {5, F_GETFL, 1}, d[6] = {5, F_GETFL, 2};
    CHECK(mv_call_compare_scalars(row, c, d) == -1);
    c[1] = d[1] = F_SETFL;
    CHECK(mv_call_compare_scalars(row, c, d) == 2);
    uint64_t e[6] = {3, 1ull << 40, 0}, f[6] = {3, 0, 0};
    CHECK(mv_call_compare_scalars(mv_call_find(SYS_lseek), e, f) == 1);
    test_end("scalars_are_compared_as_the_kernel_reads_them");
}

static void wrapping(void) {
    test_begin();
    uint64_t args[6] = {1, 0 - U(70), 100};
    uint64_t size = publish(SYS_write, args);

    CHECK(size == MV_PAYLOAD_SPAN(100));
    CHECK(same(SYS_write, args, size)); // unreadable on both sides: zeros
    test_end("a_buffer_that_wraps_around_the_end_of_memory_is_compared");
}

static void addresses(void) {
    test_begin();
    struct sockaddr_un *name = (struct sockaddr_un *)arena;
    struct sockaddr_in *inet = (struct sockaddr_in *)arena;
    uint64_t leader[6] = {5, U(name), sizeof *name}, follower[6] = {5, U(name + 1), sizeof *name};

    memset(name, 'x', sizeof *name);
    memset(name + 1, 'y', sizeof *name);
    name[0].sun_family = name[1].sun_family = AF_UNIX;
    strcpy(name[0].sun_path, "/run/socket");
    strcpy(name[1].sun_path, "/run/socket");
    uint64_t size = publish(SYS_connect, leader);
    CHECK(same(SYS_connect, follower, size)); // what stands behind the path is the stack's
    name[1].sun_path[5] = 'S';
    CHECK(!same(SYS_connect, follower, size) && difference.offset == 7);
    name[0].sun_path[0] = name[1].sun_path[0] = 0; // an abstract name: all of it
    name[1].sun_path[5] = name[0].sun_path[5];
    size = publish(SYS_connect, leader);
    CHECK(!same(SYS_connect, follower, size));

    leader[2] = follower[2] = sizeof *inet;
    follower[1] = U(inet + 1);
    inet[0] = inet[1] = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = 7};
    memset(inet[1].sin_zero, 'z', sizeof inet[1].sin_zero);
    size = publish(SYS_bind, leader);
    CHECK(same(SYS_bind, follower, size));
    inet[1].sin_port = 8;
    CHECK(!same(SYS_bind, follower, size));
    test_end("of_a_sockets_address_only_what_the_kernel_looks_at_is_compared");
}

static void opaque(void) {
    test_begin();
    struct epoll_event *event = (struct epoll_event *)arena;
    uint64_t leader[6] = {5, EPOLL_CTL_ADD, 6, U(event)}, follower[6] = {5, EPOLL_CTL_ADD, 6, U(event + 1)};
    uint64_t size;

    event[0] = (struct epoll_event){EPOLLIN, {.u64 = 1}};
    event[1] = (struct epoll_event){EPOLLIN, {.u64 = 2}};
    size = publish(SYS_epoll_ctl, leader);
    CHECK(same(SYS_epoll_ctl, follower, size));
    event[1].events = EPOLLOUT;
    CHECK(!same(SYS_epoll_ctl, follower, size) && difference.offset == 0);

    struct pollfd *fds = (struct pollfd *)(arena + 1024);
    uint64_t polled[6] = {U(fds), 2, 0}, polls[6] = {U(fds + 8), 2, 0};
    for (int i = 0; i < 2; i++) {
        fds[i] = (struct pollfd){i, POLLIN, 1};
        fds[8 + i] = (struct pollfd){i, POLLIN, 2};
    }
    size = publish(SYS_poll, polled);
    CHECK(same(SYS_poll, polls, size));
    fds[9].events = POLLOUT;
    CHECK(!same(SYS_poll, polls, size) && difference.offset == 12);
    test_end("user_data_and_stale_revents_are_not_compared");
}

static void bad_memory(void) {
    test_begin();
    uint8_t *beyond = arena + ARENA_SIZE;
    uint64_t args[6] = {1, U(beyond), 100};

    CHECK(publish(SYS_write, args) == 8 + 104);
    args[1] = U(beyond - 10);
    publish(SYS_write, args);
    CHECK(((uint8_t *)payload)[8 + 9] == 0xa5 && ((uint8_t *)payload)[8 + 10] == 0);
    args[1] = U(beyond);
    args[2] = 5;
    CHECK(mv_call_in_segments(mv_call_find(SYS_writev), args, segments, 9) == 0);
    CHECK(mv_call_in_segments(mv_call_find(SYS_sendmsg), args, segments, 9) == 0);
    CHECK(mv_call_in_segments(mv_call_find(SYS_execve), args, segments, 9) == 0);
    args[0] = U(beyond - 4); // a path without an end
    CHECK(mv_call_in_segments(mv_call_find(SYS_unlink), args, segments, 9) == 1 && segments[0].len == 4);
    args[0] = U(beyond);
    CHECK(mv_call_in_segments(mv_call_find(SYS_unlink), args, segments, 9) == 0);
    for (unsigned skip = 1; skip < 20; skip++) {
        char *text = (char *)beyond - skip;
        memset(text, 'x', skip - 1);
        text[skip - 1] = 0;
        CHECK(mv_guard_string(text, 4096) == skip);
    }
    // A string is as long at each alignment and limit, whatever stands in it and around it.
    static const char odd[] = "\x01\x80\xff\x7f\x81\x01\x01\x80";
    for (uint32_t skip = 0; skip < 8; skip++)
        for (uint32_t length = 0; length < 20; length++)
            for (uint32_t limit = 0; limit < 24; limit++) {
                char *text = (char *)arena + 8 + skip;
                memset(arena, 0, 64);
                for (uint32_t i = 0; i < length; i++)
                    text[i] = odd[(i + limit) % 8];
                text[length + 1] = 1;
                CHECK(mv_guard_string(text, limit) == (limit <= length ? limit : length + 1));
            }
    struct mv_call_entry entry;
    uint64_t accepts[6] = {3, U(arena), U(beyond)};
    mv_call_capture(mv_call_find(SYS_accept), accepts, &entry);
    CHECK(entry.length == 0);

    // Memory that only the follower can't write is an error, unless the kernel would not mind either.
    uint8_t *constant = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct mv_segment out = {arena, 16, 0, MV_HOW_BYTES, 0}, target = {constant, 16, 0, MV_HOW_BYTES, 0};
    uint64_t size = mv_payload_write(payload, &out, 1);
    CHECK(mv_payload_fill(payload, size, &target, 1) == MV_PAYLOAD_FAULT);
    out.how = target.how = MV_HOW_BYTES | MV_HOW_LAX;
    size = mv_payload_write(payload, &out, 1);
    CHECK(mv_payload_fill(payload, size, &target, 1) == 0);
    munmap(constant, 4096);
    test_end("bad_pointers_never_fault_in_the_walkers");
}

static void bad_payloads(void) {
    test_begin();
    uint64_t args[6] = {1, U(arena), 24};
    uint64_t size = publish(SYS_write, args);
    struct mv_segment target = {arena, 24, 1, MV_HOW_BYTES, 0};

    CHECK(mv_payload_fill(payload, size, &target, 1) == 0);
    CHECK(mv_payload_fill(payload, size - 8, &target, 1) == MV_PAYLOAD_MALFORMED);
    CHECK(mv_payload_fill(payload, 4, &target, 1) == MV_PAYLOAD_MALFORMED);
    CHECK(mv_payload_fill(payload, size, &target, 0) == MV_PAYLOAD_NO_ROOM);
    target.len = 23;
    CHECK(mv_payload_fill(payload, size, &target, 1) == MV_PAYLOAD_NO_ROOM);
    CHECK(!same(SYS_write, args, size - 8) && difference.mismatch == MV_PAYLOAD_BROKEN);
    memset(payload, 0xff, sizeof(uint32_t)); // the length
    CHECK(mv_payload_fill(payload, size, &target, 1) == MV_PAYLOAD_MALFORMED);
    CHECK(!same(SYS_write, args, size) && difference.mismatch == MV_PAYLOAD_BROKEN);
    args[2] = 0;
    CHECK(!same(SYS_write, args, size));
    size = publish(SYS_write, args);
    CHECK(size == 0);
    args[2] = 24;
    CHECK(!same(SYS_write, args, 0) && difference.mismatch == MV_PAYLOAD_SURPLUS);
    test_end("malformed_payloads_are_named_errors");
}

static void limits(void) {
    test_begin();
    struct iovec *iov = (struct iovec *)arena;
    uint64_t args[6] = {1, U(iov), 100};

    for (int i = 0; i < 100; i++)
        iov[i] = (struct iovec){arena + 8192, 10};
    CHECK(mv_call_in_segments(mv_call_find(SYS_writev), args, segments, 100) == 100);
    CHECK(mv_call_in_segments(mv_call_find(SYS_writev), args, segments, 99) == MV_SEGMENTS_TOO_MANY);
    args[2] = U(-1);
    iov[0].iov_len = U(-1);
    CHECK(mv_call_in_segments(mv_call_find(SYS_writev), args, segments, 1) == 1 &&
          segments[0].len == 0x7ffff000);
    uint64_t write_all[6] = {1, U(arena), U(-1)};
    CHECK(mv_call_in_segments(mv_call_find(SYS_write), write_all, segments, 1) == 1 &&
          segments[0].len == 0x7ffff000);
    uint64_t negative[6] = {1, U(arena), U(-5)};
    CHECK(mv_call_in_segments(mv_call_find(SYS_connect), negative, segments, 1) == 0);
    const char **strings = (const char **)(arena + 4096);
    strings[0] = "one";
    strings[1] = "";
    strings[2] = NULL;
    uint64_t executes[6] = {U("/bin/x"), U(strings), 0};
    CHECK(mv_call_in_segments(mv_call_find(SYS_execve), executes, segments, 9) == 3 && segments[1].len == 4);
    test_end("lengths_and_counts_are_bounded");
}

static void commands(void) {
    test_begin();
    const struct mv_call_row *prctl = mv_call_find(SYS_prctl), *ioctl = mv_call_find(SYS_ioctl);
    uint64_t set_name[6] = {15}, get_name[6] = {16}, dispatch[6] = {59}, no_option[6] = {12345};
    uint64_t fionread[6] = {3, 0x541b}, unlisted[6] = {3, 0x80107a01}, nothing[6] = {3, 0x7a01},
             configuration[6] = {3, 0x8912};

    CHECK(mv_call_class_of(prctl, set_name) == MV_CLASS_BOTH &&
          mv_call_class_of(prctl, get_name) == MV_CLASS_REPLAYED);
    CHECK(mv_call_class_of(prctl, dispatch) == MV_CLASS_REFUSED &&
          mv_call_class_of(prctl, no_option) == MV_CLASS_NONE);
    CHECK(mv_call_class_of(ioctl, fionread) == MV_CLASS_REPLAYED &&
          mv_call_class_of(ioctl, unlisted) == MV_CLASS_REPLAYED);
    CHECK(mv_call_class_of(ioctl, nothing) == MV_CLASS_NONE);
    CHECK(mv_call_class_of(mv_call_find(SYS_brk), nothing) == MV_CLASS_LOCAL);
    CHECK(mv_call_flags_of(ioctl, configuration) & MV_CALL_NOFOLLOW);
    CHECK(!(mv_call_flags_of(ioctl, fionread) & MV_CALL_NOFOLLOW));
    test_end("a_command_decides_about_its_call");
}

static void unknown(void) {
    test_begin();
    CHECK(mv_call_find(337) == NULL && mv_call_find(471) != NULL && mv_call_find(472) == NULL);
    CHECK(mv_call_find(U(-1)) == NULL && mv_call_find(0x40000000) == NULL);
    CHECK(mv_call_is_special(337) && mv_call_is_special(511) && mv_call_is_special(512) &&
          mv_call_is_special(U(-1)));
    CHECK(!mv_call_is_special(SYS_read) && mv_call_is_special(SYS_clone) && mv_call_is_special(425));
    test_end("a_number_without_a_row_is_special_and_unknown");
}

int main(void) {
    harness_start();
    first_byte();
    pieces();
    scalars();
    wrapping();
    addresses();
    opaque();
    bad_memory();
    bad_payloads();
    limits();
    commands();
    unknown();
    return failures != 0;
}
