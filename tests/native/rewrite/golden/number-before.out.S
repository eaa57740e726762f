.include "golden.inc"
EXPECT rewritten=1
FUNCTION f
    jmp t0
    .byte 0xcc, 0xcc
next:
    cmp $-4095, %rax
    jae 1f
    ret
1:  hlt
ENDFUNCTION f
END
TRAMPOLINE t0
    mov $39, %eax
    SITE next
    jmp next
