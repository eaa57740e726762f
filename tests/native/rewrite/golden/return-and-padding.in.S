.include "golden.inc"
FUNCTION f
    jmp 1f
1:  syscall
    ret
ENDFUNCTION f
    .nops 12
FUNCTION g
    ret
ENDFUNCTION g
END
