/* POSIX timers (timer_create) end with their process. The leader's run in the leader; a follower notes them,
 * and makes and arms its own at a promotion. The number of a timer, which the program keeps and finds in
 * siginfo, stays what it was: from then on it is translated.
 *
 * When a timer is due is reckoned from the leader's clock as it was armed (the record's stamp) and from the
 * signals that were replayed, with their overruns: one that fell due while the leader was dying fires at
 * once, one that repeats keeps its beat. What processor time a timer of such a clock had counted is lost with
 * the process: it begins anew.
 *
 * Each process keeps the table, also without a follower (timers are made rarely). Calls of other threads come
 * in the order in which the program itself learns a timer's number; the lock guards the table alone. */
#include "../calls/guard.h"
#include "../log/log.h"
#include "../signals/signals.h"
#include "../sys.h"
#include "roles.h"

#include <mvedsua/payload.h>

#define TIMERS 4096u

#define EAGAIN (-11L)
#define EFAULT (-14L)
#define EINVAL (-22L)

#define ABSOLUTE        1u /* TIMER_ABSTIME */
#define SI_TIMER        (-2)
#define NOTIFY_SIGNAL   0
#define NOTIFY_NONE     1
#define NOTIFY_THREAD   4 /* SIGEV_THREAD_ID */
#define CLOCK_REALTIME  0
#define CLOCK_MONOTONIC 1
#define NANO            1000000000

struct event { /* the kernel's struct sigevent */
    uint64_t value;
    int32_t signal, notify, thread;
    int32_t rest[11];
};
_Static_assert(sizeof(struct event) == 64, "sigevent");

struct setting { /* struct itimerspec */
    int64_t interval[2], value[2];
};

struct posix_timer {
    uint32_t used, absolute;
    int32_t id, real; /* what the program calls it; what the kernel of this process does */
    int32_t clock;
    uint32_t creator;      /* logical tid: a clock may be that of the thread which made the timer */
    struct event event;    /* names are the program's */
    uint64_t leader_value; /* what the leader's signals carry, which may be an address of its own */
    int64_t due, interval; /* ns; due 0: not armed. Relative on a processor's clock */
    int64_t overrun;       /* of the last signal; < 0: the kernel tells */
};

static struct posix_timer *table;
static uint32_t end; /* places from here on were never used */
static int32_t next; /* greater than any number so far */
static uint32_t lock;
static uint32_t untracked; /* there are more than the table holds */

