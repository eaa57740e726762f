.include "golden.inc"
FUNCTION f
1:  nop
2:  syscall
    loop 1b
    clc
    jne 2b
    ret
ENDFUNCTION f
END
