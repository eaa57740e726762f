.include "golden.inc"
EXPECT trapped=1
FUNCTION f
    syscall
ENDFUNCTION f
FUNCTION g
    mov $1, %eax
    ret
ENDFUNCTION g
END
