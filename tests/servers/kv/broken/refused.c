/* Makes calls that are refused where Mvedsua runs: rings of requests that the kernel carries out unseen, and
 * tracing. Says so in the log when they are, and goes on. */
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../base/log.h"
#include "broken.h"

enum { RING_ENTRIES = 4, PARAMETERS = 120 };

bool command_run(struct connection *connection, struct text line) {
    if (is_the_request(line)) {
        char parameters[PARAMETERS] = {0};
        long ring = syscall(SYS_io_uring_setup, RING_ENTRIES, parameters);
        if (ring >= 0)
            close((int)ring);
        else
            log_line(LOG_NOTICE, "no ring: %s", strerror(errno));
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
            log_line(LOG_NOTICE, "no tracing: %s", strerror(errno));
    }
    return sound_command_run(connection, line);
}
