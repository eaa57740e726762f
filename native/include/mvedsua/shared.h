/* The contract between the shim inside the server and the coordinator outside it.
 *
 * Everything that both sides see stands in one memfd, the *session memory*:
 *
 *   offset 0                       struct mv_control               (MV_CONTROL_SPAN bytes, sparse)
 *   MV_HANDOVER_OFFSET             what a promotion hands over, within the same span
 *   MV_RULES_OFFSET(version, r)    rules between two versions, within the same span
 *   MV_LOG_OFFSET(version, slot)   one event log per version and thread (MV_LOG_SPAN bytes, sparse)
 *
 * Rules for changing this file: fixed-width types only, no bool, no long, no implicit padding; a field's
 * comment says who writes it and when; a changed layout raises MV_ABI_VERSION; the offset of every field is
 * asserted below its struct, and Mvedsua.Abi repeats the layout, checked against this file by a test.
 *
 * "Leader" and "follower" in the comments mean the shim inside that process. Each process that leads or
 * follows has a version index of its own: it owns the logs of its index, a follower maps its leader's
 * read-only, and its cursor in them has its own index.
 */
#ifndef MVEDSUA_SHARED_H
#define MVEDSUA_SHARED_H

#include <stdint.h>

#define MV_ABI_VERSION   18u
#define MV_CONTROL_MAGIC 0x6177736465764d31ull /* "1Mvedswa" */
#define MV_LOG_MAGIC     0x676f4c6465764d31ull /* "1MvedLog" */

#define MV_VERSIONS     4u /* a leader and three followers */
#define MV_MAX_THREADS  128u
#define MV_MAX_READERS  7u          /* of one log: the followers, by their version index, and tracers */
#define MV_FIRST_TRACER MV_VERSIONS /* the cursors from here on are tracers' */
#define MV_WATCHERS                                                                                          \
    (MV_MAX_READERS + 1) /* who waits for a thread's death: its log's readers and the keeper */
#define MV_PAGE 4096u

#define MV_CONTROL_SPAN (16ull << 20)
#define MV_LOG_SPAN     (1ull << 36)

/* Compiled rules (docs/rule-language.md, "Bytecode") of the version with this index: 0 for it following the
 * version that it was copied from, 1 for that one following it. Written by the coordinator, before the copy
 * resumes as another version. */
#define MV_RULES_SPAN (1ull << 20)
#define MV_RULES_OFFSET(version, reverse)                                                                    \
    ((8ull << 20) + (2 * (uint64_t)(version) + (uint64_t)(reverse)) * MV_RULES_SPAN)

/* What a promoted process hands over to its former leader (roles/handover.c: the shim's own layout). */
#define MV_HANDOVER_OFFSET (2ull << 20)
#define MV_HANDOVER_SPAN   (6ull << 20)
#define MV_LOG_OFFSET(version, slot)                                                                         \
    (MV_CONTROL_SPAN + ((uint64_t)(version)*MV_MAX_THREADS + (uint64_t)(slot)) * MV_LOG_SPAN)
#define MV_SESSION_SIZE MV_LOG_OFFSET(MV_VERSIONS, 0)

/* Within one log: the header's page, a page for each reader's cursor, the sleepers' page, then chunks of
 * records. A process that only reads a log maps it read-only but for its cursor's and the sleepers' pages. */
#define MV_LOG_CHUNK             (256u << 10)
#define MV_LOG_CHUNKS            (MV_LOG_SPAN / MV_LOG_CHUNK)
#define MV_LOG_DATA              MV_LOG_CHUNK /* chunk 0 holds header, cursors and sleepers */
#define MV_CURSOR_OFFSET(reader) ((uint64_t)MV_PAGE * (1u + (reader)))
#define MV_SLEEPERS_OFFSET       MV_CURSOR_OFFSET(MV_MAX_READERS)

/* The words of a record or header, for the checks. */
typedef uint64_t __attribute__((may_alias)) mv_word;

/* ---- events ------------------------------------------------------------------------------------- */

/* `call` of a record: a system-call number of the kernel's table, or one of these. */
enum mv_pseudo_call {
    MV_CALL_JUMP = 0x8000,   /* args[0]: offset in the log where the next record stands */
    MV_CALL_SIGNAL = 0x8001, /* a handler runs now: args[0] signal; in-payload: siginfo (128 bytes) */
    MV_CALL_ORDER = 0x8002, /* an interposed pthread call: args[0] enum mv_order_kind, args[1] object, args[2]
                               clock slot, args[3] clock value, result: what the program was given */
    MV_CALL_DEATH = 0x8004, /* the thread got a fatal signal: args[0] signal, args[1] fault address, args[2]
                               instruction */
    MV_CALL_ROLE =
        0x8005, /* the leader offers the lead to the reader of version index args[0]; it would follow
                   that one itself, as generation args[1]; args[2]: when (CLOCK_MONOTONIC, ns) */
};

/* What an interposed pthread call did to its object (MV_CALL_ORDER). */
enum mv_order_kind {
    MV_ORDER_LOCK = 1,      /* pthread_mutex_lock, timedlock; spin locks */
    MV_ORDER_TRYLOCK = 2,   /* also a failed one: it saw the lock held */
    MV_ORDER_WAIT = 3,      /* pthread_cond_wait, timedwait: the mutex is held again */
    MV_ORDER_READ = 4,      /* pthread_rwlock: shared */
    MV_ORDER_WRITE = 5,     /* pthread_rwlock: exclusive */
    MV_ORDER_SEMAPHORE = 6, /* sem_wait and its kin: a result below 0 is -errno */
    MV_ORDER_BARRIER = 7,   /* pthread_barrier_wait: which thread is told that it is the one */
    MV_ORDER_ONCE = 8,   /* pthread_once: 1, before the routine runs: this is the one; 0: it has been run */
    MV_ORDER_FIGURE = 9, /* mallctl: what an allocator told of itself. (Not -1000000: all are counts.) */
};

