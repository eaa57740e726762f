/* A library that breaks every rule that check.sh knows: it calls libc through lazily bound names, computes in
 * vector registers, exports what nobody may bind to, and has relocations in its code, memory with all rights,
 * and an executable stack. */
#include <stdio.h>

__asm__(".section .all_rights, \"awx\", @progbits\n .byte 0\n .text");

double exported_by_mistake(double value) {
    printf("%f\n", value);
    return value * 2;
}
