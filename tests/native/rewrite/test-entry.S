# The smallest entry that follows the protocol: makes the call and goes on at rcx. Changes what `syscall` changes and
# nothing else, so it keeps rcx in memory of its own; tests that use it are single-threaded.
    .text
    .globl test_entry, test_entry_end, test_entry_calls, test_entry_next
    .type test_entry, @function
test_entry:
    .cfi_startproc
    endbr64
    mov %rcx, continuation(%rip)
    mov -8(%rcx), %rcx
    mov %rcx, test_entry_next(%rip)
    mov entered(%rip), %rcx
    lea 1(%rcx), %rcx
    mov %rcx, entered(%rip)
    syscall
    mov continuation(%rip), %rcx
    jmp *%rcx
    .cfi_endproc
test_entry_end:

    .bss
    .balign 8
continuation:
    .quad 0
test_entry_next:
    .quad 0
test_entry_calls:
entered:
    .quad 0
    .section .note.GNU-stack, "", @progbits
