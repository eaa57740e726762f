/* Who dies where: drawn for each generation, or forced. The plan is the leader's; the follower inherits it
 * with the rest of the memory, the keeper shares it. Passages are counted by each process for itself. */
#ifndef MV_FAULTS
#define MV_FAULTS /* this file is in no other build; said for tools that read it alone */
#endif
#include "fault.h"

#include "../state.h"
#include "../sys.h"

enum role { LEADER, FOLLOWER, KEEPER, PROMOTED, ROLES };
enum { LIVES, ENDS, FORCED };
#define NAP_NS 600000000

static const char *const role_names[ROLES] = {"leader", "follower", "keeper", "promoted"};
/* Of 100 drawn deaths. */
static const uint32_t weights[ROLES] = {58, 24, 15, 3};

struct point {
    const char *name;
    uint32_t role, ends, span;
};
static const struct point points[MV_FAULT_POINTS] = {
#define MV_FAULT_POINT(point, name, role, end, span) [MV_FAULT_##point] = {name, role, end, span},
#include "points.def"
#undef MV_FAULT_POINT
};

static struct {
    uint64_t seed;
    uint64_t generation;
    uint64_t only; /* forced: in this generation alone; 0: in each */
    uint64_t count;
    uint64_t passed;
    uint32_t drawn, forced; /* by seed; a point */
    uint32_t stops;         /* forced: it stands still there (SIGSTOP) */
    uint32_t naps;          /* forced: that thread alone stands still there, for NAP_NS */
} plan;
uint32_t mv_fault_next;

