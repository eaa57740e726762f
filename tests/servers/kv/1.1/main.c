#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/hash.h"
#include "../base/log.h"
#include "server.h"

static struct options options = {.bind = "127.0.0.1", .port = 7007};

int main(int count, char **arguments) {
    int read = options_read(&options, count, arguments);
    if (read)
        return read < 0 ? 2 : EXIT_SUCCESS;
    if (log_open(options.log)) {
        (void)fprintf(stderr, "kv: the log file %s can't be opened: %s\n", options.log, strerror(errno));
        return EXIT_FAILURE;
    }
    if (hash_start()) {
        log_line(LOG_ERROR, "no random numbers: %s", strerror(errno));
        return EXIT_FAILURE;
    }
    if (server_start(&server, &options))
        return EXIT_FAILURE;
    serve(&server);
    server_end(&server);
    log_line(LOG_NOTICE, "kv %s has ended", server_version);
    return EXIT_SUCCESS;
}