static void enter(void) {
    while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
        __builtin_ia32_pause();
}
static void leave(void) {
    __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

static struct posix_timer *find(int32_t id) {
    for (uint32_t i = 0; i < end; i++)
        if (table[i].used && table[i].id == id)
            return &table[i];
    return NULL;
}

/* A place with a number that finds nobody yet; NULL: none left. */
static struct posix_timer *place_for(struct posix_timer new) {
    struct posix_timer *place = NULL;
    new.used = 1;
    new.id = new.real = -1;
    enter();
    if (!table) {
        long at = mv_sys6(__NR_mmap, 0, TIMERS * sizeof *table, 3, 0x22 /* PRIVATE, ANONYMOUS */, -1, 0);
        table = mv_is_error(at) ? NULL : (struct posix_timer *)at;
    }
    for (uint32_t i = 0; table && i < TIMERS && !place; i++)
        if (!table[i].used)
            place = &table[i];
    if (place) {
        *place = new;
        if (end <= place - table)
            end = (uint32_t)(place - table) + 1;
    }
    leave();
    return place;
}

static void named(struct posix_timer *timer, int32_t id) {
    enter();
    timer->id = id;
    if (next <= id)
        next = id + 1;
    leave();
}

/* ---- clocks ---------------------------------------------------------------------------------------- */

/* A clock that the program named by a thread or process of its own, as the kernel knows it. */
int32_t mv_clock_real(int32_t clock) {
    uint32_t kind = (uint32_t)clock & 7, of = ~(uint32_t)clock >> 3;
    if (!mv.translated || clock >= 0 || kind == 3 /* of a descriptor */ || !(of &= 0x1fffffff))
        return clock;
    uint32_t real = kind & 4 ? (uint32_t)mv_real_tid((long)of) : of == mv.logical_pid ? mv.pid : of;
    return (int32_t)(~real << 3 | kind);
}

static int counts_processor(int32_t clock) {
    return clock == 2 || clock == 3 || (clock < 0 && (clock & 7) != 3);
}

/* … and the caller's own, as another thread names it. */
static int32_t clock_of_creator(const struct posix_timer *timer) {
    uint32_t kind = timer->clock == 3 ? 6 : (uint32_t)timer->clock & 7;
    int own =
        timer->clock == 3 || (timer->clock < 0 && (kind & 4) && kind != 7 && !(~(uint32_t)timer->clock >> 3));
    return own ? (int32_t)(~(uint32_t)mv_real_tid((long)timer->creator) << 3 | kind)
               : mv_clock_real(timer->clock);
}

/* A time from now on the wall clock is not moved when that is set: the kernel measures it by another one. */
static int32_t measured_by(const struct posix_timer *timer) {
    return timer->clock == CLOCK_REALTIME && !timer->absolute ? CLOCK_MONOTONIC : timer->clock;
}

static int64_t now_by(const struct posix_timer *timer) {
    int64_t time[2] = {0, 0};
    mv_sys2(__NR_clock_gettime, measured_by(timer), (long)time);
    return time[0] * NANO + time[1];
}

/* ---- the calls, where they are made -------------------------------------------------------------------- */

/* Makes the kernel's timer. Names are the program's. */
static long make(const struct posix_timer *timer, int32_t clock, int32_t *real) {
    struct event event = timer->event;
    if (event.notify == NOTIFY_THREAD && mv.translated)
        event.thread = (int32_t)mv_real_tid(event.thread);
    return mv_sys3(__NR_timer_create, clock, (long)&event, (long)real);
}

static long create(const struct mv_thread *self, const struct mv_frame *frame) {
    struct posix_timer new = {.clock = (int32_t)frame->rdi, .creator = self->logical_tid, .overrun = -1};
    int32_t real = 0, id = -1;
    if (frame->rsi && mv_guard_copy(&new.event, (const void *)frame->rsi, sizeof new.event))
        return EFAULT;
    struct posix_timer *place = place_for(new);
    if (!place && mv.translated) {
        mv_say_string(MV_WARNING, "refused: timer_create (EAGAIN): the server has more than 4096 timers");
        return EAGAIN;
    }
    if (!place) {
        untracked = 1;
        mv_leader_unsupported("timer_create for more than 4096 timers");
        return mv_sys3(__NR_timer_create, (long)frame->rdi, (long)frame->rsi, (long)frame->rdx);
    }
    if (!frame->rsi)
        place->event.signal = 14; /* SIGALRM, as the kernel does */
    if (mv.translated) {
        enter();
        while (next < 0 || find(next))
            next = next < 0 ? 0 : next + 1;
        id = next++;
        leave();
    }
    if (!frame->rsi)
        place->event.value = (uint64_t)id;
    long result = !frame->rsi && !mv.translated ? mv_sys3(__NR_timer_create, new.clock, 0, (long)&real)
                                                : make(place, mv_clock_real(new.clock), &real);
    if (!result) {
        if (id < 0)
            id = real;
        if (!frame->rsi)
            place->event.value = (uint64_t)id;
        place->real = real;
        if (mv_guard_copy((void *)frame->rdx, &id, sizeof id)) {
            mv_sys1(__NR_timer_delete, real);
            result = EFAULT;
        }
    }
    if (result)
        place->used = 0;
    else
        named(place, id);
    return result;
}

long mv_posix_timers_call(struct mv_thread *self, const struct mv_frame *frame) {
    if (self->call == __NR_timer_create)
        return create(self, frame);
    enter();
    struct posix_timer *timer = find((int32_t)frame->rdi);
    struct posix_timer noted = timer ? *timer : (struct posix_timer){.real = (int32_t)frame->rdi};
    leave();
    if (!timer && mv.translated)
        return EINVAL;
    if (self->call == __NR_timer_getoverrun && mv.translated && noted.overrun >= 0)
        return noted.overrun;
    long result = mv_sys4(self->call, noted.real, (long)frame->rsi, (long)frame->rdx, (long)frame->r10);
    if (result || !timer)
        return result;
    enter();
    if (self->call == __NR_timer_settime) {
        timer->absolute = frame->rsi & ABSOLUTE;
        timer->overrun = -1;
        if (mv.role == MV_ROLE_LEADER && !counts_processor(timer->clock))
            self->stamp = (uint64_t)now_by(timer);
    } else if (self->call == __NR_timer_delete) {
        timer->used = 0;
    }
    leave();
    return result;
}

/* A signal of this process's timer has come: in the program's name. Without the lock, which the interrupted
 * thread may hold: a timer that sends signals has both its numbers. */
void mv_posix_timers_arrived(struct mv_siginfo *info) {
    for (uint32_t i = 0; i < end; i++)
        if (table[i].used && table[i].real == (int32_t)info->rest[0]) {
            info->rest[0] = (info->rest[0] & ~0xffffffffull) | (uint32_t)table[i].id;
            table[i].overrun = -1;
            return;
        }
}

/* ---- the follower ---------------------------------------------------------------------------------- */

static void created(const uint64_t args[6], const struct mv_event *event) {
    struct posix_timer new = {.clock = (int32_t)args[0], .creator = mv_self->logical_tid};
    uint32_t id = 0;
    mv_guard_load32((const void *)args[2], &id);
    if (!args[1])
        new.event = (struct event){.signal = 14, .value = id};
    else if (mv_guard_copy(&new.event, (const void *)args[1], sizeof new.event))
        return;
    new.leader_value = new.event.value;
    if (args[1] && event->in_size >= sizeof(struct mv_payload_segment) + 8)
        __builtin_memcpy(&new.leader_value, (const uint8_t *)(event + 1) + sizeof(struct mv_payload_segment),
                         8);
    struct posix_timer *place = place_for(new);
    if (place)
        named(place, (int32_t)id);
    else /* the leader's table is as large */
        mv_follower_end(MV_REASON_NO_RESOURCES, 12, "the follower has no memory for the server's timers");
}

static void armed(struct posix_timer *timer, const uint64_t args[6], int64_t since) {
    struct setting new = {{0, 0}, {0, 0}};
    if (mv_guard_copy(&new, (const void *)args[2], sizeof new))
        return;
    int64_t value = new.value[0] * NANO + new.value[1];
    timer->absolute = args[1] & ABSOLUTE;
    timer->interval = new.interval[0] * NANO + new.interval[1];
    timer->overrun = 0;
    timer->due = value && !timer->absolute && !counts_processor(timer->clock) ? since + value : value;
}

/* A call has succeeded in the leader. */
void mv_posix_timers_replayed(uint32_t call, const uint64_t args[6], const struct mv_event *event) {
    if (call == __NR_timer_create) {
        created(args, event);
        return;
    }
    enter();
    struct posix_timer *timer = find((int32_t)args[0]);
    if (timer && call == __NR_timer_settime)
        armed(timer, args, (int64_t)event->stamp);
    else if (timer && call == __NR_timer_delete)
        timer->used = 0;
    leave();
}

/* The program is about to be told of a signal of the leader's: which may carry another value here. (One that
 * was armed again since is due later, and stays armed.) */
void mv_posix_timers_told(struct mv_siginfo *info) {
    if (info->code != SI_TIMER)
        return;
    enter();
    struct posix_timer *timer = find((int32_t)info->rest[0]);
    if (timer) {
        int processor = counts_processor(timer->clock);
        timer->overrun = (int64_t)(info->rest[0] >> 32);
        if (timer->interval)
            timer->due = processor ? timer->interval : timer->due + timer->interval * (1 + timer->overrun);
        else if (processor || timer->due <= now_by(timer))
            timer->due = 0;
        if (info->rest[1] == timer->leader_value)
            info->rest[1] = timer->event.value;
    }
    leave();
}

/* ---- from role to role ----------------------------------------------------------------------------- */

int mv_posix_timers_untracked(void) {
    return (int)untracked;
}

/* A forked child has none. */
void mv_posix_timers_forget(void) {
    lock = untracked = 0;
    for (uint32_t i = 0; i < end; i++)
        table[i].used = 0;
    end = 0;
    next = 0;
}

/* In a leader that is about to be copied: what is armed already. */
void mv_posix_timers_start(void) {
    for (uint32_t i = 0; i < end; i++) {
        struct posix_timer *timer = &table[i];
        struct setting left = {{0, 0}, {0, 0}};
        if (!timer->used || mv_sys2(__NR_timer_gettime, timer->real, (long)&left))
            continue;
        int processor = counts_processor(timer->clock);
        int64_t value = left.value[0] * NANO + left.value[1];
        if (timer->overrun < 0)
            timer->overrun = mv_sys1(__NR_timer_getoverrun, timer->real);
        timer->leader_value = timer->event.value;
        timer->absolute &= (uint32_t)!processor;
        timer->interval = left.interval[0] * NANO + left.interval[1];
        timer->due = value && !processor ? now_by(timer) + value : value;
    }
}

/* In a leader that is about to follow, once it has noted what is armed: the kernel's are its own. */
void mv_posix_timers_stop(void) {
    for (uint32_t i = 0; i < end; i++)
        if (table[i].used)
            mv_sys1(__NR_timer_delete, table[i].real);
}

static void arm(const struct posix_timer *timer) {
    int64_t value = timer->due;
    uint32_t absolute = !counts_processor(timer->clock) || timer->absolute;
    if (!timer->due)
        return;
    if (measured_by(timer) != timer->clock) {
        value -= now_by(timer);
        absolute = 0;
    }
    if (value <= 0)
        value = 1;
    struct setting setting = {{timer->interval / NANO, timer->interval % NANO}, {value / NANO, value % NANO}};
    mv_sys4(__NR_timer_settime, timer->real, absolute, (long)&setting, 0);
}

/* This process leads now. The timer of a thread that has ended never fires; it still has a number. */
void mv_posix_timers_promote(void) {
    for (uint32_t i = 0; i < end; i++) {
        struct posix_timer *timer = &table[i], silent = {.event = {.notify = NOTIFY_NONE}};
        if (!timer->used)
            continue;
        if (!make(timer, clock_of_creator(timer), &timer->real))
            arm(timer);
        else if (make(&silent, CLOCK_MONOTONIC, &timer->real)) {
            mv_say_string(MV_ERROR, "a timer of the dead leader's could not be made again");
            timer->used = 0;
        }
    }
}
