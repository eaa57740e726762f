.include "golden.inc"
EXPECT rewritten=2
FUNCTION f
1:  jmp t0
2:  jmp t1
    .byte 0xcc, 0xcc, 0xcc
    jae 1b
    jne 2b
    ret
ENDFUNCTION f
END
TRAMPOLINE t0
    SITE f+2
    mov %rax, %rbx
    jmp f+5
TRAMPOLINE t1
    SITE f+7
    cmp $-4095, %rax
    jmp f+13
