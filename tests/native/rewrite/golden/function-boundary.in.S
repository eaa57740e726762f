.include "golden.inc"
FUNCTION f
    syscall
ENDFUNCTION f
FUNCTION g
    mov $1, %eax
    ret
ENDFUNCTION g
END
