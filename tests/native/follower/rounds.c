/* A server whose threads, one for each connection, meet in twos. Its lines:
 *   name NAME   names the connection's thread
 *   meet        waits for the other one at the barrier; answers 1 if it was told that it is the one, else 0
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../number.h"

static pthread_barrier_t barrier;

static void *serve(void *number) {
    int connection = (int)(long)number;
    char line[64];
    for (;;) {
        long size = 0;
        while (size < 63 && read(connection, line + size, 1) == 1 && line[size] != '\n')
            size++;
        line[size] = 0;
        if (!size)
            break;
        const char *answer = "ok\n";
        if (line[0] == 'n')
            prctl(PR_SET_NAME, line + 5);
        else
            answer = pthread_barrier_wait(&barrier) ? "1\n" : "0\n";
        (void)!write(connection, answer, strlen(answer));
    }
    close(connection);
    return NULL;
}

int main(int argc, char **argv) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    pthread_t thread;
    pthread_barrier_init(&barrier, NULL, 2);
    address.sin_port = htons((unsigned short)number(argv[argc - 1]));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 16))
        return 1;
    for (;;) {
        long accepted = accept(listener, NULL, NULL);
        if (accepted < 0 || pthread_create(&thread, NULL, serve, (void *)accepted) || pthread_detach(thread))
            return 1;
    }
}
