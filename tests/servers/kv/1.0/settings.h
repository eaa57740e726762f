/* What can be set while the server runs (CONFIG) and at its start (--NAME VALUE).
 */
#ifndef KV_SETTINGS_H
#define KV_SETTINGS_H

#include <stdbool.h>

#include "../base/text.h"

struct settings {
    long scan_limit;    /* keys that SCAN answers at most */
    long max_keys;      /* the least recently used ones above it are dropped; 0: no limit */
    long max_line;      /* bytes of a request, its newline left out */
    long expiry_period; /* milliseconds between two searches for expired keys */
    long report_period; /* milliseconds between two reports in the log */
};

extern struct settings settings;

/* One of the settings' values now; any thread may ask. */
long setting(const long *field);

/* The field of this name, or NULL. */
const long *setting_named(struct text name);

/* false: the value is not within the setting's bounds. */
bool setting_change(const long *field, struct text value);

#endif
