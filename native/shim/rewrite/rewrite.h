/*
 * The rewriter: replaces every `syscall` instruction of the process's code by a jump to a trampoline.
 *
 *      site in the program                    trampoline, within 2 GiB of the site
 *      -------------------                    ------------------------------------
 *      mov  $39, %eax   \  window, at         mov  $39, %eax          displaced, before
 *      syscall          /  least 5 bytes      lea  cont(%rip), %rcx
 *      cmp  ...                               jmp  *slot(%rip)        -> the configured entry
 *                                             .quad site_next         (at cont - 8: site + 2)
 *      becomes                                cont:
 *      jmp  trampoline                        endbr64
 *      int3; int3                             (displaced, after)
 *      cmp  ...                               jmp  end_of_window
 *
 * Between the first displaced instruction and the entry no register but rcx (which `syscall` clobbers), no
 * flag and no byte of the stack changes: the red zone is in use. The entry continues by jumping to rcx.
 *
 * Freestanding: raw system calls only, no heap. All functions but the two lookups are serialised by a lock of
 * their own; call them with signals blocked, or a handler that maps code waits for itself.
 */
#ifndef MVEDSUA_REWRITE_H
#define MVEDSUA_REWRITE_H

#include <stddef.h>
#include <stdint.h>

/* What the calls below return; negative values are failures. */
enum mv_rewrite_status {
    MV_REWRITE_OK = 0,
    MV_REWRITE_NO_MEMORY = -1,    /* mmap failed for a reason other than W^X */
    MV_REWRITE_WX_FORBIDDEN = -2, /* mprotect said EPERM or EACCES: the sites are counted as trapped */
    MV_REWRITE_NO_MAPS = -3,      /* /proc/self/maps can't be read */
    MV_REWRITE_OUT_OF_REACH = -4, /* no free memory within 2 GiB of the code: the sites count as trapped */
    MV_REWRITE_NO_VDSO = -5,      /* the auxiliary vector names no vDSO, or it isn't a usable ELF image */
};

/* One English sentence without a final newline for any status; static storage. */
const char *mv_rewrite_status_text(int status);

/* Numbers of places that hold the bytes 0f 05 in executable memory, by what became of them. */
struct mv_rewrite_counts {
    uint32_t rewritten; /* jumps to a trampoline */
    uint32_t trapped;   /* real sites left as they are: only Syscall User Dispatch sees them */
    uint32_t refused;   /* sites in memory that isn't the process's own to change (a shared mapping) */
    uint32_t restorer;  /* `mov $15, %rax; syscall`: left alone, unwinders recognise the bytes */
    uint32_t data;      /* no instruction starts there: constants, displacements, tables */
};

struct mv_rewrite_config {
    uintptr_t entry;              /* where trampolines jump to; see the protocol above */
    uintptr_t vdso_entry;         /* the same for `syscall`s inside the vDSO; 0: entry */
    uintptr_t own_start, own_end; /* the caller's own code, never touched */
};

/* Sets what later calls use, and rewrites nothing. mv_rewrite_process does this too. */
void mv_rewrite_configure(const struct mv_rewrite_config *config);

/*
 * Rewrites all code that is mapped and executable now. To be called once before threads exist; a second
 * call finds nothing to do. `counts` (may be NULL) receives the totals of the whole process.
 * Returns MV_REWRITE_OK or the first failure; it goes on with the other mappings after one.
 */
int mv_rewrite_process(const struct mv_rewrite_config *config, struct mv_rewrite_counts *counts);

enum mv_rewrite_flags {
    MV_RANGE_SHARED = 1, /* a shared mapping: nothing is written, sites count as refused */
    MV_RANGE_LIVE = 2, /* other threads may be executing it: nothing is written, new sites count as trapped */
    MV_RANGE_ANONYMOUS = 4, /* no ELF image can be there: none is looked for */
};

/*
 * Rewrites code that appears later, before it becomes executable to others. [start, start + len) must be
 * page-aligned, readable, and have the protection `prot` throughout; it has exactly `prot` afterwards too.
 * In memory outside of ELF images only calls whose number is loaded close before them are rewritten.
 * `counts` (may be NULL) receives what was new in this call. Needs mv_rewrite_configure or _process before
 * it.
 */
int mv_rewrite_range(uintptr_t start, size_t len, int prot, unsigned flags, struct mv_rewrite_counts *counts);

/* To be called after a range has been unmapped or mapped over: its sites no longer exist. Cheap. */
void mv_rewrite_forget(uintptr_t start, size_t len);

/* To be called in the only thread of a forked child: releases the lock that another thread may have held. */
void mv_rewrite_after_fork(void);

/* Totals over everything scanned so far; places that hold data only count where they were found by
 * mv_rewrite_process. */
void mv_rewrite_totals(struct mv_rewrite_counts *counts);

/* One executable mapping that held at least one 0f 05, and what became of them. */
struct mv_rewrite_object {
    const char *name; /* path as in /proc/self/maps, cut to its last 63 bytes; "" for anonymous memory */
    uintptr_t start, end;
    struct mv_rewrite_counts counts;
};
typedef void mv_rewrite_visitor(const struct mv_rewrite_object *object, void *context);
void mv_rewrite_visit(mv_rewrite_visitor *visit, void *context);

/*
 * The instruction of the original code that a program counter inside a trampoline stands for, 0 if pc isn't
 * in one. A displaced instruction: itself; lea and jmp: the `syscall`; cont: the instruction after the
 * `syscall`; the final jmp: the end of the window. Async-signal-safe, lock-free.
 */
uintptr_t mv_trampoline_to_original(uintptr_t pc);

/*
 * Where to go on for a program counter strictly inside a rewritten window (its bytes are gone), 0 if pc isn't
 * inside one or no instruction starts there. The `syscall` itself: the lea. Async-signal-safe, lock-free.
 */
uintptr_t mv_original_to_trampoline(uintptr_t pc);

/* The exported functions of the vDSO, as addresses. */
struct mv_vdso_functions {
    uintptr_t clock_gettime, gettimeofday, time, getcpu, clock_getres, getrandom;
};

/*
 * Sends every vDSO function for which `hooks` holds an address there, and stores in `originals` addresses
 * under which the kernel's implementations can still be called (0: this kernel doesn't export it, or its
 * entry can't be patched). The originals reach `vdso_entry` when they fall back to a system call. `auxv`: the
 * process's auxiliary vector. Call it after mv_rewrite_process, before threads exist. Returns the number of
 * functions redirected, or a negative status.
 */
int mv_vdso_redirect(const uint64_t *auxv, const struct mv_vdso_functions *hooks,
                     struct mv_vdso_functions *originals);

#endif
