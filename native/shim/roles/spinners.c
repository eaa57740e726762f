/* Servers that can't be followed, by what is known of them (spinners.tbl): their threads go by words of
 * memory for which they spin, and the log has no order of those. Their follower would part from them at some
 * moment, or wait for ever for a word that its own threads have passed by; so it is refused beforehand. */
#include "../calls/guard.h"
#include "../sys.h"
#include "roles.h"

#include <linux/prctl.h>

static const struct {
    const char *name, *whose, *setting;
} spinners[] = {
#define MV_SPINNER(name, whose, setting) {name, whose, setting},
#include "spinners.tbl"
#undef MV_SPINNER
};

/* 1: `name` is such a thread's, and `why` tells it. */
static int spins(const uint8_t name[16], struct mv_text *why) {
    for (size_t i = 0; i < sizeof spinners / sizeof spinners[0]; i++) {
        const char *begins = spinners[i].name;
        size_t length = 0;
        while (begins[length] && (char)name[length] == begins[length])
            length++;
        if (begins[length])
            continue;
        mv_text_add(why, "the server has ");
        mv_text_add(why, spinners[i].whose);
        mv_text_add(why,
                    ", which spin for words of memory whose order no log has: a follower could not keep in "
                    "step. Start it with '");
        mv_text_add(why, spinners[i].setting);
        mv_text_add(why, "'");
        return 1;
    }
    return 0;
}

/* All threads are parked, which has noted their names. */
int mv_has_spinners(struct mv_text *why) {
    for (const struct mv_thread *area = mv_area_next(NULL); area;
         area = mv_area_next((struct mv_thread *)area))
        if (area->scheduling.known && spins(area->scheduling.name, why))
            return 1;
    return 0;
}

/* The leader's thread is about to take a name. */
void mv_spinner_named(const uint64_t args[6]) {
    uint8_t name[16] = {0};
    struct mv_text why = {.used = 0};
    if (args[0] != PR_SET_NAME || !mv_leader_has_follower())
        return;
    mv_guard_copy(name, (const void *)args[1], sizeof name - 1); /* a shorter one may end where memory does */
    if (spins(name, &why))
        mv_end_followers(MV_REASON_UNSUPPORTED, 0, why.bytes);
}
