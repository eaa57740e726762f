/* The copy on its way to another version: it carries out the coordinator's tasks, then goes on in new code.
 *
 * It stands on a stack of its own, outside the shim: program code that it calls enters the shim as ever. The
 * old version's stack is left as it is; nothing returns to it. There is one thread, all signals are blocked,
 * and no call that has an outcome outside the process is made: such a call would have no record in the log.
 * What goes wrong ends the copy by name; the leader knows nothing of it.
 *
 * Races: the copy is ended meanwhile (it looks at its word whenever it waits, and changes its state by
 * exchange only); its coordinator ends (nobody would tell it more: it ends, too); its leader ends (it goes
 * on: as soon as it replays, it finds that, and takes over). */
#include "../fault/fault.h"
#include "../log/barriers.h"
#include "../order/order.h"
#include "../rewrite/rewrite.h"
#include "../roles/reconcile.h"
#include "../signals/signals.h"
#include "../sys.h"
#include "update.h"

#include <linux/futex.h>
#include <linux/mman.h>

#define STACK_SIZE    (8ull << 20)
#define LOOK_AGAIN_NS 200000000

typedef long function_of_six(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

static struct mv_task *task(void) {
    return &mv.control->tasks[mv.version];
}

static void wake(uint32_t *word) {
    mv_sys3(__NR_futex, (long)word, 1 /* WAKE, shared */, 0x7fffffff);
}

/* Whoever asked for the update is gone, with all that it knew of it: also one for which nobody has waited. */
static int coordinator_is_gone(uint32_t pid) {
    return mv_load_acquire32(&mv.control->coordinator_pid) != pid || mv_main_thread_is_gone(pid);
}

static uint32_t await_task(uint32_t last, uint32_t coordinator) {
    struct mv_task *next = task();
    uint32_t number;
    while ((number = mv_load_acquire32(&next->number)) == last) {
        const int64_t limit[2] = {0, LOOK_AGAIN_NS};
        if (mv_follower_ended())
            mv_follower_end(MV_REASON_REQUESTED, 0, "ended");
        if (coordinator_is_gone(coordinator))
            mv_follower_end(MV_REASON_UPDATE_FAILED, 0, "the coordinator ended in the middle of it");
        mv_sys4(__NR_futex, (long)&next->number, 0 /* WAIT, shared */, last, (long)limit);
    }
    return number;
}

static long protect(uint64_t address, uint64_t length, int protection) {
    long result = mv_sys3(__NR_mprotect, (long)address, (long)length, protection);
    if (result == 0 && (protection & PROT_EXEC)) {
        struct mv_rewrite_counts found = {0};
        mv_rewrite_range(address, length, protection, 0, &found);
    }
    return result;
}

static void each(function_of_six *function, uint64_t *words, uint64_t count, uint64_t width) {
    for (uint64_t i = 0; i < count; i++, words += width) {
        uint64_t args[6] = {0};
        for (uint64_t arg = 0; arg < width && arg < 6; arg++)
            args[arg] = words[arg];
        words[0] = (uint64_t)function(args[0], args[1], args[2], args[3], args[4], args[5]);
    }
}

static void tell(struct mv_task *done, uint32_t number, long result) {
    done->result = result;
    mv_store_release32(&done->done, number);
    wake(&done->done);
}

static struct {
    struct mv_task *task;
    uint32_t number;
} last;

/* All threads stand where their leader's do. */
static void whole(void) {
    if (!mv_member_becomes(mv.version, MV_MEMBER_UPDATING, MV_MEMBER_REPLAYING))
        mv_follower_end(MV_REASON_REQUESTED, 0, "ended");
    mv_control_changed();
    tell(last.task, last.number, 0);
}

/* From here on this is the new version, on its way to the call at which the copy was made. */
static _Noreturn void resume(struct mv_thread *self, struct mv_task *resumes, uint32_t number) {
    const struct mv_step *steps = (const struct mv_step *)resumes->args[0];
    uint64_t count = resumes->args[1];
    function_of_six *leave = (function_of_six *)resumes->args[2];
    uint64_t has_status = resumes->args[3];
    long result = 0;
    mv_reconcile_begin();
    last.task = resumes;
    last.number = number;
    mv_arrival_begin(self, whole);
    for (uint64_t i = 0; i < count; i++)
        result = ((function_of_six *)steps[i].function)(steps[i].args[0], steps[i].args[1], steps[i].args[2],
                                                        steps[i].args[3], steps[i].args[4], steps[i].args[5]);
    leave(has_status ? (uint64_t)result : 0, 0, 0, 0, 0, 0);
    mv_fail("exit came back");
}

/* One of the other threads is to begin anew. 0, or -ESRCH */
static long restart(uint64_t slot, uint64_t function) {
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        if (area->slot == slot && area->start) {
            area->start = function;
            area->restarts = 1;
            return 0;
        }
    return -3;
}

/* They tell who they are as they begin. */
static void await_others(void) {
    for (struct mv_thread *area = mv_area_next(NULL); area; area = mv_area_next(area))
        for (uint32_t spins = 0; mv_load_acquire32(&area->unborn); spins++)
            mv_order_pause(spins);
}

static void serve(struct mv_thread *self) {
    struct mv_task *next = task();
    uint32_t coordinator = mv_load_acquire32(&mv.control->coordinator_pid);
    for (uint32_t number = 0;;) {
        number = await_task(number, coordinator);
        uint64_t *args = next->args;
        long result = 0;
        switch (next->kind) {
        case MV_TASK_MAP:
            result = mv_sys6(__NR_mmap, (long)args[0], (long)args[1], (long)args[2],
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
            if (!mv_is_error(result))
                result = 0;
            break;
        case MV_TASK_PROTECT:
            result = protect(args[0], args[1], (int)args[2]);
            break;
        case MV_TASK_CALL:
            result = ((function_of_six *)args[0])(args[1], args[2], args[3], args[4], args[5], args[6]);
            break;
        case MV_TASK_EACH:
            each((function_of_six *)args[0], (uint64_t *)args[1], args[2], args[3]);
            break;
        case MV_TASK_RESTART:
            result = restart(args[0], args[1]);
            break;
        case MV_TASK_RESUME:
            resume(self, next, number);
        default:
            mv_follower_end(MV_REASON_UPDATE_FAILED, 0, "this release does not know the task");
        }
        tell(next, number, result);
    }
}

/* In the copy, with everything set up for a follower but that it does not replay yet. */
void mv_update_begin(struct mv_thread *self) {
    long low = mv_sys6(__NR_mmap, 0, (long)(STACK_SIZE + MV_PAGE), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (mv_is_error(low))
        mv_follower_end(MV_REASON_NO_RESOURCES, (int)-low, "there is no memory for the new version's stack");
    mv_sys3(__NR_mprotect, low, MV_PAGE, PROT_NONE);
    await_others();
    self->replaying = 0; /* locks of what it calls are its own affair */
    self->hooked = 0;
    self->attention = 0;
    /* Without a call's registers nobody is to look for its frames. */
    self->info->site = mv_point_is_call() ? mv_thread_frame(self)->site : 0;
    task()->stack_low = (uint64_t)low + MV_PAGE;
    task()->stack_high = (uint64_t)low + MV_PAGE + STACK_SIZE;
    /* Yama lets only an ancestor read a process's memory otherwise: a coordinator that took over is none. */
    mv_sys2(__NR_prctl, 0x59616d61 /* PR_SET_PTRACER */, mv_load_acquire32(&mv.control->coordinator_pid));
    mv_sys4(__NR_rt_sigprocmask, 2 /* SETMASK */, (long)&mv_block_all, 0, 8); /* it may stand in a handler */
    mv_member_becomes(mv.version, MV_MEMBER_NONE, MV_MEMBER_UPDATING);
    mv_control_changed();
    mv_fault(MV_FAULT_COPY_WHOLE);
    mv_call_on_shim_stack(serve, self, task()->stack_high);
    mv_fail("the tasks of an update have an end");
}

/* A call that the program's functions make meanwhile. */
enum mv_action mv_update_call(struct mv_thread *self, struct mv_frame *frame, const struct mv_call_row *row,
                              const uint64_t args[6]) {
    if (row && mv_call_class_of(row, args) == MV_CLASS_LOCAL &&
        !(mv_call_flags_of(row, args) & MV_CALL_NOFOLLOW))
        return mv_execute(self, frame);
    mv_update_refuses(self->call);
}

void mv_update_refuses(uint32_t call) {
    const struct mv_call_row *row = mv_call_find(call);
    struct mv_text text = {.used = 0};
    mv_text_add(&text, "a function that the update called made the system call ");
    if (row)
        mv_text_add(&text, row->name);
    else
        mv_text_number(&text, call);
    mv_text_add(&text, ": it may use memory only");
    mv_follower_end(MV_REASON_UPDATE_FAILED, (int)call, text.bytes);
}
