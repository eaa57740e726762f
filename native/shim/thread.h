/* What the shim knows of one thread, and the frame that a slow system call saves.
 *
 * A thread's area is one mapping: a guard page, the shim stack, and struct mv_thread above it. The shim's C
 * code never runs on the program's stack (it may be tiny, or not a stack at all); it runs on the shim
 * stack, whose topmost 144 bytes are the frame. There is one frame because the shim is never re-entered: a
 * signal that arrives while the thread is on its shim stack is deferred to the call's exit.
 *
 * entry.S knows the offsets marked (asm); they are asserted below. */
#ifndef MV_THREAD_H
#define MV_THREAD_H

#include <mvedsua/shared.h>
#include <stddef.h>
#include <stdint.h>

#include "entry_offsets.h"
#include "log/log.h"

/* The program's registers at a site, as entry.S stores them (asm). rax is the call's number at entry and
 * its result at exit; rcx and r11 are dead at a syscall instruction. From r15 on it is struct mv_registers,
 * which the coordinator reads. */
struct mv_frame {
    uint64_t flags; /* arithmetic flags as lahf and seto leave them in ax, | MV_FLAG_DIRECTION */
    uint64_t unused;
    uint64_t r15, r14, r13, r12, rbp, rbx;
    uint64_t r10, r9, r8, rdi, rsi, rdx;
    uint64_t rax;
    uint64_t site; /* original address of the instruction after the syscall: what unwinders are shown */
    uint64_t cont; /* where the trampoline goes on */
    uint64_t rsp;
};
_Static_assert(sizeof(struct mv_frame) == F_SIZE && F_SIZE % 16 == 0,
               "entry.S: the stack is aligned at a call");
_Static_assert(sizeof(struct mv_frame) - offsetof(struct mv_frame, r15) == sizeof(struct mv_registers) &&
                   offsetof(struct mv_frame, r10) - offsetof(struct mv_frame, r15) ==
                       offsetof(struct mv_registers, r10) &&
                   offsetof(struct mv_frame, rsp) - offsetof(struct mv_frame, r15) ==
                       offsetof(struct mv_registers, rsp),
               "shared.h");
_Static_assert(offsetof(struct mv_frame, flags) == F_FLAGS && offsetof(struct mv_frame, r15) == F_R15 &&
                   offsetof(struct mv_frame, rax) == F_RAX && offsetof(struct mv_frame, site) == F_SITE &&
                   offsetof(struct mv_frame, cont) == F_CONT && offsetof(struct mv_frame, rsp) == F_RSP,
               "entry.S");

/* A complete context to continue with: where a delivered signal's handler returns to (asm). */
struct mv_resume {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r12, r13, r14, r15, rip;
    uint64_t shown_rip; /* rip as the program's own code address, for the signal frame */
    uint64_t flags;     /* as in the frame */
};

#define MV_RAW_DEPTH    8u
#define MV_SPAWN_WORDS  512u
#define MV_NO_ALTERNATE (1ull << 63)

enum mv_attention {                        /* why a thread may not simply leave the shim */
                    MV_ATTEND_SIGNAL = 1,  /* a deferred signal */
                    MV_ATTEND_PARK = 2,    /* somebody wants all threads parked */
                    MV_ATTEND_REQUEST = 4, /* the coordinator's kick arrived inside the shim */
                    MV_ATTEND_SETTLE =
                        8, /* the process was promoted: mask and net are to be the program's again */
                    MV_ATTEND_ASKED = MV_ATTEND_PARK | MV_ATTEND_REQUEST | MV_ATTEND_SETTLE, /* by kicks */
                    MV_ATTEND_UNMASK = 0x10000, /* the call was made on the alternate stack, so everything was
                                                  blocked first */
                    MV_ATTEND_TRAPPED =
                        0x20000, /* a seccomp filter of the program trapped the call in the frame */
                    MV_ATTEND_REST = 0x40000 /* the frame's call is one for the rest of another (rest.c) */
};

enum mv_decided {
    MV_DECIDED_LATER = 0,
    MV_DECIDED_MADE = 1 /* with `moved` for its result */,
    MV_DECIDED_NOT = 2
};