enum mv_event_flags {
    MV_EVENT_SIGNAL_FOLLOWS =
        1, /* the next record of this thread is MV_CALL_SIGNAL, delivered at this call's exit */
    MV_EVENT_RESTART = 2,   /* interrupted; the program's call is made again after the handler (SA_RESTART) */
    MV_EVENT_ALLOCATOR = 4, /* made by an allocator: printed by trace, never replayed nor compared */
    MV_EVENT_LENT =
        8, /* args[5] names a hidden descriptor that the reader maps and closes (mmap of a file) */
    /* A signal of the shim's own cut the call short: the thread's next record is of its rest, by write or by
     * the calls of sockets; the program takes both for one call (native/shim/roles/rest.c). */
    MV_EVENT_REST_WRITTEN = 16,
    MV_EVENT_REST_SENT = 32,
};

/* One event. 8-byte aligned, contiguous (one that is larger than a chunk stands in adjacent chunks); followed
 * by in_size bytes of in-payload and out_size bytes of out-payload, each padded to 8 (payload.h), and
 * order_size bytes of order words: what other threads did before this event (MV_ORDER_WORD). Visible
 * once mv_log_header.published passes its end (release store by the writer, acquire load by readers). */
struct mv_event {
    uint32_t size;       /* whole record, payload and padding included; a multiple of 8 */
    uint16_t call;       /* system-call number or enum mv_pseudo_call */
    uint16_t flags;      /* enum mv_event_flags */
    uint32_t check;      /* mv_event_check() over the header with this field 0: a damaged header is found, not
                            followed */
    uint32_t in_size;    /* bytes of in-payload, a multiple of 8 */
    uint32_t out_size;   /* bytes of out-payload, a multiple of 8 */
    uint32_t order_size; /* bytes of order words, a multiple of 8 */
    uint64_t
        sequence; /* 0, 1, 2, … within the log; JUMP records have none of their own (repeat the next one's) */
    int64_t result; /* as the program saw it: value or -errno */
    uint64_t site;  /* address after the program's syscall instruction (for backtraces) */
    uint64_t
        stamp; /* clock of the shared object that the event touches; 0 when none (order between threads) */
    uint64_t args[6];
};
#define MV_ASSERT_AT(type, field, offset)                                                                    \
    _Static_assert(__builtin_offsetof(struct type, field) == (offset), #type "." #field)
MV_ASSERT_AT(mv_event, size, 0);
MV_ASSERT_AT(mv_event, call, 4);
MV_ASSERT_AT(mv_event, flags, 6);
MV_ASSERT_AT(mv_event, check, 8);
MV_ASSERT_AT(mv_event, in_size, 12);
MV_ASSERT_AT(mv_event, out_size, 16);
MV_ASSERT_AT(mv_event, order_size, 20);
MV_ASSERT_AT(mv_event, sequence, 24);
MV_ASSERT_AT(mv_event, result, 32);
MV_ASSERT_AT(mv_event, site, 40);
MV_ASSERT_AT(mv_event, stamp, 48);
MV_ASSERT_AT(mv_event, args, 56);
_Static_assert(sizeof(struct mv_event) == 104, "mv_event");

/* An order word: a thread (its slot) and how far it had come when the event's call returned. `progress` is
 * 2 p + 1 once a thread has come to its event number p, 2 p + 2 once that event is done; p counts the events
 * of all threads that had the slot since publishing began. Whoever replays the event goes on only when the
 * thread's progress is above `at`. */
#define MV_ORDER_WORD(slot, at)  ((uint64_t)(slot) << 56 | (at))
#define MV_ORDER_WORD_SLOT(word) ((uint32_t)((word) >> 56))
#define MV_ORDER_WORD_AT(word)   ((word)&0x00ffffffffffffffull)
#define MV_ORDER_ROOM            (8ull * MV_MAX_THREADS)

/* ---- one log ------------------------------------------------------------------------------------ */

/* What the kernel's robust-futex walk writes to when the owning thread dies. The layout is that of a
 * glibc mutex as seen from its list node, because the node is linked into the thread's own robust list:
 * the word stands 32 bytes before the node, the back pointer 8 bytes before it. */
struct mv_death_word {
    uint32_t
        word; /* tid of the living owner | FUTEX_WAITERS; FUTEX_OWNER_DIED set by the kernel at its death */
    uint32_t
        told; /* lower half of the log's generation whose owner the keeper knows dead; others mean nothing
               */
    uint32_t reserved[4];
    uint64_t previous; /* owner's list pointers: owner's addresses, meaningless elsewhere */
    uint64_t next;
    uint64_t padding[3];
};
MV_ASSERT_AT(mv_death_word, word, 0);
MV_ASSERT_AT(mv_death_word, told, 4);
MV_ASSERT_AT(mv_death_word, reserved, 8);
MV_ASSERT_AT(mv_death_word, previous, 24);
MV_ASSERT_AT(mv_death_word, next, 32);
MV_ASSERT_AT(mv_death_word, padding, 40);
_Static_assert(sizeof(struct mv_death_word) == 64, "mv_death_word");

/* The call that is being made and not yet published: stored before a call with an effect outside (what
 * settle.tbl names), cleared (call = MV_INTENT_NONE) by the publication of its record. Written by the owner;
 * read after its death. `noted` is written only before the calls that are settled by it (roles/notes.c). */
#define MV_INTENT_NONE 0xffffffffu
/* Instead of a call's number: of one that is made again, but that others of the process may go on by. Nothing
 * is settled, and the others wait until the promoted thread has come to it (roles/failover.c). */
#define MV_INTENT_COME 0xfffffffeu
struct mv_intent {
    uint32_t call;
    int32_t fd;        /* argument 0 */
    uint64_t buffer;   /* argument 1 */
    uint64_t length;   /* argument 2 */
    uint64_t sequence; /* of the record to come */
    uint64_t noted[4];
};
MV_ASSERT_AT(mv_intent, call, 0);
MV_ASSERT_AT(mv_intent, fd, 4);
MV_ASSERT_AT(mv_intent, buffer, 8);
MV_ASSERT_AT(mv_intent, length, 16);
MV_ASSERT_AT(mv_intent, sequence, 24);
MV_ASSERT_AT(mv_intent, noted, 32);
_Static_assert(sizeof(struct mv_intent) == 64, "mv_intent");

/* The kernel's struct msghdr. */
struct mv_message_header {
    uint64_t name;
    uint32_t namelen;
    uint32_t reserved0;
    uint64_t iov;
    uint64_t iovlen;
    uint64_t control;
    uint64_t controllen;
    uint32_t flags;
    uint32_t reserved1;
};
_Static_assert(sizeof(struct mv_message_header) == 56, "struct msghdr");

/* Where the kernel leaves the outcome of the call under way before it returns (roles/witness.c). */
enum mv_witness_kind {
    MV_WITNESS_RECORDS = 0, /* in the program's buffer, which was all zero: none of what is read is */
    MV_WITNESS_MESSAGE = 1, /* in `length`: made as a batch of one message */
    MV_WITNESS_RING = 2,    /* in the completion ring at `ring` (process/ring.c) */
    MV_WITNESS_BATCH = 3,   /* in the lengths of the program's own batch of messages */
    MV_WITNESS_CHILD = 4,   /* in `child` and `rusage`: a wait */
    MV_WITNESS_SHARED = 5,  /* nowhere: a call on a connection whose counts may be others' doing */
};

/* What the kernel itself says of the call under way, where no counter does. From `message` to `kind` it is a
 * struct mmsghdr. Written by the owner and, in its calls, by the kernel; read after its death. */
struct mv_witness {
    struct mv_message_header message;
    uint32_t length;    /* of the message; 0xffffffff: not sent, not received */
    uint32_t kind;      /* enum mv_witness_kind */
    uint64_t iov[2];    /* the one buffer of a call that has no vector */
    uint64_t sequence;  /* of the record to come; ~0: tells nothing */
    uint32_t call;      /* as the program made it */
    int32_t fd;         /* its first argument */
    uint64_t ring;      /* address, in the owner */
    uint64_t place;     /* in the ring, where the outcome will stand */
    uint64_t options;   /* of the wait */
    uint64_t child[16]; /* siginfo; all 0: no child was waited for */
    uint64_t rusage[18];
};
MV_ASSERT_AT(mv_witness, message, 0);
MV_ASSERT_AT(mv_witness, length, 56);
MV_ASSERT_AT(mv_witness, kind, 60);
MV_ASSERT_AT(mv_witness, iov, 64);
MV_ASSERT_AT(mv_witness, sequence, 80);
MV_ASSERT_AT(mv_witness, call, 88);
MV_ASSERT_AT(mv_witness, fd, 92);
MV_ASSERT_AT(mv_witness, ring, 96);
MV_ASSERT_AT(mv_witness, place, 104);
MV_ASSERT_AT(mv_witness, options, 112);
MV_ASSERT_AT(mv_witness, child, 120);
MV_ASSERT_AT(mv_witness, rusage, 248);
_Static_assert(sizeof(struct mv_witness) == 392, "mv_witness");

/* First page of a log. The first 64 bytes are written once, before the log is announced. */
struct mv_log_header {
    uint64_t magic;
    uint32_t abi;
    uint32_t record_size; /* sizeof(struct mv_event) */
    uint32_t version;     /* whose log it is */
    uint32_t slot;        /* which thread's */
    uint64_t generation;  /* control.log_generation when the log was (re)started */
    uint64_t limit;       /* bytes of this log that may ever be used (an upper bound on offsets) */
    uint64_t start;       /* offset of record 0 */
    uint64_t check;       /* mv_log_header_check() over the 64 bytes with this field 0 */
    uint64_t unused;      /* 0 */

    /* Written by the owner at every record, by nobody else. */
    uint64_t
        published; /* offset where the next record will stand: all before it (along the JUMPs) is complete */
    uint64_t sequence; /* number of records published */
    uint64_t bytes;    /* bytes published, all laps together (lag.bytes = this - cursor.bytes) */
    uint64_t high;     /* end of the highest chunk in use: no reader may look beyond */
    uint64_t held;     /* bytes of memory that this log holds of the budget (owner and its keeper, atomic) */
    uint64_t padding[3];

    struct mv_intent intent;

    /* Futex of the sleeping readers (struct mv_log_sleepers): raised, then woken, by the owner. */
    uint32_t wake;
    uint32_t padding3[15];

    struct mv_death_word death[MV_WATCHERS]; /* one each: the kernel wakes only one waiter of a word */

    struct mv_witness witness;
    uint64_t padding4[7];
};
MV_ASSERT_AT(mv_log_header, magic, 0);
MV_ASSERT_AT(mv_log_header, abi, 8);
MV_ASSERT_AT(mv_log_header, record_size, 12);
MV_ASSERT_AT(mv_log_header, version, 16);
MV_ASSERT_AT(mv_log_header, slot, 20);
MV_ASSERT_AT(mv_log_header, generation, 24);
MV_ASSERT_AT(mv_log_header, limit, 32);
MV_ASSERT_AT(mv_log_header, start, 40);
MV_ASSERT_AT(mv_log_header, check, 48);
MV_ASSERT_AT(mv_log_header, unused, 56);
MV_ASSERT_AT(mv_log_header, published, 64);
MV_ASSERT_AT(mv_log_header, sequence, 72);
MV_ASSERT_AT(mv_log_header, bytes, 80);
MV_ASSERT_AT(mv_log_header, high, 88);
MV_ASSERT_AT(mv_log_header, held, 96);
MV_ASSERT_AT(mv_log_header, padding, 104);
MV_ASSERT_AT(mv_log_header, intent, 128);
MV_ASSERT_AT(mv_log_header, wake, 192);
MV_ASSERT_AT(mv_log_header, padding3, 196);
MV_ASSERT_AT(mv_log_header, death, 256);
MV_ASSERT_AT(mv_log_header, witness, 768);
MV_ASSERT_AT(mv_log_header, padding4, 1160);
_Static_assert(sizeof(struct mv_log_header) == 1216, "mv_log_header");

/* A reader's cursor, on a page of its own: page 1 + reader of the log. Written by the reader alone, but for
 * its first position when the writer makes room before the reader runs, and `active` = UNUSED by anybody who
 * knows that the reader has ended. */
enum mv_cursor_state {
    MV_CURSOR_UNUSED = 0,
    MV_CURSOR_ACTIVE = 1, /* the writer must respect this cursor */
    MV_CURSOR_JOINING =
        2, /* … as long as it stands where records are; the reader is about to look whether it does */
};
struct mv_log_cursor {
    uint64_t
        position; /* offset of the next record to read; everything before it may be reused (release store) */
    uint64_t sequence; /* its sequence number */
    uint64_t bytes;    /* bytes consumed, all laps together */
    uint32_t active;   /* enum mv_cursor_state */
    uint32_t owner;    /* pid of the reader */
};
MV_ASSERT_AT(mv_log_cursor, position, 0);
MV_ASSERT_AT(mv_log_cursor, sequence, 8);
MV_ASSERT_AT(mv_log_cursor, bytes, 16);
MV_ASSERT_AT(mv_log_cursor, active, 24);
MV_ASSERT_AT(mv_log_cursor, owner, 28);
_Static_assert(sizeof(struct mv_log_cursor) == 32, "mv_log_cursor");

/* A page that all readers of a log and its writer write to. A reader that goes to sleep sets its bit (atomic
 * or), looks at `published` once more, then waits on mv_log_header.wake. The writer looks at `bits` after
 * each publication (plain load behind the release store: a missed bit costs the reader its first time-out of
 * 1 ms, never an event); if any is set it clears them all (atomic exchange), raises `wake` and wakes. */
struct mv_log_sleepers {
    uint32_t bits; /* 1 << reader */
    uint32_t padding;
};
MV_ASSERT_AT(mv_log_sleepers, bits, 0);
MV_ASSERT_AT(mv_log_sleepers, padding, 4);
_Static_assert(sizeof(struct mv_log_sleepers) == 8, "mv_log_sleepers");

/* In how many ways a log can be found damaged (or not the one that was asked for). Readers return the
 * negative. */
enum mv_log_fault {
    MV_LOG_BAD_MAGIC = 1,
    MV_LOG_BAD_ABI = 2,
    MV_LOG_BAD_RECORD_SIZE = 3,
    MV_LOG_BAD_HEADER = 4, /* the header's check */
    MV_LOG_BAD_VERSION = 5,
    MV_LOG_BAD_SLOT = 6,
    MV_LOG_BAD_GENERATION = 7, /* the log belongs to another publishing session */
    MV_LOG_BAD_LIMIT = 8,
    MV_LOG_BAD_START = 9,
    MV_LOG_TRUNCATED = 10,     /* the memory behind it is smaller than the header says */
    MV_LOG_BAD_CURSOR = 11,    /* a cursor stands where no record can */
    MV_LOG_BAD_READER = 12,    /* reader index out of range */
    MV_LOG_BAD_PUBLISHED = 13, /* `published` out of range or misaligned */
    MV_LOG_BAD_HIGH = 14,      /* `high` out of range or misaligned */
    MV_LOG_BACKWARDS = 15,     /* fewer records published than already read */
    MV_LOG_BAD_OFFSET = 16,    /* the next record's offset is out of range or misaligned */
    MV_LOG_BAD_CHECK = 17,     /* a record's header is damaged */
    MV_LOG_BAD_SIZE = 18,      /* a record's size is impossible, or it ends beyond the log */
    MV_LOG_BAD_PAYLOAD = 19,   /* payload sizes don't add up to the record's size */
    MV_LOG_BAD_SEQUENCE = 20,  /* another record than the next one (memory reused too early, or stale) */
    MV_LOG_BAD_JUMP = 21,      /* a JUMP to where no chunk begins, or to another JUMP */
};

/* ---- the control block -------------------------------------------------------------------------- */

enum mv_stage {                             /* written by the process that leads (or is about to) */
                MV_STAGE_STARTING = 0,      /* the shim's constructor has not ended */
                MV_STAGE_SINGLE_LEADER = 1, /* nothing is published, or only for a tracer */
                MV_STAGE_ATTACHING = 2,     /* threads are being parked, the follower is being made */
                MV_STAGE_FOLLOWED = 3,      /* followers replay */
                MV_STAGE_FAILOVER = 4,      /* the leader is dead; a follower takes over */
                MV_STAGE_ENDED = 5,         /* the server has exited */
                MV_STAGE_PROMOTING = 6,     /* the leader has offered the lead to a follower: nobody serves */
};

enum mv_reason { /* why a follower ended, a request was refused, or a role changed */
                 MV_REASON_NONE = 0,
                 MV_REASON_REQUESTED = 1, /* unfollow */
                 MV_REASON_DIVERGED = 2,  /* its entry in control.divergence tells */
                 MV_REASON_LOG_LIMIT = 3, /* the log's byte budget is used up */
                 MV_REASON_LAG_LIMIT = 4,
                 MV_REASON_UNSUPPORTED = 5, /* a call that no follower can replay yet: reason_text names it */
                 MV_REASON_FOLLOWER_DIED =
                     6,                     /* crashed or was killed: reason_code is the signal when known */
                 MV_REASON_LEADER_DIED = 7, /* failover: reason_code is the signal when known */
                 MV_REASON_LEADER_EXITED = 8,
                 MV_REASON_CORRUPT = 9, /* a damaged log or control block: reason_text says where */
                 MV_REASON_PARK_TIMEOUT = 10,
                 MV_REASON_NO_RESOURCES = 11, /* fork, mmap … failed: reason_code is the errno */
                 MV_REASON_ASYNC_SIGNAL =
                     12,              /* a signal had to be delivered in the middle of 10 ms of computation */
                 MV_REASON_BUSY = 13, /* the request does not fit the stage */
                 MV_REASON_ESCAPE =
                     14, /* the follower tried to reach beyond itself: reason_text says by what */
                 MV_REASON_THREADS = 15,       /* no log is left for a new thread: reason_text says why */
                 MV_REASON_REPLACED = 16,      /* another follower of the dead leader leads */
                 MV_REASON_UPDATE_FAILED = 17, /* the copy that was to become another version ended on the
                                                  way: reason_text says why */
                 MV_REASON_STALLED =
                     18, /* it replayed nothing any more, though there was something to; or, with a text, it
                            kept the server waiting: reason_code is for how many seconds */
                 MV_REASON_BEHIND = 19, /* it was offered the lead and did not come: so many events behind */
};

enum mv_request {
    MV_REQUEST_NONE = 0,
    MV_REQUEST_FOLLOW = 1,
    MV_REQUEST_UNFOLLOW = 2,
    MV_REQUEST_TRACE = 3,
    MV_REQUEST_UNTRACE = 4,
    MV_REQUEST_UPDATE = 5,  /* a copy for another version, made as the main thread comes to an update point */
    MV_REQUEST_CANCEL = 6,  /* of an update for which no copy has been made yet */
    MV_REQUEST_PROMOTE = 7, /* the follower of request_generation and its leader change places */
};

/* control.request_call, mv_member.point: no system call, but any update point, the waits among them, the
 * program's own (mvedsua_update_point); of those the one with a name. */
#define MV_POINT_ANY   MV_INTENT_NONE
#define MV_POINT_CALLS 0xfffffffeu
#define MV_POINT_NAMED 0xfffffffdu
#define MV_POINT_NAME  40u /* bytes of a name, NUL included */

/* The queued SIGSYS that tells the leader to look at control.request: si_code SI_QUEUE and this value. */
#define MV_KICK_REQUEST 0x4d764b52

/* Of a word of control.keepers: no tid is that large. */
#define MV_KEEPER_COMING 0x20000000u

enum mv_thread_state {
    MV_THREAD_FREE = 0,
    MV_THREAD_RUNNING = 1, /* in the program, or in the shim's own code */
    MV_THREAD_IN_CALL = 2, /* has made a call: site says where */
    MV_THREAD_PARKED = 3,
    MV_THREAD_DIVERGED = 4,
    MV_THREAD_EXITED = 5,
};

/* The program's registers at its call, as the thread's shim stack holds them: the shim's struct mv_frame.
 * rax: the call's number until it has been made, then its result. */
struct mv_registers {
    uint64_t r15, r14, r13, r12, rbp, rbx, r10, r9, r8, rdi, rsi, rdx, rax;
    uint64_t site; /* address after the syscall instruction: where a backtrace begins */
    uint64_t continuation;
    uint64_t rsp;
};
MV_ASSERT_AT(mv_registers, r15, 0);
MV_ASSERT_AT(mv_registers, r14, 8);
MV_ASSERT_AT(mv_registers, r13, 16);
MV_ASSERT_AT(mv_registers, r12, 24);
MV_ASSERT_AT(mv_registers, rbp, 32);
MV_ASSERT_AT(mv_registers, rbx, 40);
MV_ASSERT_AT(mv_registers, r10, 48);
MV_ASSERT_AT(mv_registers, r9, 56);
MV_ASSERT_AT(mv_registers, r8, 64);
MV_ASSERT_AT(mv_registers, rdi, 72);
MV_ASSERT_AT(mv_registers, rsi, 80);
MV_ASSERT_AT(mv_registers, rdx, 88);
MV_ASSERT_AT(mv_registers, rax, 96);
MV_ASSERT_AT(mv_registers, site, 104);
MV_ASSERT_AT(mv_registers, continuation, 112);
MV_ASSERT_AT(mv_registers, rsp, 120);
_Static_assert(sizeof(struct mv_registers) == 128, "mv_registers");

/* One thread of one version. Written by that thread (by its creator before it runs). */
struct mv_thread_info {
    uint32_t state;       /* enum mv_thread_state */
    uint32_t tid;         /* the kernel's */
    uint32_t logical_tid; /* what the program sees */
    uint32_t in_call;     /* the last call, being made or done (MV_INTENT_NONE when none) */
    uint64_t site;        /* of the last call; 0: none */
    uint64_t frame;       /* address, in the process, of its struct mv_registers: valid while in the call */
    uint64_t start;       /* the start routine that the program gave it; 0: the main thread, or not known */
};
MV_ASSERT_AT(mv_thread_info, state, 0);
MV_ASSERT_AT(mv_thread_info, tid, 4);
MV_ASSERT_AT(mv_thread_info, logical_tid, 8);
MV_ASSERT_AT(mv_thread_info, in_call, 12);
MV_ASSERT_AT(mv_thread_info, site, 16);
MV_ASSERT_AT(mv_thread_info, frame, 24);
MV_ASSERT_AT(mv_thread_info, start, 32);
_Static_assert(sizeof(struct mv_thread_info) == 40, "mv_thread_info");

/* Written by the follower's thread that parks, before its member's state says so. */
enum mv_difference {
    MV_DIFFERS_NOT = 0,
    MV_DIFFERS_CALL = 1,     /* another call */
    MV_DIFFERS_ARGUMENT = 2, /* position: which argument */
    MV_DIFFERS_BYTES = 3,    /* position: first differing byte of the in-payload */
    MV_DIFFERS_LENGTH = 4,   /* position: first byte that only one side has */
    MV_DIFFERS_END = 5,      /* the leader's thread has ended, the follower's goes on */
    MV_DIFFERS_ORDER = 6,    /* another lock, condition or thread-creation than the leader's */
};
#define MV_DIVERGENCE_BYTES 8192u
struct mv_divergence {
    uint32_t kind; /* enum mv_difference */
    uint32_t slot; /* thread */
    uint32_t position;
    uint32_t call;                                 /* the follower's call */
    uint64_t sequence;                             /* of the leader's record that did not match */
    uint64_t offset;                               /* of that record in the leader's log */
    uint64_t args[6];                              /* the follower's */
    uint64_t site;                                 /* the follower's */
    uint32_t leader_size;                          /* bytes of leader_record that are valid */
    uint32_t follower_size;                        /* bytes of follower_payload that are valid */
    uint8_t leader_record[MV_DIVERGENCE_BYTES];    /* copy: the log itself may be reused */
    uint8_t follower_payload[MV_DIVERGENCE_BYTES]; /* encoded as an in-payload */
};
MV_ASSERT_AT(mv_divergence, kind, 0);
MV_ASSERT_AT(mv_divergence, slot, 4);
MV_ASSERT_AT(mv_divergence, position, 8);
MV_ASSERT_AT(mv_divergence, call, 12);
MV_ASSERT_AT(mv_divergence, sequence, 16);
MV_ASSERT_AT(mv_divergence, offset, 24);
MV_ASSERT_AT(mv_divergence, args, 32);
MV_ASSERT_AT(mv_divergence, site, 80);
MV_ASSERT_AT(mv_divergence, leader_size, 88);
MV_ASSERT_AT(mv_divergence, follower_size, 92);
MV_ASSERT_AT(mv_divergence, leader_record, 96);
MV_ASSERT_AT(mv_divergence, follower_payload, 96 + MV_DIVERGENCE_BYTES);
_Static_assert(sizeof(struct mv_divergence) == 96 + 2 * MV_DIVERGENCE_BYTES, "mv_divergence");

/* A line from the shim to the operator (a refused call, a site left over, …). Slot = number % MV_MESSAGES;
 * number is stored last (release): a reader takes the text, then looks whether number is still the same. */
#define MV_MESSAGES 64u
struct mv_message {
    uint64_t number; /* 1, 2, 3, … ; 0 while it is being written */
    uint32_t pid;
    uint32_t level; /* 0 information, 1 warning, 2 error */
    char text[240]; /* NUL-terminated UTF-8 */
};
_Static_assert(sizeof(struct mv_message) == 256, "mv_message");

/* A child of a dead leader, for which the coordinator (subreaper) waits on behalf of the promoted process.
 * That one enters them as it takes over, pid last (release). When one has ended the coordinator writes status
 * and rusage, then the state, and kicks the process, which frees the place (state, then pid = 0) when the
 * program has waited for it. The end of one that the coordinator can't wait for is told in
 * the same way, with the status of one that was killed. */
enum mv_orphan_state {
    MV_ORPHAN_FREE = 0,
    MV_ORPHAN_LIVES = 1,
    MV_ORPHAN_ENDED = 2,   /* status and rusage are there */
    MV_ORPHAN_TOLD = 3,    /* and the program has been sent SIGCHLD */
    MV_ORPHAN_CLAIMED = 4, /* a wait is about to return it */
};
#define MV_ORPHANS 64u
struct mv_orphan {
    uint32_t pid;
    uint32_t state; /* enum mv_orphan_state */
    int32_t status;
    uint32_t group; /* process group */
    uint8_t rusage[144];
};
MV_ASSERT_AT(mv_orphan, pid, 0);
MV_ASSERT_AT(mv_orphan, state, 4);
MV_ASSERT_AT(mv_orphan, status, 8);
MV_ASSERT_AT(mv_orphan, group, 12);
MV_ASSERT_AT(mv_orphan, rusage, 16);
_Static_assert(sizeof(struct mv_orphan) == 160, "mv_orphan");

enum mv_member_state {
    MV_MEMBER_NONE = 0,      /* never was; or is just being made, while control.publishing names it */
    MV_MEMBER_REPLAYING = 1, /* all its threads replay */
    MV_MEMBER_PARKED = 2,    /* at a divergence */
    MV_MEMBER_ENDED = 3,
    MV_MEMBER_LEADS = 4,
    MV_MEMBER_UPDATING = 5, /* a copy that carries out its tasks (control.tasks) and replays nothing yet */
};

/* A process that leads, or follows, or did so last under this version index. The index is given to another
 * one only when the process is gone. */
struct mv_member {
    uint32_t pid;          /* of a follower: written by the kernel as it is made; 0: surely gone */
    uint32_t state;        /* enum mv_member_state: by the process itself, and by whoever ends it */
    uint64_t generation;   /* control.generation when it was made; 0: the process that was started */
    uint32_t reason;       /* enum mv_reason: why it ended, by whoever ended it */
    int32_t reason_code;   /* signal or errno */
    uint32_t report_taken; /* futex, by the coordinator: 1 when the diverged follower may end */
    uint32_t point; /* of another version: the system call at which it was copied, or MV_POINT_NAMED; by
                       its leader */
    uint32_t updated_from; /* 1 + version index of the leader that it was copied from to become another
                              version; 0: it is none, or that one's index has gone to another process */
    uint32_t rules[2];     /* words of its images (MV_RULES_OFFSET); 0: none. By the coordinator */
    uint32_t unused;
    uint64_t crashed_at; /* the instruction at which the follower got the signal reason_code; 0: none */
    char reason_text[232];
};
MV_ASSERT_AT(mv_member, pid, 0);
MV_ASSERT_AT(mv_member, state, 4);
MV_ASSERT_AT(mv_member, generation, 8);
MV_ASSERT_AT(mv_member, reason, 16);
MV_ASSERT_AT(mv_member, reason_code, 20);
MV_ASSERT_AT(mv_member, report_taken, 24);
MV_ASSERT_AT(mv_member, point, 28);
MV_ASSERT_AT(mv_member, updated_from, 32);
MV_ASSERT_AT(mv_member, rules, 36);
MV_ASSERT_AT(mv_member, crashed_at, 48);
MV_ASSERT_AT(mv_member, reason_text, 56);
_Static_assert(sizeof(struct mv_member) == 288, "mv_member");

/* What the coordinator has a copy of the leader do on the way to another version (update/tasks.c), one after
 * the other. The coordinator stores kind and args, then raises `number` and wakes; the copy stores the
 * result, then `done` and wakes. */
enum mv_task_kind {
    MV_TASK_NONE = 0,
    MV_TASK_MAP = 1,     /* args: address, length, protection: fresh memory there; result: 0 or -errno */
    MV_TASK_PROTECT = 2, /* args: address, length, protection; code that becomes executable is rewritten */
    MV_TASK_CALL = 3,    /* args[0]: function, args[1] to [6]: its arguments; result: its own */
    MV_TASK_EACH = 4,    /* args: function, address of groups of 64-bit words, number of groups, words of each
                            (1 to 6): its arguments; the first becomes its result */
    MV_TASK_RESUME = 5, /* args: address of steps (struct mv_step), their number, address of exit(3), args[3]:
                           1, the last step's result is the exit status. Done when all threads have come to
                           where their leader's stand */
    MV_TASK_RESTART = 6, /* args: slot, address of a start routine: as the new version runs, that thread
                            begins anew there, with the argument that it had; -ESRCH: it has none. (Others go
                            on where they stand) */
};
struct mv_step {
    uint64_t function;
    uint64_t args[6];
    uint64_t unused;
};
_Static_assert(sizeof(struct mv_step) == 64, "mv_step");

struct mv_task {
    uint32_t number; /* futex, by the coordinator */
    uint32_t done;   /* futex, by the copy: number of the last task that is done */
    uint32_t kind;   /* enum mv_task_kind */
    uint32_t unused;
    uint64_t args[8];
    int64_t result;
    uint64_t stack_low, stack_high; /* by the copy, before it is UPDATING: the stack that it goes on with */
    uint64_t unused2[3];
};
MV_ASSERT_AT(mv_task, number, 0);
MV_ASSERT_AT(mv_task, done, 4);
MV_ASSERT_AT(mv_task, kind, 8);
MV_ASSERT_AT(mv_task, args, 16);
MV_ASSERT_AT(mv_task, result, 80);
MV_ASSERT_AT(mv_task, stack_low, 88);
MV_ASSERT_AT(mv_task, stack_high, 96);
_Static_assert(sizeof(struct mv_task) == 128, "mv_task");

struct mv_control {
    uint64_t magic; /* first 64 bytes: written by the coordinator before the server starts, never again */
    uint32_t abi;
    uint32_t size;              /* sizeof(struct mv_control) */
    uint64_t log_limit;         /* bytes: budget of all logs of one version together */
    uint64_t lag_limit_bytes;   /* 0: none */
    uint64_t lag_limit_ns;      /* 0: none */
    uint32_t follow_from_start; /* so many followers are made by the constructor */
    uint32_t followers_wanted;  /* so many are made for a new leader after a failover */
    uint64_t unused1[2];

    /* Written by the coordinator while the server runs. */
    uint32_t
        coordinator_pid; /* 0 or a dead pid: nobody collects reports; a diverged follower then ends itself */
    uint32_t request;    /* enum mv_request; then request_number++ (release), then the kick */
    uint32_t request_number;
    uint32_t request_generation; /* low half. MV_REQUEST_UNFOLLOW: the follower's; 0: all of them.
                                    MV_REQUEST_PROMOTE: the follower's. MV_REQUEST_FOLLOW: a follower of a
                                    later one is wanted */
    uint32_t request_call; /* of MV_REQUEST_UPDATE: the system call at which the copy is made, MV_POINT_ANY,
                              MV_POINT_CALLS, or MV_POINT_NAMED */
    uint8_t request_point[MV_POINT_NAME]; /* of MV_POINT_NAMED: its name, NUL-terminated */
    uint32_t unused2[1];

    /* Written by the shim of whoever leads (or takes over). */
    uint32_t change; /* futex: raised (and woken) after any field of this part has changed; the coordinator
                        waits on it */
    uint32_t stage;  /* enum mv_stage */
    uint32_t answered_number; /* = request_number when the request is settled */
    uint32_t answer;          /* enum mv_reason; NONE: done */
    uint32_t leader_version;
    uint32_t leader_pid;
    uint64_t leads; /* generation of the process that may act. A follower of a dead leader exchanges that
                       one's for its own before its first act: only one can */
    uint32_t logical_pid;
    uint32_t reason;     /* why a request was refused, or how the last leader ended */
    int32_t reason_code; /* signal or errno */
    uint32_t keeper_pid; /* 0: none */
    uint64_t generation; /* raised for each follower */
    uint64_t failovers;
    uint64_t attach_pause_ns; /* how long the threads were parked for the last follower */
    uint64_t failover_ns; /* from the notice of the leader's death to the first call of the promoted one */
    uint32_t session_fd;  /* the hidden descriptor of this memory, in the server's table: /proc/PID/fd/N */
    uint32_t sites_rewritten;
    uint32_t sites_trapped;
    uint32_t sites_refused;
    char reason_text[240];
    uint64_t log_generation; /* raised each time the leader begins to publish: logs and cursors restart */
    uint32_t publishes;      /* 1: the leader publishes each call, for whoever reads */
    uint32_t orphan_changes; /* futex of the shim's waits: raised when `orphans` has changed */
    uint32_t other_program;  /* 1: the server replaces itself by another executable, as a start script does */
    uint32_t offer;   /* low half of a promotion's generation while the lead is offered: whoever exchanges
                         it for 0 decides, the follower that takes it or the leader that takes it back */
    uint64_t mourned; /* by any follower: generation of a leader whose death it has noticed, + 1. While it is
                         that of who leads, the stage is MV_STAGE_FAILOVER */

    /* Read by the leader at every publication: all 0, and it is solo again. `publishing` holds, for each
     * version index, the generation of the follower for whom it is, and decides what becomes of that one:
     * whoever ends it, and the follower itself before it takes over, exchanges its generation for 0; only one
     * can. So a follower that was ended can't lead, though others came after it and it slept through all of
     * it; and nobody ends one that has begun to act. `tracing` has a bit (1 << reader) for each tracer: set
     * by the coordinator; cleared by it, or by the leader when the tracer holds too much. */
    uint32_t publishing[MV_VERSIONS] __attribute__((aligned(64))); /* low halves; 0: no follower */
    uint32_t tracing;
    uint32_t unused3[11];

    uint64_t message_count; /* last number given out (atomic add by any shim) */
    struct mv_message messages[MV_MESSAGES];
    struct mv_orphan orphans[MV_ORPHANS];
    struct mv_thread_info threads[MV_VERSIONS][MV_MAX_THREADS];
    struct mv_member members[MV_VERSIONS];
    struct mv_divergence divergence[MV_VERSIONS];

    /* A robust futex for each version's keeper (process/succession.c): its tid | FUTEX_WAITERS while it is at
     * the logs of that version, FUTEX_OWNER_DIED set by the kernel at its end; MV_KEEPER_COMING | (low half
     * of log_generation) while it is being made. */
    uint32_t keepers[MV_VERSIONS];
    uint32_t unused5[10];

    struct mv_task tasks[MV_VERSIONS];
};
MV_ASSERT_AT(mv_control, magic, 0);
MV_ASSERT_AT(mv_control, abi, 8);
MV_ASSERT_AT(mv_control, size, 12);
MV_ASSERT_AT(mv_control, log_limit, 16);
MV_ASSERT_AT(mv_control, lag_limit_bytes, 24);
MV_ASSERT_AT(mv_control, lag_limit_ns, 32);
MV_ASSERT_AT(mv_control, follow_from_start, 40);
MV_ASSERT_AT(mv_control, followers_wanted, 44);
MV_ASSERT_AT(mv_control, coordinator_pid, 64);
MV_ASSERT_AT(mv_control, request, 68);
MV_ASSERT_AT(mv_control, request_number, 72);
MV_ASSERT_AT(mv_control, request_generation, 76);
MV_ASSERT_AT(mv_control, request_call, 80);
MV_ASSERT_AT(mv_control, request_point, 84);
MV_ASSERT_AT(mv_control, change, 128);
MV_ASSERT_AT(mv_control, stage, 132);
MV_ASSERT_AT(mv_control, answered_number, 136);
MV_ASSERT_AT(mv_control, answer, 140);
MV_ASSERT_AT(mv_control, leader_version, 144);
MV_ASSERT_AT(mv_control, leader_pid, 148);
MV_ASSERT_AT(mv_control, leads, 152);
MV_ASSERT_AT(mv_control, logical_pid, 160);
MV_ASSERT_AT(mv_control, reason, 164);
MV_ASSERT_AT(mv_control, reason_code, 168);
MV_ASSERT_AT(mv_control, keeper_pid, 172);
MV_ASSERT_AT(mv_control, generation, 176);
MV_ASSERT_AT(mv_control, failovers, 184);
MV_ASSERT_AT(mv_control, attach_pause_ns, 192);
MV_ASSERT_AT(mv_control, failover_ns, 200);
MV_ASSERT_AT(mv_control, session_fd, 208);
MV_ASSERT_AT(mv_control, sites_rewritten, 212);
MV_ASSERT_AT(mv_control, sites_trapped, 216);
MV_ASSERT_AT(mv_control, sites_refused, 220);
MV_ASSERT_AT(mv_control, reason_text, 224);
MV_ASSERT_AT(mv_control, log_generation, 464);
MV_ASSERT_AT(mv_control, publishes, 472);
MV_ASSERT_AT(mv_control, orphan_changes, 476);
MV_ASSERT_AT(mv_control, other_program, 480);
MV_ASSERT_AT(mv_control, offer, 484);
MV_ASSERT_AT(mv_control, mourned, 488);
MV_ASSERT_AT(mv_control, publishing, 512);
MV_ASSERT_AT(mv_control, tracing, 528);
MV_ASSERT_AT(mv_control, message_count, 576);
MV_ASSERT_AT(mv_control, messages, 584);
MV_ASSERT_AT(mv_control, orphans, 584 + 256 * 64);
MV_ASSERT_AT(mv_control, threads, 584 + 256 * 64 + 160 * 64);
MV_ASSERT_AT(mv_control, members, 584 + 256 * 64 + 160 * 64 + 40 * 512);
MV_ASSERT_AT(mv_control, divergence, 584 + 256 * 64 + 160 * 64 + 40 * 512 + 288 * 4);
MV_ASSERT_AT(mv_control, keepers,
             584 + 256 * 64 + 160 * 64 + 40 * 512 + 288 * 4 + sizeof(struct mv_divergence) * 4);
MV_ASSERT_AT(mv_control, tasks,
             640 + 256 * 64 + 160 * 64 + 40 * 512 + 288 * 4 + sizeof(struct mv_divergence) * 4);
_Static_assert(sizeof(struct mv_control) <= MV_HANDOVER_OFFSET, "mv_control");
_Static_assert(MV_HANDOVER_OFFSET + MV_HANDOVER_SPAN <= MV_RULES_OFFSET(0, 0), "mv_control");
_Static_assert(MV_RULES_OFFSET(MV_VERSIONS, 0) <= MV_CONTROL_SPAN, "rules");

/* Folds the header of a record into 32 bits; finds any change of a single byte. */
static inline uint32_t mv_event_check(const struct mv_event *event) {
    const mv_word *w = (const mv_word *)event;
    uint64_t h = w[0] ^ (w[1] & 0xffffffff00000000ull); /* without `check` itself */
    for (unsigned i = 2; i < sizeof *event / 8; i++)
        h = ((h << 9) | (h >> 55)) ^ w[i];
    return (uint32_t)(h ^ (h >> 32));
}

/* The same over the part of a log's header that is written once. */
static inline uint64_t mv_log_header_check(const struct mv_log_header *header) {
    const mv_word *w = (const mv_word *)header;
    uint64_t h = 0x9e3779b97f4a7c15ull;
    for (unsigned i = 0; i < 8; i++)
        if (i != __builtin_offsetof(struct mv_log_header, check) / 8)
            h = ((h << 9) | (h >> 55)) ^ w[i];
    return h;
}

#endif
