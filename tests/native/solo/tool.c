/* tool port N            prints N ports of 127.0.0.1 that the system chose and nobody listens on
 * tool listening PORT PID  waits until somebody accepts connections on PORT; fails when PID ends first, or after 30 s */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in local(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((unsigned short)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int ports(int count)
{
    int held[64];
    for (int i = 0; i < count && i < 64; i++) { /* all held at once: no port is named twice */
        struct sockaddr_in address = local(0);
        socklen_t size = sizeof address;
        held[i] = socket(AF_INET, SOCK_STREAM, 0);
        if (bind(held[i], (struct sockaddr *)&address, size) || getsockname(held[i], (struct sockaddr *)&address, &size))
            return 1;
        printf("%d ", ntohs(address.sin_port));
    }
    putchar('\n');
    return 0;
}

static int listening(int port, pid_t pid)
{
    for (int tries = 0; tries < 6000; tries++) {
        struct sockaddr_in address = local(port);
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
            return 0;
        close(fd);
        if (kill(pid, 0) && errno == ESRCH)
            return 1;
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    }
    return 1;
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "port") == 0)
        return ports(atoi(argv[2]));
    if (argc > 3 && strcmp(argv[1], "listening") == 0)
        return listening(atoi(argv[2]), atoi(argv[3]));
    if (argc > 1 && strcmp(argv[1], "--list") == 0)
        return 0;
    return 2;
}
