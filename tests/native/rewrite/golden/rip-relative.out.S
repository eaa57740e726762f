.include "golden.inc"
EXPECT rewritten=1
FUNCTION f
    push %rbx
    jmp t0
    .byte 0xcc, 0xcc, 0xcc, 0xcc
1:  pop %rbx
    jne 1b
    ret
ENDFUNCTION f
END
TRAMPOLINE t0
    cmpl $7, counter(%rip)
    SITE f+10
    jmp f+10
.data
counter: .long 0
