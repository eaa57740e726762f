.include "golden.inc"
FUNCTION f
    mov $39, %eax
    syscall
    cmp $-4095, %rax
    jae 1f
    ret
1:  hlt
ENDFUNCTION f
END
