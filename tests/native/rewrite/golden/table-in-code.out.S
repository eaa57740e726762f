.include "golden.inc"
EXPECT data=1
FUNCTION f
    lea table(%rip), %rax
    ret
ENDFUNCTION f
table:
    .byte 0xb8, 0x27, 0, 0, 0, 0x0f, 0x05, 0xc3
FUNCTION g
    ret
ENDFUNCTION g
END
