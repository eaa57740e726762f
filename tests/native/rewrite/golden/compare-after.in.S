.include "golden.inc"
FUNCTION f
    mov $39, %eax
1:  syscall
    cmp $-4095, %rax
    jae 1b
    ret
ENDFUNCTION f
END
