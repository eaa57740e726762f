/* The interposed functions of C11's threads. libc's own are not made of the POSIX ones by name. */
#include "interpose.h"

static struct {
    struct mv_object mutex;
    int (*trylock)(void *);
    int (*timedlock)(void *, const void *);
    int (*wait)(void *, void *);
    int (*timedwait)(void *, void *, const void *);
    int (*signal)(void *);
    int (*broadcast)(void *);
} real;

#define FIND(field, name) (real.field = (__typeof__(real.field))MV_REAL(name))

void mv_c11_find(void) {
    FIND(mutex.take, "mtx_lock");
    FIND(mutex.give, "mtx_unlock");
    FIND(trylock, "mtx_trylock");
    FIND(timedlock, "mtx_timedlock");
    FIND(wait, "cnd_wait");
    FIND(timedwait, "cnd_timedwait");
    FIND(signal, "cnd_signal");
    FIND(broadcast, "cnd_broadcast");
}

EXPORT int mtx_lock(void *at) {
    MV_TAKES(real.mutex, MV_ORDER_LOCK, real.mutex.take(at));
}
EXPORT int mtx_trylock(void *at) {
    MV_TAKES(real.mutex, MV_ORDER_TRYLOCK, real.trylock(at));
}
EXPORT int mtx_timedlock(void *at, const void *until) {
    MV_TAKES(real.mutex, MV_ORDER_LOCK, real.timedlock(at, until));
}
EXPORT int cnd_wait(void *condition, void *at) {
    MV_WAITS(real.mutex, real.wait(condition, at));
}
EXPORT int cnd_timedwait(void *condition, void *at, const void *until) {
    MV_WAITS(real.mutex, real.timedwait(condition, at, until));
}
EXPORT int cnd_signal(void *condition) {
    MV_SIGNALS(real.signal(condition));
}
EXPORT int cnd_broadcast(void *condition) {
    MV_SIGNALS(real.broadcast(condition));
}
