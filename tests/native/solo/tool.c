/* tool port N            prints N free ports of 127.0.0.1
 * tool listening PORT PID  waits until somebody accepts connections on PORT; fails when PID ends first, or
 * after 30 s tool without-wx COMMAND…  where nothing can be both writable and executable (PR_SET_MDWE); 77:
 * this kernel can't */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../number.h"

static struct sockaddr_in local(int port) {
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((unsigned short)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* Not out of the range from which the kernel serves connect(): a load generator beside us would take the port
 * before the server does. */
static int ports(int count) {
    int held[64], low = 32768;
    char first[16] = "";
    FILE *range = fopen("/proc/sys/net/ipv4/ip_local_port_range", "r");
    if (range && fgets(first, sizeof first, range) && strchr(first, '\t')) {
        *strchr(first, '\t') = 0;
        low = (int)number(first);
    }
    if (range)
        (void)fclose(range);
    for (int i = 0, tries = 0; i < count && i < 64 && tries < 10000;
         tries++) { /* all held at once: none is named twice */
        unsigned random;
        if (getrandom(&random, sizeof random, 0) != sizeof random || low < 12000)
            return 1;
        struct sockaddr_in address = local(10240 + (int)(random % (unsigned)(low - 10240)));
        held[i] = socket(AF_INET, SOCK_STREAM, 0);
        if (bind(held[i], (struct sockaddr *)&address, sizeof address)) {
            close(held[i]);
            continue;
        }
        printf("%d ", ntohs(address.sin_port));
        i++;
    }
    putchar('\n');
    return 0;
}

static int listening(int port, pid_t pid) {
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

int main(int argc, char **argv) {
    if (argc > 2 && strcmp(argv[1], "port") == 0)
        return ports((int)number(argv[2]));
    if (argc > 3 && strcmp(argv[1], "listening") == 0)
        return listening((int)number(argv[2]), (int)number(argv[3]));
    if (argc > 2 && strcmp(argv[1], "without-wx") == 0) {
        if (prctl(65 /* PR_SET_MDWE */, 1, 0, 0, 0))
            return 77;
        execvp(argv[2], argv + 2);
        return 127;
    }
    if (argc > 1 && strcmp(argv[1], "--list") == 0)
        return 0;
    return 2;
}
