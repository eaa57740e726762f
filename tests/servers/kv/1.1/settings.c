#include "settings.h"

#include <stddef.h>

struct settings settings = {
    .scan_limit = 1000,
    .max_keys = 0,
    .max_line = 1L << 20,
    .expiry_period = 100,
    .report_period = 60000,
};

struct bounds {
    const char *name;
    long *field;
    long lowest, highest;
};

static const struct bounds all[] = {
    {"scan-limit", &settings.scan_limit, 1, 1000000},
    {"max-keys", &settings.max_keys, 0, 1000000000},
    {"max-line", &settings.max_line, 64, 1L << 28},
    {"expiry-period", &settings.expiry_period, 1, 60000},
    {"report-period", &settings.report_period, 10, 86400000},
};

enum { COUNT = sizeof all / sizeof *all };

long setting(const long *field) {
    return __atomic_load_n(field, __ATOMIC_RELAXED);
}

const long *setting_named(struct text name) {
    for (size_t i = 0; i < COUNT; i++)
        if (text_equals(name, all[i].name))
            return all[i].field;
    return NULL;
}

bool setting_change(const long *field, struct text value) {
    for (size_t i = 0; i < COUNT; i++) {
        long long number;
        if (all[i].field != field)
            continue;
        if (!text_number(value, all[i].lowest, all[i].highest, &number))
            return false;
        __atomic_store_n(all[i].field, (long)number, __ATOMIC_RELAXED);
        return true;
    }
    return false;
}
