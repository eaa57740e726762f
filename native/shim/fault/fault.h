/* Fault points: places at which a process of a test build kills itself. `make -C native/shim FAULTS=1` builds
 * OUT/faults/libmvedsua.so; in every other build mv_fault() is nothing at all.
 *
 *   MVEDSUA_FAULTS=SEED                           in each generation one process dies at one point: who,
 * where and at which passage follow from (seed, generation) alone
 *   MVEDSUA_FAULTS=POINT[:COUNT[:ROLE[:GENERATION]]]
 *                                                 … at this point, at its COUNT-th passage (1), of generation
 * 1 or GENERATION (0: each)
 *   MVEDSUA_FAULTS=stop:POINT…                    … stands still there instead (SIGSTOP)
 *   MVEDSUA_FAULTS=nap:POINT…                     … or its thread does, for a while, and goes on
 *
 * A generation begins with the making of a follower, and has the number of control.generation. What is drawn
 * is said as it begins; whoever dies says so, in one line, and is then gone by SIGKILL. */
#ifndef MV_FAULT_H
#define MV_FAULT_H

#include <stdint.h>

enum mv_fault_point {
    MV_FAULT_NONE = 0,
#define MV_FAULT_POINT(point, name, role, end, span) MV_FAULT_##point,
#include "points.def"
#undef MV_FAULT_POINT
    MV_FAULT_POINTS
};

#ifdef MV_FAULTS
extern uint32_t mv_fault_next __attribute__((visibility("hidden"))); /* where somebody dies; NONE: nowhere */
void mv_fault_start(char *const *envp);                              /* in the constructor */
void mv_fault_generation(uint64_t generation); /* by the leader, before it makes the follower */
void mv_fault_forget(void);                    /* in a forked child, which has no role */
void mv_fault_passed(void);
#define mv_fault(point)                                                                                      \
    do {                                                                                                     \
        if (__builtin_expect(mv_fault_next == (point), 0))                                                   \
            mv_fault_passed();                                                                               \
    } while (0)
#else
#define mv_fault_start(envp)            ((void)0)
#define mv_fault_generation(generation) ((void)0)
#define mv_fault_forget()               ((void)0)
#define mv_fault(point)                 ((void)0)
#endif

#endif
