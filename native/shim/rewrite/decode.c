#include "decode.h"

#include <Zydis/Decoder.h>
#include <stddef.h>

/* A constant: no initialisation order, and ZydisDecoderInit stays out of the image. */
static const ZydisDecoder decoder = {
    .machine_mode = ZYDIS_MACHINE_MODE_LONG_64,
    .stack_width = ZYDIS_STACK_WIDTH_64,
    .decoder_mode = {[ZYDIS_DECODER_MODE_MINIMAL] = ZYAN_TRUE,
                     [ZYDIS_DECODER_MODE_MPX] = ZYAN_TRUE,
                     [ZYDIS_DECODER_MODE_CET] = ZYAN_TRUE,
                     [ZYDIS_DECODER_MODE_LZCNT] = ZYAN_TRUE,
                     [ZYDIS_DECODER_MODE_TZCNT] = ZYAN_TRUE,
                     [ZYDIS_DECODER_MODE_CLDEMOTE] = ZYAN_TRUE},
};

/* Whether only prefixes stand before the opcode that leave a near branch as it is: bnd, hints, notrack, REX.
 */
static int plain_branch_prefixes(const ZydisDecodedInstruction *z) {
    for (int i = 0; i < z->raw.prefix_count; i++) {
        uint8_t prefix = z->raw.prefixes[i].value;
        if (prefix != 0xf2 && prefix != 0x2e && prefix != 0x3e && (prefix & 0xf0) != 0x40)
            return 0;
    }
    return 1;
}

static int has_prefix(const ZydisDecodedInstruction *z, uint8_t value) {
    for (int i = 0; i < z->raw.prefix_count; i++) {
        if (z->raw.prefixes[i].value == value)
            return 1;
    }
    return 0;
}

static enum mv_insn_kind kind_one_byte(const ZydisDecodedInstruction *z, struct mv_insn *insn) {
    uint8_t op = z->opcode;
    if (op >= 0x70 && op <= 0x7f) {
        insn->condition = op & 15;
        return MV_INSN_JCC;
    }
    switch (op) {
    case 0xe0 ... 0xe3:
        insn->condition = op;
        return MV_INSN_LOOP;
    case 0xe8:
        return MV_INSN_CALL;
    case 0xe9:
    case 0xeb:
        return MV_INSN_JMP;
    case 0xc2:
    case 0xc3:
    case 0xca:
    case 0xcb:
    case 0xcf:
    case 0xf4:
        return MV_INSN_STOP;
    case 0xcc:
        return MV_INSN_INT3;
    case 0xcd:
    case 0xf1:
        return MV_INSN_FIXED;
    case 0x90: /* with REX.B it is an exchange with r8, with f3 a pause */
        return (z->raw.rex.B || has_prefix(z, 0xf3)) ? MV_INSN_PLAIN : MV_INSN_NOP;
    case 0xc7: /* xbegin */
        return z->raw.modrm.mod == 3 && z->raw.modrm.reg == 7 ? MV_INSN_FIXED : MV_INSN_PLAIN;
    case 0xff:
        if (z->raw.modrm.reg == 2 || z->raw.modrm.reg == 3)
            return MV_INSN_CALL_INDIRECT;
        return z->raw.modrm.reg == 4 || z->raw.modrm.reg == 5 ? MV_INSN_STOP : MV_INSN_PLAIN;
    default:
        return MV_INSN_PLAIN;
    }
}

static enum mv_insn_kind kind_two_byte(const ZydisDecodedInstruction *z, struct mv_insn *insn) {
    uint8_t op = z->opcode;
    if (op >= 0x80 && op <= 0x8f) {
        insn->condition = op & 15;
        return MV_INSN_JCC;
    }
    switch (op) {
    case 0x05:
        return MV_INSN_SYSCALL;
    case 0x07: /* sysret */
    case 0x0b: /* ud2 */
    case 0x35: /* sysexit */
        return MV_INSN_STOP;
    case 0x34: /* sysenter */
        return MV_INSN_FIXED;
    case 0x1e:
        return has_prefix(z, 0xf3) && z->raw.modrm.mod == 3 && z->raw.modrm.reg == 7 && z->raw.modrm.rm >= 2
                   ? MV_INSN_ENDBR
                   : MV_INSN_PLAIN;
    case 0x1f:
        return MV_INSN_NOP;
    default:
        return MV_INSN_PLAIN;
    }
}

void mv_decode(uintptr_t at, uintptr_t end, struct mv_insn *insn) {
    ZydisDecodedInstruction z;
    *insn = (struct mv_insn){.kind = MV_INSN_INVALID, .len = 1};
    if (at >= end ||
        !ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, NULL, (const void *)at, end - at, &z)))
        return;

    insn->len = z.length;
    insn->kind = MV_INSN_PLAIN;
    if (z.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY && z.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT)
        insn->kind = (uint8_t)kind_one_byte(&z, insn);
    else if (z.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY && z.opcode_map == ZYDIS_OPCODE_MAP_0F)
        insn->kind = (uint8_t)kind_two_byte(&z, insn);

    uintptr_t next = at + z.length;
    if (z.raw.imm[0].is_relative)
        insn->target = next + (uintptr_t)z.raw.imm[0].value.s;
    int branches = insn->kind == MV_INSN_JMP || insn->kind == MV_INSN_JCC || insn->kind == MV_INSN_CALL ||
                   insn->kind == MV_INSN_LOOP;
    if (branches && (!z.raw.imm[0].is_relative || !plain_branch_prefixes(&z)))
        insn->kind = MV_INSN_FIXED;

    /* mod 0, rm 5: disp32 from the next instruction. With an address-size prefix it is cut to 32 bits, which
     * can't be had from another place. */
    if ((z.attributes & ZYDIS_ATTRIB_HAS_MODRM) && z.raw.modrm.mod == 0 && z.raw.modrm.rm == 5 &&
        z.raw.disp.size == 32 && insn->kind != MV_INSN_NOP) {
        insn->rip_disp = z.raw.disp.offset;
        insn->target = next + (uintptr_t)z.raw.disp.value;
        if (has_prefix(&z, 0x67))
            insn->kind = MV_INSN_FIXED;
    }
}
