/* The signals that a server is told by: SIGTERM and SIGINT end it, SIGHUP opens its log anew. They are
 * blocked but while the main thread waits, so that none comes between the question and the wait.
 */
#ifndef KV_SIGNALS_H
#define KV_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/* Before threads are started: they inherit that the signals are blocked. */
void signals_start(void);

/* The mask for the main thread's wait. */
const sigset_t *signals_while_waiting(void);

bool signals_end_asked(void);

/* Since it was asked last. */
bool signals_reopen_asked(void);

#endif
