.include "golden.inc"
EXPECT rewritten=1
FUNCTION f
    mov $60, %edx
1:  jmp t0
    .byte 0xcc
    jmp 1b
ENDFUNCTION f
END
TRAMPOLINE t0
    xor %edi, %edi
    mov %edx, %eax
    SITE f+11
    jmp f+11
