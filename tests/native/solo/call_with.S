/* void call_with(const uint64_t in[14], uint64_t out[14]): one syscall instruction with all registers given, all
 * of them stored afterwards: rax rbx rdx rsi rdi rbp r8 r9 r10 r12 r13 r14 r15 rsp. (in[13] = 0: this stack.)
 * For one thread at a time. */
        .text
        .globl call_with
        .type call_with, @function
call_with:
        push    %rbx
        push    %rbp
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        mov     %rsp, stack(%rip)
        mov     %rsi, result(%rip)
        mov     (%rdi), %rax
        mov     8(%rdi), %rbx
        mov     16(%rdi), %rdx
        mov     24(%rdi), %rsi
        mov     40(%rdi), %rbp
        mov     48(%rdi), %r8
        mov     56(%rdi), %r9
        mov     64(%rdi), %r10
        mov     72(%rdi), %r12
        mov     80(%rdi), %r13
        mov     88(%rdi), %r14
        mov     96(%rdi), %r15
        cmpq    $0, 104(%rdi)
        je      1f
        mov     104(%rdi), %rsp
1:      mov     32(%rdi), %rdi
        syscall
        mov     result(%rip), %rcx
        mov     %rax, (%rcx)
        mov     %rbx, 8(%rcx)
        mov     %rdx, 16(%rcx)
        mov     %rsi, 24(%rcx)
        mov     %rdi, 32(%rcx)
        mov     %rbp, 40(%rcx)
        mov     %r8, 48(%rcx)
        mov     %r9, 56(%rcx)
        mov     %r10, 64(%rcx)
        mov     %r12, 72(%rcx)
        mov     %r13, 80(%rcx)
        mov     %r14, 88(%rcx)
        mov     %r15, 96(%rcx)
        mov     %rsp, 104(%rcx)
        mov     stack(%rip), %rsp
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbp
        pop     %rbx
        ret

        .local stack, result
        .comm stack, 8, 8
        .comm result, 8, 8
        .section .note.GNU-stack, "", @progbits