static uint64_t mixed(uint64_t x) {
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9ull;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

/* Where one of that role may be drawn to die. (A leader, a follower or a keeper where the service survives
 * it; a follower that takes over has nobody behind it.) */
static int drawable(const struct point *point, uint32_t role) {
    return point->role == role && (point->ends == LIVES || (role == PROMOTED && point->ends == ENDS));
}

static uint32_t draw(void) {
    uint64_t random = mixed(plan.seed + mixed(plan.generation + 0x9e3779b97f4a7c15ull));
    uint32_t role = LEADER, percent = (uint32_t)(random % 100), candidates = 0;
    while (percent >= weights[role])
        percent -= weights[role++];
    for (uint32_t i = 1; i < MV_FAULT_POINTS; i++)
        candidates += (uint32_t)drawable(&points[i], role);
    random = mixed(random);
    uint32_t left = (uint32_t)(random % candidates), at = 1;
    while (!drawable(&points[at], role) || left--)
        at++;
    plan.count = 1 + mixed(random) % points[at].span;
    return at;
}

/* "generation 3 of seed 17: the leader dies at after-call, passage 211" */
static void describe(struct mv_text *text, uint32_t point) {
    mv_text_add(text, "fault: generation ");
    mv_text_number(text, (long)plan.generation);
    if (plan.drawn) {
        mv_text_add(text, " of seed ");
        mv_text_number(text, (long)plan.seed);
    }
    mv_text_add(text, ": the ");
    mv_text_add(text, role_names[points[point].role]);
    mv_text_add(text, plan.stops ? " stops at " : plan.naps ? " naps at " : " dies at ");
    mv_text_add(text, points[point].name);
    mv_text_add(text, ", passage ");
    mv_text_number(text, (long)plan.count);
}

void mv_fault_generation(uint64_t generation) {
    __atomic_store_n(&mv_fault_next, MV_FAULT_NONE, __ATOMIC_RELEASE);
    plan.generation = generation;
    plan.passed = 0;
    uint32_t next = plan.drawn ? draw() : plan.only && generation != plan.only ? MV_FAULT_NONE : plan.forced;
    if (next == MV_FAULT_NONE)
        return;
    struct mv_text text = {.used = 0};
    describe(&text, next);
    mv_say(MV_INFORMATION, &text);
    __atomic_store_n(&mv_fault_next, next, __ATOMIC_RELEASE);
}

static int has_followers(void) {
    int found = 0;
    for (uint32_t version = 0; version < MV_VERSIONS; version++)
        found |= mv.control->publishing[version] && mv.control->members[version].pid;
    return found;
}

/* Is this the process that is to die? A leader whose follower is gone is spared: that is another trial. A
 * child of vfork borrows the leader's memory, the keeper shares it. */
static int concerns(const struct point *point, uint32_t pid) {
    switch (point->role) {
    case LEADER:
        return pid == mv.pid && mv.role == MV_ROLE_LEADER && (point->ends || has_followers());
    case FOLLOWER:
        return pid == mv.pid && mv.role == MV_ROLE_FOLLOWER;
    case KEEPER:
        return pid != mv.pid;
    default:
        return pid == mv.pid;
    }
}

void mv_fault_passed(void) {
    uint32_t point = mv_fault_next;
    uint32_t pid = (uint32_t)mv_sys0(__NR_getpid);
    if (point == MV_FAULT_NONE || !mv.control || !concerns(&points[point], pid) ||
        __atomic_add_fetch(&plan.passed, 1, __ATOMIC_ACQ_REL) != plan.count)
        return;
    struct mv_text text = {.used = 0};
    describe(&text, point);
    mv_text_add(&text, ": now");
    mv_say(MV_WARNING, &text);
    if (plan.naps) {
        int64_t left[2] = {0, NAP_NS};
        while (mv_sys2(__NR_nanosleep, (long)left, (long)left) == -4 /* EINTR: a kick */)
            ;
        return;
    }
    do
        mv_sys2(__NR_kill, pid, plan.stops ? 19 /* STOP */ : 9);
    while (!plan.stops);
}

void mv_fault_forget(void) {
    plan.drawn = plan.forced = 0;
    mv_fault_next = MV_FAULT_NONE;
}

/* ---- the variable ---------------------------------------------------------------------------------- */

/* Takes a number up to ':' or the end; 0: there is none. */
static int number(const char **at, uint64_t *value) {
    const char *begin = *at;
    for (*value = 0; **at >= '0' && **at <= '9'; ++*at)
        *value = *value * 10 + (uint64_t)(**at - '0');
    return *at != begin && (**at == ':' || **at == 0);
}

static int word(const char **at, const char *name) {
    uint32_t i = 0;
    while (name[i] && (*at)[i] == name[i])
        i++;
    if (name[i] || ((*at)[i] != ':' && (*at)[i] != 0))
        return 0;
    *at += i;
    return 1;
}

static int forced(const char *at) {
    uint32_t point = 1;
    const char *after = at;
    if (word(&after, "stop") && *after == ':') {
        plan.stops = 1;
        at = after + 1;
    } else if ((after = at, word(&after, "nap")) && *after == ':') {
        plan.naps = 1;
        at = after + 1;
    }
    while (point < MV_FAULT_POINTS && !word(&at, points[point].name))
        point++;
    if (point == MV_FAULT_POINTS)
        return 0;
    plan.forced = point;
    plan.count = plan.only = 1;
    if (*at && (at++, !number(&at, &plan.count) || !plan.count))
        return 0;
    if (*at && (at++, !word(&at, role_names[points[point].role])))
        return 0;
    if (*at && (at++, !number(&at, &plan.only)))
        return 0;
    return *at == 0;
}

void mv_fault_start(char *const *envp) {
    static const char name[] = "MVEDSUA_FAULTS=";
    for (; *envp; envp++) {
        const char *at = *envp;
        uint32_t i = 0;
        while (name[i] && at[i] == name[i])
            i++;
        if (name[i])
            continue;
        at += i;
        const char *digits = at;
        if (number(&digits, &plan.seed) && *digits == 0)
            plan.drawn = 1;
        else if (!forced(at))
            mv_fail(
                "MVEDSUA_FAULTS is neither a seed nor POINT[:COUNT[:ROLE[:GENERATION]]]: "
                "native/shim/fault/points.def names "
                "the points and whose they are");
        return;
    }
}
