.include "golden.inc"
FUNCTION f
    push %rbx
    cmpl $7, counter(%rip)
    syscall
1:  pop %rbx
    jne 1b
    ret
ENDFUNCTION f
END
.data
counter: .long 0
