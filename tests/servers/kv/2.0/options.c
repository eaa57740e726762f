#include "options.h"

#include <stdio.h>
#include <string.h>

#include "../base/log.h"
#include "settings.h"

static const char usage[] =
    "usage: kv [--bind ADDRESS] [--port PORT] [--threads N] [--log FILE] [--log-level error|notice|detail]\n"
    "          [--scan-limit N] [--max-keys N] [--max-line BYTES] [--max-value BYTES]\n"
    "          [--expiry-period MS] [--report-period MS]\n"
    "Port 0: the system chooses. Without --threads the main thread does everything.\n";

static bool number_below(const char *text, unsigned above, unsigned *number) {
    long long value;
    if (!text_number((struct text){text, strlen(text)}, 0, above - 1, &value))
        return false;
    *number = (unsigned)value;
    return true;
}

/* false: there is no such option, or not with this value. */
static bool read_one(struct options *options, const char *name, const char *value) {
    if (strcmp(name, "bind") == 0) {
        options->bind = value;
        return true;
    }
    if (strcmp(name, "port") == 0)
        return number_below(value, 65536, &options->port);
    if (strcmp(name, "threads") == 0)
        return number_below(value, 65, &options->threads);
    if (strcmp(name, "log") == 0) {
        options->log = value;
        return true;
    }
    if (strcmp(name, "log-level") == 0) {
        int level = log_level_named(value);
        if (level >= 0)
            log_set_level((enum log_level)level);
        return level >= 0;
    }
    const long *field = setting_named((struct text){name, strlen(name)});
    return field && setting_change(field, (struct text){value, strlen(value)});
}

int options_read(struct options *options, int count, char **arguments) {
    for (int i = 1; i < count; i += 2) {
        const char *name = arguments[i];
        if (strcmp(name, "--help") == 0) {
            printf("%s", usage);
            return 1;
        }
        if (strncmp(name, "--", 2) != 0 || i + 1 == count || !read_one(options, name + 2, arguments[i + 1])) {
            (void)fprintf(stderr, "kv: not understood: %s %s\n%s", name,
                          i + 1 == count ? "" : arguments[i + 1], usage);
            return -1;
        }
    }
    return 0;
}
