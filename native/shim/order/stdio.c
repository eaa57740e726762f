/* Streams. libc locks a stream inside each of its functions, where nobody can be told; so a function that
 * works on a stream is called, in the roles that count, with the stream locked as by flockfile, which can be
 * taken twice. What several threads print to one stream then stands there in the same order in both.
 *
 * Cancellation waits meanwhile (none of these has to be a point of it): the lock would be left behind. What
 * works on all streams at once, wide characters and scanf are left to libc. */
#include "interpose.h"

#include <stdarg.h>

extern void *stdout __attribute__((weak)), *stdin __attribute__((weak));
extern int pthread_setcancelstate(int state, int *old) __attribute__((weak));

/* name, result, parameters, arguments, the stream among them */
#define STREAM_FUNCTIONS(X)                                                                                  \
    X(fputs, int, (const char *text, void *at), (text, at), at)                                              \
    X(puts, int, (const char *text), (text), stdout)                                                         \
    X(fputc, int, (int c, void *at), (c, at), at)                                                            \
    X(putc, int, (int c, void *at), (c, at), at)                                                             \
    X(putchar, int, (int c), (c), stdout)                                                                    \
    X(fwrite, size_t, (const void *from, size_t size, size_t n, void *at), (from, size, n, at), at)          \
    X(fflush, int, (void *at), (at), at)                                                                     \
    X(fgets, char *, (char *to, int size, void *at), (to, size, at), at)                                     \
    X(__fgets_chk, char *, (char *to, size_t room, int size, void *at), (to, room, size, at), at)            \
    X(fgetc, int, (void *at), (at), at)                                                                      \
    X(getc, int, (void *at), (at), at)                                                                       \
    X(getchar, int, (void), (), stdin)                                                                       \
    X(ungetc, int, (int c, void *at), (c, at), at)                                                           \
    X(fread, size_t, (void *to, size_t size, size_t n, void *at), (to, size, n, at), at)                     \
    X(__fread_chk, size_t, (void *to, size_t room, size_t size, size_t n, void *at),                         \
      (to, room, size, n, at), at)                                                                           \
    X(getline, long, (char **line, size_t *size, void *at), (line, size, at), at)                            \
    X(getdelim, long, (char **line, size_t *size, int end, void *at), (line, size, end, at), at)             \
    X(__getdelim, long, (char **line, size_t *size, int end, void *at), (line, size, end, at), at)           \
    X(fseek, int, (void *at, long offset, int whence), (at, offset, whence), at)                             \
    X(fseeko, int, (void *at, long offset, int whence), (at, offset, whence), at)                            \
    X(fseeko64, int, (void *at, long offset, int whence), (at, offset, whence), at)                          \
    X(ftell, long, (void *at), (at), at)                                                                     \
    X(ftello, long, (void *at), (at), at)                                                                    \
    X(ftello64, long, (void *at), (at), at)                                                                  \
    X(vfprintf, int, (void *at, const char *format, va_list list), (at, format, list), at)                   \
    X(vprintf, int, (const char *format, va_list list), (format, list), stdout)                              \
    X(__vfprintf_chk, int, (void *at, int flag, const char *format, va_list list), (at, flag, format, list), \
      at)                                                                                                    \
    X(__vprintf_chk, int, (int flag, const char *format, va_list list), (flag, format, list), stdout)

static struct {
    void (*lock)(void *);
    int (*trylock)(void *);
    void (*unlock)(void *);
// NOLINTNEXTLINE(bugprone-macro-parentheses)
#define FIELD(name, result, parameters, arguments, stream) result(*name) parameters;
    STREAM_FUNCTIONS(FIELD)
} real;

#define FIND(field, name) (real.field = (__typeof__(real.field))MV_REAL(name));

static int take(void *at) {
    real.lock(at);
    return 0;
}

static int give(void *at) {
    real.unlock(at);
    return 0;
}

static const struct mv_object stream_lock = {take, give};

void mv_stdio_find(void) {
    FIND(lock, "flockfile")
    FIND(trylock, "ftrylockfile")
    FIND(unlock, "funlockfile")
#define FIND_IT(name, result, parameters, arguments, stream) FIND(name, #name)
    STREAM_FUNCTIONS(FIND_IT)
}

static void lock(void *at, void *caller) {
    int told;
    if (!mv_replays(caller))
        mv_comes(caller);
    else if (mv_acquire_in_turn(mv_self, &stream_lock, MV_ORDER_LOCK, at, &told, caller))
        return;
    mv_order_settle(&stream_lock, MV_ORDER_LOCK, at, take(at), caller);
}

EXPORT void flockfile(void *at) {
    lock(at, __builtin_return_address(0));
}

EXPORT int ftrylockfile(void *at) {
    MV_TAKES(stream_lock, MV_ORDER_TRYLOCK, real.trylock(at));
}

/* Before and after a function on a stream: the state of cancellation, or -1 when nothing is to be done. */
static int enter(void *at, void *caller) {
    int state = 0;
    if (__builtin_expect(mv.role == MV_ROLE_SOLO, 1) || !at || !mv_ordered(mv_self, caller))
        return -1;
    pthread_setcancelstate(1 /* DISABLE */, &state);
    lock(at, caller);
    return state;
}

static void leave(void *at, int state) {
    if (__builtin_expect(state < 0, 1))
        return;
    real.unlock(at);
    pthread_setcancelstate(state, &state);
}

#define DEFINE(name, result, parameters, arguments, stream)                                                  \
    EXPORT result name parameters {                                                                          \
        int state = enter(stream, __builtin_return_address(0));                                              \
        result value = real.name arguments;                                                                  \
        leave(stream, state);                                                                                \
        return value;                                                                                        \
    }
STREAM_FUNCTIONS(DEFINE)

/* (These take floating point numbers: this file is compiled with the registers of ordinary code.) */
#define DEFINE_VARIADIC(name, list_name, parameters, arguments, stream)                                      \
    EXPORT int name parameters {                                                                             \
        va_list list;                                                                                        \
        int state = enter(stream, __builtin_return_address(0));                                              \
        va_start(list, format);                                                                              \
        int value = real.list_name arguments;                                                                \
        va_end(list);                                                                                        \
        leave(stream, state);                                                                                \
        return value;                                                                                        \
    }
DEFINE_VARIADIC(fprintf, vfprintf, (void *at, const char *format, ...), (at, format, list), at)
DEFINE_VARIADIC(printf, vprintf, (const char *format, ...), (format, list), stdout)
DEFINE_VARIADIC(__fprintf_chk, __vfprintf_chk, (void *at, int flag, const char *format, ...),
                (at, flag, format, list), at)
DEFINE_VARIADIC(__printf_chk, __vprintf_chk, (int flag, const char *format, ...), (flag, format, list),
                stdout)