/* What a promoted thread's counterpart did that no record tells of (roles/settle.c). */
struct mv_settled {
    uint32_t call; /* MV_INTENT_NONE: nothing */
    int32_t fd;
    uint64_t moved; /* bytes; of accept: the connection's number */
    void *copy; /* in a mapping of its own: struct mv_received of a consuming call; of accept: struct mv_peer.
                   NULL: not to be had */
    uint32_t doubtful; /* the counts can't be right */
    uint32_t untold;  /* of bytes: 1: nothing tells; 2: the offset that the kernel moved, in noted[0], does */
    uint32_t decided; /* enum mv_decided */
    uint64_t noted[4]; /* the intent's */
};
/* What accept tells of the other end. */
struct mv_peer {
    uint32_t length;
    uint8_t address[128];
};

#define MV_CLOCKS 16u /* the kernel's numbers, and two of ours (roles/clock.c) */

/* Where a thread stands still: in front of a call, or in one that it makes again. */
struct mv_stand {
    uint32_t call; /* MV_INTENT_NONE: anywhere else */
    uint64_t args[6];
    uint64_t rsp; /* the program's */
};

/* What the scheduler and the program's user know a thread by (roles/scheduling.c). */
struct mv_scheduling {
    uint32_t known; /* 0: nothing has been noted */
    int32_t niceness, io_priority;
    uint32_t processors_size; /* bytes; 0: the kernel's set is larger */
    uint8_t name[16];
    uint64_t timer_slack;
    uint64_t attributes[7]; /* struct sched_attr: policy, priority */
    uint64_t processors[16];
};

struct mv_thread {
    uint64_t stack_top;              /* (asm) address of this struct: the frame ends here */
    uint32_t attention;              /* (asm) enum mv_attention; set by signal handlers of this very thread */
    uint32_t area_state;             /* enum mv_area_state (threads.c) */
    uint64_t deliver_mask;           /* (asm) */
    struct mv_resume resume;         /* (asm) */
    uint64_t raw_depth;              /* (asm) nesting of calls that return twice (vfork) */
    uint64_t raw_cont[MV_RAW_DEPTH]; /* (asm) their continuations: the child may clobber any stack */

    uint32_t child_on_new_stack; /* (asm) the child of the raw call under way starts on a stack of its own */
    uint32_t call;               /* (asm) number of the call in the frame (its rax becomes the result) */
    uint64_t program_mask; /* (asm) the program's mask; the kernel's differs while a signal is deferred and in
                              followers */
    uint32_t mask_replaced; /* (asm) the kernel's mask blocks everything */
    uint32_t delivering;    /* (asm) the number that the deliver stub raises */
    /* (asm) The program's alternate signal stack: minus its address, minus that of the second byte behind it
     * (rsp may stand at its end). Both MV_NO_ALTERNATE: none. */
    uint64_t alternate_minus_low, alternate_minus_end;

    uint64_t stack_low;
    uint32_t tid;         /* the kernel's */
    uint32_t logical_tid; /* what the program sees */
    uint32_t slot;        /* index of its logs; MV_MAX_THREADS: none */
    uint32_t hooked;      /* inside a vDSO or pthread hook that is publishing: signals wait */
    uint32_t kicks;       /* what this thread was kicked for (net.c); set by any thread */
    uint32_t raw_unmask;  /* MV_ATTEND_UNMASK when the raw call under way was made with everything blocked */
    uint64_t raw_mask;    /* and the program's mask then */
    struct mv_thread *raw_child; /* area of the thread that the raw call under way makes */

    /* signals/ */
    uint32_t deferred;     /* signal number, 0: none */
    uint32_t deferred_pid; /* the process that noted it: a vfork child shares its parent's area */
    uint8_t deferred_info[128];
    uint32_t sigsys_waits; /* a SIGSYS that was sent while another signal was deferred */
    uint8_t sigsys_info[128];
    uint64_t alt_stack[3];  /* stack_t, noted at a park */
    uint64_t pending;       /* signals, noted at a park */
    uint32_t pending_exact; /* for this thread alone */
    uint32_t sent[64];      /* follower: to this thread by others, and not handled yet (roles/sent.c) */
    uint64_t sent_before;   /* those that may have been sent to the whole process, as yet */

