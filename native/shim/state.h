/* What the shim knows of its process. One instance, in the shim's data; a fork's child has its own copy. */
#ifndef MV_STATE_H
#define MV_STATE_H

#include "rewrite/rewrite.h"
#include "thread.h"

enum mv_role {
    MV_ROLE_SOLO = 0,     /* run each call */
    MV_ROLE_LEADER = 1,   /* run each call and publish it */
    MV_ROLE_FOLLOWER = 2, /* take each call from the leader's log */
};

_Static_assert(MV_ROLE_FOLLOWER == MV_ROLE_OF_FOLLOWER, "entry.S");

struct mv_process {
    /* Read by every slow call; changed only while all other threads are parked, or (leader to solo) by an
     * idempotent store: a thread that still sees LEADER publishes into a log that nobody reads. */
    uint32_t role;
    uint32_t version;     /* index of the logs that this process owns */
    uint32_t reads;       /* follower: of those that it replays, its leader's */
    uint32_t pid;         /* the kernel's */
    uint32_t logical_pid; /* what the program sees */
    uint32_t translated;  /* 1: pids and tids that the program sees are not the kernel's (after a failover) */

    struct mv_control *control; /* NULL: no session */
    uint8_t *logs[MV_VERSIONS]; /* mapped spans; in a follower only its own are writable, and its cursors */
    int session_fd;             /* hidden descriptor, -1 without a session */
    uint64_t generation;        /* control.generation when this process was made; 0: it was started */
    uint64_t leader_generation; /* follower: its leader's */
    uint32_t leader_pid;        /* the same; control.leader_pid may be that of one that has taken over */
    uint64_t log_generation;    /* control.log_generation of the logs in use */
    struct {
        uint32_t pid; /* as the kernel gave it; control.members may be damaged */
        uint64_t generation;
    } followers[MV_VERSIONS]; /* leader: those that it has made */
    uint32_t followed;        /* leader: a bit for each version whose cursors are respected */
    uint32_t point_wanted;    /* number of the request that waits for an update point; 0: none */
    uint32_t point_call;      /* the point at which the last copy was made */
    uint32_t updating;        /* 1: such a copy, which carries out tasks (update/tasks.c) */
    uint32_t arriving; /* 1: an updated program, whose threads have not all come to where their leader's
                          stand (update/arrival.c) */

    const char *library;    /* path of this library as LD_PRELOAD had it */
    uint32_t exec_policy;   /* enum mv_exec_policy (exec.c) */
    uint32_t net_requested; /* MVEDSUA_NET=on: Syscall User Dispatch in the solo role too */
    uint32_t net_armed;
    uint64_t exe_device, exe_inode;
    uint64_t const *auxv;
};

extern struct mv_process mv __attribute__((visibility("hidden")));

/* The table that entry.S looks into: 1 = run the call on the spot. All zero in the leader and follower roles.
 */
extern const uint8_t *mv_fast_calls __attribute__((visibility("hidden")));

/* calls/ */
long mv_dispatch(struct mv_frame *frame);
enum mv_action mv_execute(struct mv_thread *self, struct mv_frame *frame);
long mv_make_call(struct mv_thread *self, struct mv_frame *frame);
void mv_fast_calls_for_role(void);
long mv_syscall_interruptible(const uint64_t args[6], uint32_t nr, const uint32_t *attention); /* entry.S */
#define MV_ERESTART 512 /* the kernel's ERESTARTSYS; never seen by the program */

/* process/ */
struct mv_thread *mv_area_take(void);
void mv_area_give(struct mv_thread *area);
void mv_area_leave(struct mv_thread *area);
void mv_area_stay(struct mv_thread *area);
void mv_areas_after_fork(struct mv_thread *survivor);
struct mv_thread *mv_area_next(struct mv_thread *previous);
struct mv_thread *mv_area_next_alive(struct mv_thread *previous);
int mv_area_is_leaving(const struct mv_thread *area);
enum mv_action mv_clone(struct mv_thread *self, struct mv_frame *frame);
void mv_after_raw(struct mv_frame *frame);
void mv_thread_begin(struct mv_frame *frame);
void mv_raw_undo(struct mv_thread *self);
int mv_raw_put_off(struct mv_frame *frame);
void mv_fork_child(struct mv_thread *self);
long mv_exec(struct mv_thread *self, struct mv_frame *frame);
void mv_exec_start(const uint64_t *stack);
long mv_close_call(struct mv_frame *frame);
int mv_hide_descriptor(int fd);
void mv_hide_number(int fd);
int mv_is_hidden(uint64_t fd);
void mv_show_number(int fd);
void mv_session_open(int fd);
void mv_session_drop(void);

/* signals/ */
long mv_sigaction(int number, const void *act, void *old, size_t size);
long mv_sigaction_in_vfork(int number, const void *act, void *old, size_t size);
void mv_signals_under_seccomp(uint32_t plain);
long mv_sigaltstack(struct mv_thread *self, const struct mv_frame *frame);
long mv_sigprocmask(struct mv_thread *self, int how, const uint64_t *set, uint64_t *old, size_t size);
void mv_signals_start(void);
int mv_attend(struct mv_frame *frame);
void mv_net_arm(struct mv_thread *self);
void mv_thunks_after_fork(void);
void mv_kicks_may_come(int may); /* this thread's mask for SIGSYS */
void mv_mask_replace(struct mv_thread *self);
void mv_mask_restore(struct mv_thread *self);
void mv_signal_replay(struct mv_thread *self, int number, const void *info);
extern const uint64_t mv_block_all __attribute__((visibility("hidden")));
extern uint64_t mv_block_on_alternate __attribute__((visibility("hidden"))); /* entry.S */
#define MV_SIGSYS_BIT (1ull << 30)                                           /* signal 31 */

/* roles/ */
enum mv_action mv_leader_call(struct mv_thread *self, struct mv_frame *frame);
enum mv_action mv_follower_call(struct mv_thread *self, struct mv_frame *frame);

/* The shim's own code, as the linker names it. */
extern char __ehdr_start[] __attribute__((visibility("hidden")));
extern char etext[] __attribute__((visibility("hidden")));
#define mv_text_start __ehdr_start
#define mv_text_end   etext

/* text.c: lines for the operator */
enum mv_level { MV_INFORMATION = 0, MV_WARNING = 1, MV_ERROR = 2 };
struct mv_text {
    char bytes[240];
    uint32_t used;
};
void mv_text_add(struct mv_text *text, const char *string);
void mv_text_number(struct mv_text *text, long number);
void mv_text_hex(struct mv_text *text, uint64_t number);
void mv_text_copy(char *to, size_t size, const struct mv_text *text); /* the rest of `to` becomes 0 */
void mv_say(enum mv_level level, const struct mv_text *text);
void mv_say_string(enum mv_level level, const char *string);
void mv_say_to_stderr(void);
void mv_control_changed(
    void); /* after any change of the shim's part of the control block: wakes the coordinator */
_Noreturn void mv_fail(const char *why);

#endif
