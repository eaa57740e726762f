// Interprets the rules that reconcile two versions (docs/rule-language.md, "Bytecode") beside the replay of a
// follower.
//
// No heap and no system call: what is kept between calls is in mv_rules_thread and in the memory that its
// owner lends it. The image was verified by the coordinator. Each thread has a state of its own; nothing is
// shared but the image.
#ifndef MVEDSUA_RULES_RULES_H
#define MVEDSUA_RULES_RULES_H

#include <stdbool.h>
#include <stdint.h>

#define MV_RULES_ARGS   6
#define MV_RULES_SLOTS  32
#define MV_RULES_STORES 16
#define MV_RULES_STEPS  16
#define MV_RULES_PARTS  16

struct mv_rules_bytes {
    const uint8_t *at; // null: there are none, which is not the same as none of them
    uint64_t size;
};

// An event of the leader, or a call that the follower is about to make. Each memory argument is one buffer:
// what an iovec or a message points at is joined, strings are without their NUL.
struct mv_rules_call {
    uint32_t number;
    bool has_result; // false: the call is still to be made
    bool harmless;   // the follower may make it: it asks, and changes nothing outside
    int64_t result;
    uint64_t sent_bytes; // all that goes out
    uint64_t args[MV_RULES_ARGS];
    struct mv_rules_bytes sent[MV_RULES_ARGS];
    struct mv_rules_bytes received[MV_RULES_ARGS];
    uint64_t id; // its owner's
};

enum mv_rules_verdict {
    MV_RULES_EQUAL,      // it is the leader's next event
    MV_RULES_RECONCILED, // a rule answers it
    MV_RULES_DROPPED,    // events are dropped; ask again
    MV_RULES_NEEDS_MORE, // ask again when the leader's next event has come
    MV_RULES_DIVERGED,
    MV_RULES_NO_ROOM, // a rule would apply, but the lent memory is too small for its buffers
};

enum { MV_RULES_NONE = -1, MV_RULES_BEGIN = -2 };

// What a reconciled call is told. Its memory lies in the leader's events or in the lent memory: it is good
// until these events are consumed, or the next decision.
struct mv_rules_answer {
    bool executed; // the follower makes the call; the rest says nothing
    int64_t result;
    struct mv_rules_bytes received[MV_RULES_ARGS];
    struct mv_rules_bytes source_sent[MV_RULES_ARGS]; // what the leader's event of the same name had sent
};

struct mv_rules_decision {
    enum mv_rules_verdict verdict;
    uint32_t consumed; // events that are done with
    int32_t rule;      // its index, or one of the names above
    struct mv_rules_answer answer;
};

struct mv_rules_host {
    void *context;
    // The leader's event so many places ahead; null: it has not come yet.
    const struct mv_rules_call *(*event)(void *context, uint32_t ahead);
    // Whether an argument is equal as it is compared where no rule is in the way; -1: the whole call.
    bool (*equal)(void *context, const struct mv_rules_call *leader, const struct mv_rules_call *follower,
                  int arg);
};

struct mv_rules_cell {
    enum { MV_CELL_EMPTY, MV_CELL_NUMBER, MV_CELL_BYTES } kind;
    int64_t number;
    struct mv_rules_bytes bytes;
};

// A rule of which some of the follower's calls have come.
struct mv_rules_progress {
    int32_t rule; // MV_RULES_NONE: there is none
    uint32_t step, call, round;
    struct mv_rules_cell slots[MV_RULES_SLOTS];
    struct mv_rules_call events[MV_RULES_STEPS]; // by the leader's step
    bool has_event[MV_RULES_STEPS];
};

struct mv_rules_thread {
    uint32_t number; // 1 for the main thread, then in the order of their creation
    bool begun;
    struct mv_rules_cell stores[MV_RULES_STORES];
    struct mv_rules_progress progress;
    uint8_t *kept[2]; // what stores and progress refer to is in one of them, and is copied to the other when
                      // they change
    uint64_t kept_size;
    unsigned half;
    uint8_t *scratch; // for one decision
    uint64_t scratch_size;
};

// Whether a rule begins with this call of the follower, or drops this event. When neither call nor event has
// one, and no rule is in progress, there is nothing to decide.
static inline bool mv_rules_name(const uint32_t *image, uint32_t number) {
    enum { INDEX_AT = 13, NUMBERS = 512 }; // image.h
    return number < NUMBERS && image[image[INDEX_AT] + number] != 0;
}

// A thread that has made no call yet. The memory is lent until it ends: two parts for what is kept, one for
// each decision.
void mv_rules_start(const uint32_t *image, struct mv_rules_thread *thread, uint32_t number, uint8_t *memory,
                    uint64_t size);

// Decides about one call. `is_end`: the leader makes no more events.
void mv_rules_decide(const uint32_t *image, struct mv_rules_thread *thread, const struct mv_rules_host *host,
                     const struct mv_rules_call *call, bool is_end, struct mv_rules_decision *decision);

#endif