    /* roles/ */
    struct mv_log_writer *log; /* leader: where this thread publishes */
    struct mv_log_reader reader;
    uint32_t turn_clock, turn_value; /* follower: of the acquisition under way (order/wall.c) */
    uint32_t turn_taking;            /* 1 between reading its record and moving the clock */
    uint32_t order;                  /* leader: what the call under way does (order/descriptors.c) */
    uint64_t order_epoch; /* leader: emissions up to here are in this thread's records (order/progress.c) */
    uint64_t order_seen[MV_MAX_THREADS];
    uint32_t in_event;              /* leader: enum mv_where (order/moment.c); read by timekeepers */
    uint32_t moment;                /* leader: readings of the clock in this thread's own moment; 0: none */
    uint32_t moments;               /* leader: that had ended as this thread last published */
    uint32_t own_moment;            /* leader: the last one that it has opened (order/moment.c) */
    uint64_t moment_word;           /* leader: 1 + what it had come to in the last moment of another's; 0 */
    uint32_t timed_out, timekeeper; /* leader: its last wait was; it has read the clock after such a one */
    uint32_t presumed; /* leader: readings that will count as a timekeeper's until it is known for one */
    uint64_t clock_seconds[MV_CLOCKS];
    uint32_t waits;            /* follower: for another of its threads, in a wait that has no record */
    uint64_t condition;        /* that this thread waits for (order/condition.c); 0: none */
    uint64_t condition_caller; /* who called the wait */
    uint32_t condition_left;   /* libc's sleep was ended by us */
    uint32_t condition_apart;  /* 1: it waits without standing in libc's queue */
    uint32_t condition_told;   /* somebody has signalled meanwhile */
    struct mv_once *once;      /* the pthread_once under way (order/once.c) */
    struct mv_settled settled;
    uint32_t within;           /* follower: a rule has begun that expects more calls (reconcile.c) */
    uint32_t leftover;         /* its calls are looked for in what its dead leader did (leftover.c) */
    uint64_t stamp;            /* leader: of the record to come */
    struct mv_hook_call *hook; /* the vDSO call under way (roles/start.c) */
    uint32_t signal_announced; /* leader: the last record says that the deferred signal follows */
    uint32_t signal_untold;    /* leader: a signal whose handler begins; its record is … */
    uint64_t signal_record;    /* … this one of the log */
    uint32_t signal_late; /* leader: a signal that came after its call's record; attended to at the next */
    uint32_t late_timer;  /* leader: POSIX timer of a deferral, + 1 */
    uint64_t late_from;   /* the processor time that it had then, but for what it did for a follower */
    uint32_t raw_call[MV_RAW_DEPTH];
    /* Of the thread that the raw call under way makes: it may have exited, and its area be another's, when
     * the call returns here. */
    uint32_t raw_slot, raw_tid;
    uint32_t raw_awaited; /* leader: it waits until it is published */
    uint32_t exec_failed; /* the last exec of a vfork child in this area */
    uint32_t spawn_words; /* leader: of spawn_frame, which posix_spawn's child may change */
    uint64_t saved_rdi;   /* of a clone whose first argument had to be changed */
    uint8_t clone_args[96];
    uint32_t replaying; /* follower: this thread reads its leader's log */
    uint32_t asks;      /* follower: it stands in its frame's call, whose record it wants */
    uint64_t overtaken; /* follower: 1 + the event of whose call another's record says that it was made
                           (epoll.c) */
    struct mv_reconciler *reconciler; /* follower of another version: roles/reconciler.h */
    uint32_t come; /* follower: it has read its log, and come to what its dead leader did last */
    struct mv_thread_info *info;
    uint32_t death_linked; /* this thread's log has its death words in the robust list */
    uint64_t robust_head;  /* noted at a park */
    uint64_t fs_base;
    uint32_t rseq_registered;        /* noted at a park */
    uint32_t gives_way;              /* follower: SCHED_BATCH, and the program's policy is SCHED_OTHER */
    struct mv_scheduling scheduling; /* noted at a park */
    uint64_t park_context[8];        /* mv_park_save */
    uint32_t to_recreate;            /* in a copy: its thread stands in park_context and is not made yet */
    uint32_t unborn;                 /* follower: its thread has not begun, and would not find a kick */
    uint32_t park_state;             /* futex: attach.c */
    uint32_t fresh;                  /* has not run mv_thread_begin yet */
    uint32_t unpublished; /* futex, leader: 1 until the thread's creator has published it, 2: it waits */
    uint64_t clear_child_tid;
    uint32_t waits_for_child; /* in the kernel, while a dead leader's child may end, too (roles/children.c) */
    void *exec_environment;   /* exec.c */
    int32_t barrier_result;   /* libc's own, of the barrier whose record is read next */

