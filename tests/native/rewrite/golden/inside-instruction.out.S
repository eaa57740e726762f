.include "golden.inc"
EXPECT data=2
FUNCTION f
    mov $0x050f, %eax
    mov 0x050f(%rdi), %rax
    ret
ENDFUNCTION f
END
