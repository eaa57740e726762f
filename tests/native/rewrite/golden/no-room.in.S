.include "golden.inc"
FUNCTION f
    jne 2f
1:  syscall
2:  dec %ebx
    jne 1b
    ret
ENDFUNCTION f
FUNCTION g
    ret
ENDFUNCTION g
END
