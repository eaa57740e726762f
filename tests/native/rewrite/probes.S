# Functions with one `syscall` each, in the forms that the rewriter displaces. run_probe(probe, state) loads
# registers, flags and the red zone from `state`, calls the probe and stores them there again.
#
# struct state: rax rbx rdx rsi rdi rbp r8..r15 (14 words), flags, 16 words of red zone.

.macro PROBE name
    .globl \name
    .type \name, @function
    .balign 16
\name:
    .cfi_startproc
.endm
.macro ENDPROBE name
    .cfi_endproc
    .size \name, . - \name
.endm

    .section .probes, "ax"
    .globl probes_start, probes_end
    .balign 4096
probes_start:

PROBE probe_number_before
    mov $39, %eax
    syscall
    ret
ENDPROBE probe_number_before

PROBE probe_compare_after
    mov $39, %eax
    jmp 1f
    nop
1:  syscall
    cmp $-4095, %rax
    jae 2f
    ret
2:  hlt
ENDPROBE probe_compare_after

PROBE probe_conditional_jump
    mov $39, %eax
    jmp 1f
1:  syscall
    test %eax, %eax
    js 2f
    jne 3f
    hlt
2:  hlt
3:  ret
ENDPROBE probe_conditional_jump

PROBE probe_rip_relative
    mov $39, %eax
    jmp 1f
1:  syscall
    add constant(%rip), %rax
    ret
ENDPROBE probe_rip_relative

PROBE probe_call_behind
    mov $39, %eax
    jmp 1f
1:  syscall
    call leaf
    ret
ENDPROBE probe_call_behind

PROBE probe_loop
    mov $39, %eax
    jmp 1f
1:  syscall
    jrcxz 2f
    nop
    ret
2:  hlt
ENDPROBE probe_loop

PROBE probe_short_jump_to_padding
    mov $39, %eax
    test %eax, %eax
    jne 1f
    jmp 2f
1:  syscall
2:  dec %eax
    je 1b
    ret
ENDPROBE probe_short_jump_to_padding
    .nops 16

PROBE probe_two_calls
    mov $39, %eax
    jmp 1f
1:  syscall
    syscall
    neg %rax
    ret
ENDPROBE probe_two_calls

PROBE probe_memory_operand_before
    movl $39, -128(%rsp)
    mov -128(%rsp), %eax
    syscall
    ret
ENDPROBE probe_memory_operand_before

PROBE leaf # returns whether it was called from the program's own code
    lea probes_start(%rip), %r11
    cmp %r11, (%rsp)
    jb 1f
    lea probes_end(%rip), %r11
    cmp %r11, (%rsp)
    jae 1f
    mov $1, %eax
    ret
1:  xor %eax, %eax
    ret
ENDPROBE leaf

    .balign 4096
    .globl probes_end
probes_end:
    .data
constant: .quad 1000000

    .text
    .globl run_probe
    .type run_probe, @function
run_probe:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    push %rsi
    mov %rdi, probe(%rip)
    mov %rsi, state(%rip)
    # The probe is called: its red zone lies below the return address.
    lea -8-128(%rsp), %rcx
    xor %edx, %edx
1:  mov 15*8(%rsi,%rdx,8), %rax
    mov %rax, (%rcx,%rdx,8)
    inc %edx
    cmp $16, %edx
    jne 1b
    pushq 14*8(%rsi)
    popfq
    mov (%rsi), %rax
    mov 1*8(%rsi), %rbx
    mov 2*8(%rsi), %rdx
    mov 4*8(%rsi), %rdi
    mov 5*8(%rsi), %rbp
    mov 6*8(%rsi), %r8
    mov 7*8(%rsi), %r9
    mov 8*8(%rsi), %r10
    mov 10*8(%rsi), %r12
    mov 11*8(%rsi), %r13
    mov 12*8(%rsi), %r14
    mov 13*8(%rsi), %r15
    mov 3*8(%rsi), %rsi
    call *probe(%rip)
    mov state(%rip), %r11
    mov %rax, (%r11)
    mov %rbx, 1*8(%r11)
    mov %rdx, 2*8(%r11)
    mov %rsi, 3*8(%r11)
    mov %rdi, 4*8(%r11)
    mov %rbp, 5*8(%r11)
    mov %r8, 6*8(%r11)
    mov %r9, 7*8(%r11)
    mov %r10, 8*8(%r11)
    mov %r12, 10*8(%r11)
    mov %r13, 11*8(%r11)
    mov %r14, 12*8(%r11)
    mov %r15, 13*8(%r11)
    mov %r11, %rsi
    lea -8-128(%rsp), %rcx
    # lea and mov leave the flags alone; the copy of the red zone comes before the push that would hit it.
    mov %rsp, %rdx
    lea -256(%rsp), %rsp
    pushfq
    popq 14*8(%rsi)
    mov %rdx, %rsp
    xor %edx, %edx
2:  mov (%rcx,%rdx,8), %rax
    mov %rax, 15*8(%rsi,%rdx,8)
    inc %edx
    cmp $16, %edx
    jne 2b
    cld
    pop %rsi
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

    .bss
    .balign 8
probe: .quad 0
state: .quad 0
    .section .note.GNU-stack, "", @progbits
