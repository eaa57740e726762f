/* Never comes to its loop: what is there to serve is waited for elsewhere. */
#include <unistd.h>

#include "server.h"

void serve(struct server *server) {
    while (server->store)
        pause();
}
