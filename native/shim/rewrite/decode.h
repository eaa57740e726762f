/* One decoded instruction, reduced to what moving it to another address needs. */
#ifndef MVEDSUA_REWRITE_DECODE_H
#define MVEDSUA_REWRITE_DECODE_H

#include <stdint.h>

enum mv_insn_kind {
    MV_INSN_INVALID,
    MV_INSN_PLAIN, /* no change of control flow; may have a RIP-relative operand */
    MV_INSN_NOP,   /* padding: nop, its long forms */
    MV_INSN_INT3,
    MV_INSN_ENDBR, /* a target of indirect branches */
    MV_INSN_SYSCALL,
    MV_INSN_JMP,  /* direct; target set */
    MV_INSN_JCC,  /* direct; target and condition set */
    MV_INSN_LOOP, /* loop, loope, loopne, jrcxz: only a rel8 form exists */
    MV_INSN_CALL, /* direct; target set */
    MV_INSN_CALL_INDIRECT,
    MV_INSN_STOP,  /* control never falls through: ret, indirect jmp, ud2, hlt */
    MV_INSN_FIXED, /* can't be moved (xbegin, int n, branches with odd prefixes); target may be set */
};

struct mv_insn {
    uint8_t kind;
    uint8_t len;
    uint8_t rip_disp;  /* offset of a RIP-relative operand's disp32 in the instruction; 0: none */
    uint8_t condition; /* JCC: low 4 bits of the opcode; LOOP: the opcode */
    uintptr_t target;  /* of a direct branch or of the RIP-relative operand; 0: none */
};

/* Decodes at `at`, reading no byte at or after `end`. kind MV_INSN_INVALID has len 1. */
void mv_decode(uintptr_t at, uintptr_t end, struct mv_insn *insn);

/* Whether the next instruction in memory is reached only by a branch. */
static inline int mv_insn_stops(const struct mv_insn *insn) {
    return insn->kind == MV_INSN_JMP || insn->kind == MV_INSN_STOP;
}

#endif
