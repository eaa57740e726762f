.include "golden.inc"
EXPECT trapped=1
FUNCTION f
    jmp 1f
1:  syscall
    endbr64
    mov $1, %eax
    ret
ENDFUNCTION f
FUNCTION g
    ret
ENDFUNCTION g
END
