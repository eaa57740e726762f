.include "golden.inc"
EXPECT rewritten=1
FUNCTION f
1:  jmp t0
    .byte 0xcc
rest:
    jne 1b
    ret
2:  hlt
ENDFUNCTION f
.globl target
.hidden target
.set target, 2b
END
TRAMPOLINE t0
    SITE f+2
    test %eax, %eax
    js target
    jmp rest
