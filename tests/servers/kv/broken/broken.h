/* Releases that are broken on purpose. Each file of this folder takes the place of one function of a release,
 * whose own definition the Makefile gives the name sound_FUNCTION. Most break at a request for a key's time
 * to live (TTL), as the release that crashed at HMGET once did.
 */
#ifndef KV_BROKEN_H
#define KV_BROKEN_H

#include "command.h"

bool sound_command_run(struct connection *connection, struct text line);

static inline bool is_the_request(struct text line) {
    return text_begins_with(line, (struct text){"TTL ", 4});
}

#endif
