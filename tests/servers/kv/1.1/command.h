/* The commands: what a request means, and its answer.
 */
#ifndef KV_COMMAND_H
#define KV_COMMAND_H

#include <stdbool.h>

#include "connection.h"

/* Carries a request out and adds its answer to the connection's output. false: the client wants to end. */
bool command_run(struct connection *connection, struct text line);

#endif
