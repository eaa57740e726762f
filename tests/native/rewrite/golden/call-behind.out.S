.include "golden.inc"
EXPECT rewritten=1
FUNCTION f
1:  jmp t0
    .byte 0xcc, 0xcc
rest:
    jne 1b
    ret
ENDFUNCTION f
FUNCTION g
    ret
ENDFUNCTION g
END
TRAMPOLINE t0
    SITE f+2
    PUSH_ADDRESS rest
    jmp f+10
