/* A note that says which shared-memory layout this library speaks, so that a coordinator of another release
 * refuses it before a server is started with it (read by src/Mvedsua.Abi/Elf). */
#include <mvedsua/shared.h>

#define MV_NOTE_LAYOUT 1u

static const struct {
    uint32_t name_size, value_size, type;
    char name[8];
    uint32_t value;
} abi_note __attribute__((used, aligned(4), section(".note.mvedsua"))) = {
    8, sizeof(uint32_t), MV_NOTE_LAYOUT, "Mvedsua", MV_ABI_VERSION,
};
