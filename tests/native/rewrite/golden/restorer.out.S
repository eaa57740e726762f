.include "golden.inc"
EXPECT restorer=1
    nop
FUNCTION restore
    .byte 0x48, 0xc7, 0xc0, 15, 0, 0, 0
    syscall
ENDFUNCTION restore
END