    /* update/ */
    uint64_t start, start_argument;   /* the program's start routine; 0: the main thread, or one whose maker
                                         did not come by the interposed functions (threads.c) */
    uint64_t starts, starts_argument; /* of the thread that this one is about to make */
    uint64_t origin[8];               /* mv_park_save: where `start` is called */
    struct mv_stand stand;            /* noted at a park */
    uint64_t semaphore;               /* that this thread waits for in libc's own function; 0: none */
    uint64_t seen[2][2];              /* what CLOCK_REALTIME and CLOCK_MONOTONIC told it last (timespec) */
    uint32_t restarts; /* in a copy on its way to another version: is to begin anew at `start` */
    uint32_t arriving; /* follower: has begun anew, and is on its way to where its leader's thread stands */
    uint32_t arrived;  /* follower: in the very call at which it has come there */
    /* Last: never reset. */
    uint32_t spawn_frame[MV_SPAWN_WORDS];
};
#define MV_ASM(field, offset) _Static_assert(offsetof(struct mv_thread, field) == (offset), "entry.S")
MV_ASM(stack_top, T_STACK_TOP);
MV_ASM(attention, T_ATTENTION);
MV_ASM(deliver_mask, T_DELIVER_MASK);
MV_ASM(resume, T_RESUME);
MV_ASM(resume.rip, T_RESUME + R_RIP);
MV_ASM(resume.flags, T_RESUME + R_FLAGS);
MV_ASM(raw_depth, T_RAW_DEPTH);
MV_ASM(raw_cont, T_RAW_CONT);
MV_ASM(child_on_new_stack, T_CHILD_ON_NEW_STACK);
MV_ASM(call, T_CALL);
MV_ASM(program_mask, T_PROGRAM_MASK);
MV_ASM(mask_replaced, T_MASK_REPLACED);
MV_ASM(delivering, T_DELIVERING);
MV_ASM(alternate_minus_low, T_ALTERNATE_MINUS_LOW);
MV_ASM(alternate_minus_end, T_ALTERNATE_MINUS_END);
_Static_assert(MV_ATTEND_SIGNAL == 1 && MV_ATTEND_UNMASK == 0x10000, "entry.S");

extern __thread struct mv_thread *mv_self __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* A signal handler of the thread may raise another bit at any moment: each change is one instruction. (What
 * the compiler makes of `&=` may store back what it read long before.) */
static inline void mv_attention_raise(struct mv_thread *self, uint32_t what) {
    __atomic_fetch_or(&self->attention, what, __ATOMIC_RELAXED);
}
static inline void mv_attention_clear(struct mv_thread *self, uint32_t what) {
    __atomic_fetch_and(&self->attention, ~what, __ATOMIC_RELAXED);
}

static inline struct mv_frame *mv_thread_frame(const struct mv_thread *self) {
    return (struct mv_frame *)(uintptr_t)(self->stack_top - sizeof(struct mv_frame));
}

/* Is `address` on this thread's shim stack? */
static inline int mv_on_shim_stack(const struct mv_thread *self, uint64_t address) {
    return address >= self->stack_low && address <= self->stack_top;
}

/* What mv_dispatch tells entry.S to do. */
enum mv_action {
    MV_ACTION_RETURN = 0,    /* frame.rax is the result */
    MV_ACTION_RAW = 1,       /* make the call in the program's context (it returns twice): clone, vfork */
    MV_ACTION_SIGRETURN = 2, /* the same, and it does not return here at all */
};

/* What mv_attend tells entry.S to do. */
enum mv_attended {
    MV_ATTENDED = 0,            /* look again */
    MV_ATTENDED_DELIVER = 1,    /* through mv_deliver, to self->resume */
    MV_ATTENDED_MAKE_AGAIN = 2, /* the frame's call, from mv_dispatch on */
    MV_ATTENDED_ON_THE_SPOT =
        3, /* the frame's call, as on the fast path: the filter traps it there, in the program's context */
};

#endif
