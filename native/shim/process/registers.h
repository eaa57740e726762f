/* The registers that calls preserve and the shim's own code does not touch (it is built without them): x87,
 * SSE, AVX, their control words, protection keys. */
#ifndef MV_REGISTERS_H
#define MV_REGISTERS_H

#include <stdint.h>

#define MV_REGISTERS_SIZE 3072u

struct mv_register_state {
    _Alignas(64) uint8_t room[MV_REGISTERS_SIZE];
};

/* Of the calling thread. Any thread; no system call. */
void mv_registers_save(struct mv_register_state *state);
void mv_registers_restore(const struct mv_register_state *state);

#endif
