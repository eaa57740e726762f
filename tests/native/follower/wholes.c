/* A server whose calls block until all of their bytes have moved, one call for each line: in its main thread
 * ("main", one connection after another) or in a thread for each connection ("thread").
 *
 * "write 600000" sends so many bytes by one call; so do writev, send, sendmsg, sendfile and pipe (into the
 * FIFO that is the second argument). "recv 600000" takes so many by one call, and recvmsg does. Then comes a
 * line: what the call returned, the sum of the bytes that it took, and the number of SIGUSR1s until then. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "lines.h"

#define PIECES 6 /* of a vector; of several sizes, also empty ones, of which one is the last */

static const char *fifo;

static int divide(struct iovec *vector, char *bytes, size_t size) {
    size_t done = 0;
    for (int i = 0; i < PIECES; i++) {
        size_t length = i == PIECES - 2 ? size - done : size * (size_t)(i % 3) / 8 * (i != PIECES - 1);
        vector[i] = (struct iovec){bytes + done, length};
        done += length;
    }
    return PIECES;
}

static long by_write(int connection, char *bytes, size_t size) {
    return write(connection, bytes, size);
}

/* -1: other registers than the kernel preserves are others behind the call. */
static long by_write_with_avx(int connection, char *bytes, size_t size) {
    unsigned char before[32], after[32];
    unsigned usual, control = 0xffc0 /* flushes to zero, truncates */, then;
    long result = 1 /* __NR_write */;
    if (!__builtin_cpu_supports("avx"))
        return by_write(connection, bytes, size);
    memset(before, 0xa5, sizeof before);
    __asm__ volatile(
        "vstmxcsr %[usual]\n vldmxcsr %[control]\n vmovdqu %[before], %%ymm7\n syscall\n"
        "vmovdqu %%ymm7, %[after]\n vzeroupper\n vstmxcsr %[then]\n vldmxcsr %[usual]"
        : "+a"(result), [after] "=m"(after), [usual] "+m"(usual), [then] "=m"(then)
        : "D"((long)connection), "S"(bytes), "d"(size), [before] "m"(before), [control] "m"(control)
        : "rcx", "r11", "xmm7", "memory");
    return memcmp(before, after, sizeof before) != 0 || then != control ? -1 : result;
}

static long by_writev(int connection, char *bytes, size_t size) {
    struct iovec vector[PIECES];
    return writev(connection, vector, divide(vector, bytes, size));
}

static long by_send(int connection, char *bytes, size_t size) {
    return send(connection, bytes, size, MSG_NOSIGNAL);
}

static long by_sendmsg(int connection, char *bytes, size_t size) {
    struct iovec vector[PIECES];
    struct msghdr message = {.msg_iov = vector, .msg_iovlen = (size_t)divide(vector, bytes, size)};
    return sendmsg(connection, &message, 0);
}

static long by_sendfile(int connection, char *bytes, size_t size) {
    int file = memfd_create("bytes", 0);
    off_t from = 0;
    if (file < 0 || write(file, bytes, size) != (long)size)
        return -1;
    long sent = sendfile(connection, file, &from, size);
    close(file);
    return from == sent ? sent : -1;
}

static long by_pipe(int connection, char *bytes, size_t size) {
    (void)connection;
    int pipe = open(fifo, O_WRONLY);
    long written = write(pipe, bytes, size);
    close(pipe);
    return written;
}

static long by_pipe_vector(int connection, char *bytes, size_t size) {
    (void)connection;
    struct iovec vector[PIECES];
    int pipe = open(fifo, O_WRONLY);
    long written = writev(pipe, vector, divide(vector, bytes, size));
    close(pipe);
    return written;
}

static long by_recv(int connection, char *bytes, size_t size) {
    return recv(connection, bytes, size, MSG_WAITALL);
}

static long by_recvmsg(int connection, char *bytes, size_t size) {
    struct iovec vector[PIECES];
    struct msghdr message = {.msg_iov = vector, .msg_iovlen = (size_t)divide(vector, bytes, size)};
    return recvmsg(connection, &message, MSG_WAITALL);
}

static const struct {
    const char *name;
    long (*moves)(int connection, char *bytes, size_t size);
} ways[] = {{"write", by_write},    {"write-avx", by_write_with_avx}, {"writev", by_writev},
            {"send", by_send},      {"sendmsg", by_sendmsg},          {"pipe", by_pipe},
            {"recv", by_recv},      {"pipe-vector", by_pipe_vector},  {"sendfile", by_sendfile},
            {"recvmsg", by_recvmsg}};

static volatile sig_atomic_t signals;

static void signalled(int number) {
    (void)number;
    signals++;
}

static void *lines(void *number_of_it) {
    int connection = (int)(long)number_of_it, small = 16384;
    char line[64], answer[64];
    setsockopt(connection, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    while (line_from(connection, line)) {
        char *space = strchr(line, ' ');
        size_t size = space ? (size_t)number(space + 1) : 0;
        unsigned char *bytes = malloc(size + 1);
        if (!space || !bytes) {
            free(bytes);
            break;
        }
        *space = 0;
        int takes = !strncmp(line, "recv", 4);
        for (size_t i = 0; i < size; i++)
            bytes[i] = takes ? 0 : (unsigned char)(i * 31 + (i >> 8));
        long moved = -1;
        for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
            if (!strcmp(line, ways[i].name))
                moved = ways[i].moves(connection, (char *)bytes, size);
        uint64_t sum = 0;
        for (size_t i = 0; takes && i < size; i++)
            sum = sum * 31 + bytes[i];
        free(bytes);
        if (snprintf(answer, sizeof answer, "%ld %llx %d\n", moved, (unsigned long long)sum, signals) > 0)
            say(connection, answer);
    }
    close(connection);
    return NULL;
}

int main(int argc, char **argv) {
    fifo = argv[2];
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = signalled, .sa_flags = SA_RESTART}, NULL);
    return serve_in(argv[1], argv[argc - 1], lines);
}
