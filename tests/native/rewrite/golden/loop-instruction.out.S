.include "golden.inc"
EXPECT rewritten=1
FUNCTION f
1:  nop
2:  jmp t0
rest:
    jne 2b
    ret
ENDFUNCTION f
END
TRAMPOLINE t0
    SITE f+3
    loop 3f
    jmp 4f
3:  .byte 0xe9
    .long f - . - 4
4:  clc
    jmp rest
