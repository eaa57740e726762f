/* What a process may hold, made before anybody followed it, that a copy of it could neither share nor make
 * again: then there is no follower, and the request says why. */
#include "../process/ring.h"
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
        int ours = mv_family_is(&mapping) || mv_ring_is(start) ||
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

static int has_unknown_timers(struct mv_text *why) {
    if (mv_posix_timers_untracked())
        mv_text_add(why, "the server has had more than 4096 timers of timer_create at once");
    return mv_posix_timers_untracked();
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
    return shares_too_much(why) || writes_shared_memory(why) || has_unknown_timers(why);
}
