.include "golden.inc"
EXPECT rewritten=1
FUNCTION f
    jmp 1f
1:  jmp t0
    .fill 9, 1, 0xcc
    nop
ENDFUNCTION f
FUNCTION g
    ret
ENDFUNCTION g
END
TRAMPOLINE t0
    SITE f+4
    ret
