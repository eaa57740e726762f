/* Where a call for the rest of another one goes on (roles/rest.c): with rax = its result, and rsp = struct mv_rest
 * on the program's stack. As a system call does, it changes no register but rax, rcx and r11, and no flag. */
#include "entry_offsets.h"

        .hidden mv_site_entry
        .text
        .globl  mv_rest_done
        .hidden mv_rest_done
        .p2align 4
        .cfi_startproc
        .cfi_def_cfa rsp, REST_SIZE + 128
        .cfi_offset rip, REST_SITE - (REST_SIZE + 128)
        /* A handler that comes before a call for the rest is made returns to two bytes before its site, where
         * the program has a syscall instruction. */
        .byte   0xeb, .Lmake - mv_rest_done
mv_rest_done:
        endbr64
        pushfq
        .cfi_adjust_cfa_offset 8
        test    %rax, %rax
        js      .Lends
        add     %rax, 8+REST_MOVED(%rsp)
        mov     8+REST_MOVED(%rsp), %rax
        cmp     %rax, 8+REST_MADE(%rsp)
        jne     .Lends
.Lnext: /* buffer of the vector that is not empty */
        subq    $1, 8+REST_COUNT(%rsp)
        jb      .Lends
        mov     8+REST_VECTOR(%rsp), %rcx
        addq    $16, 8+REST_VECTOR(%rsp)
        mov     (%rcx), %rsi
        mov     8(%rcx), %rdx
        test    %rdx, %rdx
        jz      .Lnext
        add     %rdx, 8+REST_MADE(%rsp)
        mov     8+REST_CALL(%rsp), %rax
        popfq
        .cfi_adjust_cfa_offset -8
.Lmake:
        mov     REST_OWN_CONT(%rsp), %rcx
        jmp     mv_site_entry
        .cfi_adjust_cfa_offset 8
.Lends:
        mov     8+REST_RSI(%rsp), %rsi
        mov     8+REST_RDX(%rsp), %rdx
        mov     8+REST_R10(%rsp), %r10
        mov     8+REST_R8(%rsp), %r8
        mov     8+REST_R9(%rsp), %r9
        mov     8+REST_MOVED(%rsp), %rax
        popfq
        .cfi_adjust_cfa_offset -8
        mov     (%rsp), %rcx
        lea     REST_SIZE+128(%rsp), %rsp
        .cfi_def_cfa rsp, 0
        .cfi_escape 0x10, 0x10, 0x02, 0x72, 0x78        /* return address: *(rcx - 8) */
        jmp     *%rcx
        .cfi_endproc

        .section .note.GNU-stack,"",@progbits
