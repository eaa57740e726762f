.include "golden.inc"
FUNCTION f
1:  syscall
    test %eax, %eax
    js 2f
    jne 1b
    ret
2:  hlt
ENDFUNCTION f
END
