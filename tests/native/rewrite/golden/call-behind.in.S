.include "golden.inc"
FUNCTION f
1:  syscall
    call g
    jne 1b
    ret
ENDFUNCTION f
FUNCTION g
    ret
ENDFUNCTION g
END
