/* Is the leader dead, all of it, and what of? */
#include "../log/log.h"
#include "../sys.h"
#include "roles.h"

#define EINVAL (-22L)

/* A thread that was killed before it could link its death words (or that unlinked them to exit) died with the
 * main thread: SIGKILL and crashes take the whole process. */
int mv_writer_dead(uint32_t slot) {
    const struct mv_log_header *header = (const struct mv_log_header *)mv_log_base(mv.reads, slot);
    if (mv_death_told(header, mv.version))
        return 1;
    if (__atomic_load_n(&header->death[mv.version].word, __ATOMIC_ACQUIRE))
        return 0;
    uint32_t tid = mv.control->threads[mv.reads][slot].tid;
    long gone = mv_sys3(__NR_tgkill, mv.leader_pid, tid, 0);
    if (gone == 0 && tid == mv.leader_pid)
        return mv_main_thread_is_gone(tid);
    return gone == -3 /* ESRCH */ || gone == EINVAL /* no number: it had not begun */;
}

/* Until there is something to read, or the leader's thread is dead, or this follower has been ended
 * (MV_LOG_STOP). A leader that is killed with its keeper while its words are unlinked is told dead by nobody.
 */
int mv_await_record(struct mv_log_reader *reader) {
    int why;
    while ((why = mv_log_wait(reader, &mv.control->publishing[mv.version], (uint32_t)mv.generation)) ==
           MV_LOG_UNTOLD)
        reader->gone = (uint32_t)mv_leader_dead(); /* (of a thread that is being made nothing is known yet) */
    return why;
}

/* All its threads, also those that this process has not made yet. */
int mv_leader_dead(void) {
    for (uint32_t slot = 0; slot < MV_MAX_THREADS; slot++) {
        uint32_t state = __atomic_load_n(&mv.control->threads[mv.reads][slot].state, __ATOMIC_ACQUIRE);
        if (state != MV_THREAD_FREE && state != MV_THREAD_EXITED && !mv_writer_dead(slot))
            return 0;
    }
    return 1;
}

/* A signal whose default action is to end the program, and which it left at that, ends the service, as it
 * does natively. A leader that was in a call could not publish it: a record of that call may be half written.
 */
int mv_ended_by_signal(void) {
    const struct mv_control *control = mv.control;
    const uint32_t crashes = 1u << 4 | 1u << 5 | 1u << 6 | 1u << 7 | 1u << 8 | 1u << 9 | 1u << 11;
    if (control->reason != MV_REASON_LEADER_DIED || control->reason_code <= 0)
        return 0;
    return control->reason_code > 31 || !(crashes >> control->reason_code & 1);
}

/* The coordinator is told which leader is dead. One that is told late says nothing of the next. */
void mv_mourn(void) {
    uint64_t *word = &mv.control->mourned, ours = mv.leader_generation + 1;
    uint64_t seen = __atomic_load_n(word, __ATOMIC_ACQUIRE);
    while (seen < ours &&
           !__atomic_compare_exchange_n(word, &seen, ours, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        ;
    mv_control_changed();
}
