/* What a process may hold, made before anybody followed it, that a copy of it could neither share nor make
 * again: then there is no follower, and the request says why. */
#include "../rewrite/maps.h"
#include "../sys.h"
#include "roles.h"

/* Memory that the process shares with others and may write: a copy of the process would write it too. */
static int writes_shared_memory(struct mv_text *why) {
    struct mv_maps maps;
    struct mv_mapping mapping;
    int found = 0;
    if (mv_maps_open(&maps))
        return 0;
    mv_shared_forget_all();
    while (!found && mv_maps_next(&maps, &mapping)) {
        uint64_t start = mapping.start;
        int ours = mv_family_is(&mapping) ||
                   (start >= (uint64_t)mv.control && start < (uint64_t)mv.control + MV_CONTROL_SPAN);
        for (unsigned version = 0; version < MV_VERSIONS; version++)
            ours |= start >= (uint64_t)mv.logs[version] &&
                    start < (uint64_t)mv.logs[version] + MV_MAX_THREADS * MV_LOG_SPAN;
        found = mapping.shared && (mapping.prot & 2) && !ours;
        if (mapping.shared && !ours && !mv_shared_mapped(start, mapping.end - start)) {
            mv_text_add(why, "the server has more mappings that it shares with others than can be watched");
            mv_maps_close(&maps);
            return 1;
        }
    }
    if (found) {
        mv_text_add(why, "the server writes memory that it shares with other processes (");
        for (size_t i = 0; i < mapping.name_length && i < 80; i++) {
            char byte[2] = {mapping.name[i], 0};
            mv_text_add(why, byte);
        }
        mv_text_add(why, "); a follower can't have a copy of it");
    }
    mv_maps_close(&maps);
    return found;
}

/* POSIX timers end with their process. /proc/self/timers tells the signal of each as "signal: 14/…"; those of
 * the shim's own deferrals (late.c) are SIGSYS's. */
static int has_timers(struct mv_text *why) {
    static const char name[] = "\nsignal: ", own[] = "31/";
    char text[512] = {0};
    unsigned matched = 1, named = 0, found = 0; /* the text begins with a line */
    long fd = mv_sys4(__NR_openat, -100, (long)"/proc/self/timers", 02000000 /* O_CLOEXEC */, 0), n;
    if (mv_is_error(fd))
        return 0; /* a kernel without them */
    while ((n = mv_sys3(__NR_read, fd, (long)text, sizeof text)) > 0)
        for (long i = 0; i < n && !found; i++) {
            if (!name[matched]) {
                found = text[i] != own[named++];
                matched = own[named] ? matched : 0;
                named = own[named] ? named : 0;
                continue;
            }
            matched = text[i] == name[matched] ? matched + 1 : text[i] == '\n';
        }
    mv_sys1(__NR_close, fd);
    if (found)
        mv_text_add(why, "the server has a timer of timer_create, which a follower could not make again");
    return (int)found;
}

static int shares_too_much(struct mv_text *why) {
    const char *reason = mv_family_look();
    if (!reason)
        return 0;
    mv_text_add(why, "the server can't be copied: ");
    mv_text_add(why, reason);
    return 1;
}

int mv_obstacle(struct mv_text *why) {
    return shares_too_much(why) || writes_shared_memory(why) || has_timers(why);
}
