.include "golden.inc"
FUNCTION clone
    mov $56, %eax
ENDFUNCTION clone
    syscall
    test %rax, %rax
    je 1f
    ret
1:  mov %rax, %rdi
    mov $60, %eax
    syscall
FUNCTION g
    ret
ENDFUNCTION g
END
