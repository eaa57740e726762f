.include "golden.inc"
FUNCTION f
1:  syscall
    mov %rax, %rbx
2:  syscall
    cmp $-4095, %rax
    jae 1b
    jne 2b
    ret
ENDFUNCTION f
END
