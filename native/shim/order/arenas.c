/* glibc's malloc asks the system two things, each in the thread that first needs to know. Which one that is
 * depends on time; in a follower it may be another. So neither is asked.
 *
 * The number of processors limits the number of arenas: the limit is set beforehand, to what it would be.
 * Whether memory may be overcommitted decides how an arena gives back what it does not need: it can't be
 * known, and then is taken for yes. (With vm.overcommit_memory = 2 such memory is given back, but stays
 * accounted for.) */
#include "../calls/guard.h"
#include "order.h"

extern char **environ __attribute__((weak));
extern int mallopt(int parameter, int value) __attribute__((weak));
extern int get_nprocs(void) __attribute__((weak));
#define M_ARENA_MAX    (-8)
#define ARENAS_PER_CPU 8 /* glibc's NARENAS_FROM_NCORES with 64 bits */

static int begins_with(const char *text, const char *word) {
    while (*word && *text == *word)
        text++, word++;
    return !*word;
}

/* Has the user set a limit? */
static int is_set(void) {
    for (char **variable = environ; variable && *variable; variable++) {
        if (begins_with(*variable, "MALLOC_ARENA_MAX="))
            return 1;
        if (begins_with(*variable, "GLIBC_TUNABLES="))
            for (const char *at = *variable; *at; at++)
                if (begins_with(at, "glibc.malloc.arena_max="))
                    return 1;
    }
    return 0;
}

/* In the constructor of a process that may be followed. */
void mv_arenas_limit(void) {
    if (&environ && mallopt && get_nprocs && !is_set())
        mallopt(M_ARENA_MAX, ARENAS_PER_CPU * get_nprocs());
}

/* Leader and follower: does the allocator open the file that tells whether memory may be overcommitted? It
 * does so by a name that stands in libc, as the call does. */
int mv_arenas_ask(const struct mv_frame *frame) {
    static const char name[] = "/proc/sys/vm/overcommit_memory";
    const uint64_t library = 4u << 20;
    char path[sizeof name] = {0};
    if (frame->rdx != 02000000 /* O_RDONLY | O_CLOEXEC */ ||
        frame->rsi - frame->site + library > 2 * library ||
        mv_guard_copy(path, (const void *)frame->rsi, sizeof path))
        return 0;
    unsigned i = 0;
    while (i < sizeof name && path[i] == name[i])
        i++;
    return i == sizeof name;
}
