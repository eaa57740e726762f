.include "golden.inc"
EXPECT rewritten=2
FUNCTION f
1:  jmp t0
rest:
    jne 1b
    ret
ENDFUNCTION f
END
TRAMPOLINE t0
    SITE f+2
    SITE f+4
    pop %rbx
    jmp rest
