.include "golden.inc"
EXPECT rewritten=2
FUNCTION clone
    mov $56, %eax
ENDFUNCTION clone
    jmp t0
    je 1f
    ret
1:  mov %rax, %rdi
    jmp t1
    .byte 0xcc, 0xcc
FUNCTION g
    ret
ENDFUNCTION g
END
TRAMPOLINE t0
    SITE clone+7
    test %rax, %rax
    jmp clone+10
TRAMPOLINE t1
    .balign 1
    mov $60, %eax
    SITE g
    jmp g
