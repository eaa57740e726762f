.include "golden.inc"
FUNCTION f
    mov $60, %edx
1:  xor %edi, %edi
    mov %edx, %eax
    syscall
    jmp 1b
ENDFUNCTION f
END
