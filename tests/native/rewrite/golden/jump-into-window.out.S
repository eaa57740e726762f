.include "golden.inc"
EXPECT rewritten=1
FUNCTION f
    jne 2f
1:  jmp pad
2:  dec %ebx
    jne 1b
    ret
ENDFUNCTION f
    .byte 0x0f, 0x1f, 0x84
pad:
    jmp t0
FUNCTION g
    ret
ENDFUNCTION g
END
TRAMPOLINE t0
    SITE f+4
    jmp f+4
