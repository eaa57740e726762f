.include "golden.inc"
FUNCTION f
1:  syscall
    syscall
    pop %rbx
    jne 1b
    ret
ENDFUNCTION f
END
