/* A server whose descriptor numbers change what they mean: a pipe's is a file's later, a connection's bytes
 * are moved by a child.
 *
 *   pipe          makes one: its numbers
 *   file PATH     closes the pipe and opens a file: its number, which was the pipe's
 *   put TEXT      writes to that file: how much, and where it stands then
 *   child TEXT    a child writes a line of its own to the connection, and ends
 *   anything else is given back */
#include <fcntl.h>
#include <sys/wait.h>

#include "server.h"

static int ends[2], file, connection;

static void answer(char *reply, char *line) {
    char *text = strchr(line, ' ');
    line[strcspn(line, "\n")] = 0;
    if (!strcmp(line, "pipe")) {
        char byte = 'p';
        if (pipe(ends) || write(ends[1], &byte, 1) != 1 || read(ends[0], &byte, 1) != 1)
            exit(1);
        (void)snprintf(reply, 256, "%d %d\n", ends[0], ends[1]);
    } else if (!strncmp(line, "file ", 5)) {
        close(ends[0]);
        close(ends[1]);
        file = open(text + 1, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        (void)snprintf(reply, 256, "%d\n", file);
    } else if (!strncmp(line, "put ", 4)) {
        ssize_t size = write(file, text + 1, strlen(text + 1));
        (void)snprintf(reply, 256, "%zd %ld\n", size, (long)lseek(file, 0, SEEK_CUR));
    } else if (!strncmp(line, "child ", 6)) {
        pid_t child = fork();
        if (child == 0) {
            (void)snprintf(reply, 256, "%s\n", text + 1);
            _exit(write(connection, reply, strlen(reply)) < 0);
        }
        waitpid(child, NULL, 0);
        (void)snprintf(reply, 256, "done\n");
    } else {
        (void)snprintf(reply, 256, "%s\n", line);
    }
}

int main(int argc, char **argv) {
    int listener = listen_on(argv[argc - 1]);
    while (listener >= 0 && (connection = accept(listener, NULL, NULL)) >= 0) {
        char line[128], reply[256];
        ssize_t size;
        while ((size = read(connection, line, sizeof line - 1)) > 0) {
            line[size] = 0;
            answer(reply, line);
            if (write(connection, reply, strlen(reply)) < 0)
                break;
        }
        close(connection);
    }
    return 1;
}
