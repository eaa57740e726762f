/* The socket that clients connect to.
 */
#ifndef KV_LISTENER_H
#define KV_LISTENER_H

/* Listens at a numeric address, IPv4 or IPv6; port 0: the system chooses one. Prints the address that it has
 * to standard output and lets the process have as many descriptors as it may. -1: the reason is in the log.
 */
int listener_open(const char *address, unsigned port, const char *version);

#endif
