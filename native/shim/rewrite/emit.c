#include "emit.h"

static void put(struct mv_emit *e, uint8_t byte) {
    if (e->at < e->limit)
        *(uint8_t *)e->at = byte;
    e->at++;
}

static void put_bytes(struct mv_emit *e, const uint8_t *bytes, size_t n) {
    for (size_t i = 0; i < n; i++)
        put(e, bytes[i]);
}

static void put32(struct mv_emit *e, uint32_t value) {
    for (int i = 0; i < 4; i++)
        put(e, (uint8_t)(value >> 8 * i));
}

static int in_reach(int64_t distance) {
    return distance == (int32_t)distance;
}

/* A displacement to `to` that is counted from `from`. */
static int put_relative(struct mv_emit *e, uintptr_t to, uintptr_t from) {
    int64_t distance = (int64_t)(to - from);
    put32(e, (uint32_t)distance);
    return in_reach(distance) ? 0 : -1;
}

static int put_jump(struct mv_emit *e, uintptr_t to) {
    put(e, 0xe9);
    return put_relative(e, to, e->at + 4);
}

static void step(struct mv_emit *e, uintptr_t window, uintptr_t original) {
    if (e->step_count < MV_STEPS)
        e->steps[e->step_count] = (struct mv_step){(uint8_t)(original - window), (uint8_t)(e->at - e->start)};
    e->step_count++;
}

/* A displaced call must leave the original return address, or unwinders and returns meet the trampoline. */
static int put_call(struct mv_emit *e, uintptr_t target, uintptr_t back) {
    put(e, 0x68); /* push imm32, sign-extended */
    put32(e, (uint32_t)back);
    put_bytes(e, (const uint8_t[]){0xc7, 0x44, 0x24, 0x04}, 4); /* movl imm32, 4(%rsp) */
    put32(e, (uint32_t)(back >> 32));
    return put_jump(e, target);
}

static int put_moved(struct mv_emit *e, uintptr_t at, const struct mv_insn *insn) {
    switch (insn->kind) {
    case MV_INSN_JMP:
        return put_jump(e, insn->target);
    case MV_INSN_JCC:
        put(e, 0x0f);
        put(e, 0x80 | insn->condition);
        return put_relative(e, insn->target, e->at + 4);
    case MV_INSN_LOOP: /* no rel32 form: jump over a jump */
        put_bytes(e, (const uint8_t[]){insn->condition, 2, 0xeb, 5}, 4);
        return put_jump(e, insn->target);
    case MV_INSN_CALL:
        return put_call(e, insn->target, at + insn->len);
    case MV_INSN_PLAIN:
    case MV_INSN_NOP:
    case MV_INSN_STOP:
        break;
    default:
        return -1;
    }
    if (insn->rip_disp == 0) {
        put_bytes(e, (const uint8_t *)at, insn->len);
        return 0;
    }
    uintptr_t next = e->at + insn->len;
    put_bytes(e, (const uint8_t *)at, insn->rip_disp);
    int status = put_relative(e, insn->target, next);
    put_bytes(e, (const uint8_t *)at + insn->rip_disp + 4, insn->len - insn->rip_disp - 4u);
    return status;
}

static int put_site(struct mv_emit *e, uintptr_t window, uintptr_t site, uintptr_t slot) {
    step(e, window, site);
    put_bytes(e, (const uint8_t[]){0x48, 0x8d, 0x0d}, 3); /* lea cont(%rip), %rcx */
    put32(e, 6 + 8);
    put_bytes(e, (const uint8_t[]){0xff, 0x25}, 2); /* jmp *slot(%rip) */
    int status = put_relative(e, slot, e->at + 4);
    uintptr_t next = site + 2;
    put_bytes(e, (const uint8_t *)&next, sizeof next);
    step(e, window, next);
    put_bytes(e, (const uint8_t[]){0xf3, 0x0f, 0x1e, 0xfa}, 4); /* endbr64 */
    return status;
}

static int emit(struct mv_emit *e, uintptr_t start, uintptr_t end, uintptr_t slot) {
    int falls_through = 1, after_site = 0;
    for (uintptr_t at = start; at < end;) {
        struct mv_insn insn;
        mv_decode(at, end, &insn);
        if (!falls_through) {
            /* Padding after a jump or return that nothing leads to: it only has to be gone. */
            if (insn.kind != MV_INSN_NOP && insn.kind != MV_INSN_INT3)
                return -1;
        } else if (insn.kind == MV_INSN_SYSCALL) {
            if (slot == 0 || put_site(e, start, at, slot) != 0)
                return -1;
        } else {
            /* The call's return address would lie in bytes that are gone. */
            if (insn.kind == MV_INSN_CALL && at + insn.len < end)
                return -1;
            /* cont stands for the first instruction after the site: its endbr64 belongs to it. */
            if (!after_site)
                step(e, start, at);
            if (put_moved(e, at, &insn) != 0)
                return -1;
            falls_through = !mv_insn_stops(&insn) && insn.kind != MV_INSN_CALL;
        }
        after_site = insn.kind == MV_INSN_SYSCALL;
        at += insn.len;
    }
    if (falls_through) {
        if (!after_site)
            step(e, start, end);
        if (put_jump(e, end) != 0)
            return -1;
    }
    return e->at <= e->limit && e->at - e->start <= MV_TRAMPOLINE_MAX && e->step_count <= MV_STEPS ? 0 : -1;
}

int mv_emit_window(struct mv_emit *out, uintptr_t start, uintptr_t end, uintptr_t slot) {
    out->step_count = 0;
    return emit(out, start, end, slot);
}

int mv_emit_prologue(struct mv_emit *out, uintptr_t start, uintptr_t end) {
    out->step_count = 0;
    return emit(out, start, end, 0);
}

int mv_emit_jump_through(struct mv_emit *out, uintptr_t slot) {
    put_bytes(out, (const uint8_t[]){0xf3, 0x0f, 0x1e, 0xfa, 0xff, 0x25}, 6);
    int status = put_relative(out, slot, out->at + 4);
    return out->at <= out->limit ? status : -1;
}

int mv_encode_patch(uint8_t *bytes, uintptr_t at, size_t size, uintptr_t to) {
    int64_t distance = (int64_t)(to - (at + 5));
    if (!in_reach(distance))
        return -1;
    bytes[0] = 0xe9;
    for (int i = 0; i < 4; i++)
        bytes[1 + i] = (uint8_t)((uint32_t)distance >> 8 * i);
    for (size_t i = 5; i < size; i++)
        bytes[i] = 0xcc;
    return 0;
}
