.include "golden.inc"
EXPECT rewritten=1
FUNCTION f
    mov $39, %eax
1:  jmp t0
    .byte 0xcc, 0xcc, 0xcc
rest:
    jae 1b
    ret
ENDFUNCTION f
END
TRAMPOLINE t0
    SITE f+7
    cmp $-4095, %rax
    jmp rest
