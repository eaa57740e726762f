/* The way from a rewritten site into the shim and back. entry.md explains every step.
 *
 * On arrival (from a trampoline): rcx = continuation, -8(%rcx) = original address after the syscall,
 * everything else as the program had it, flags too. rcx and r11 are free (the syscall instruction clobbers them).
 */
#include "entry_offsets.h"

        .hidden __ehdr_start, etext, mv, mv_fast_calls, mv_net_for_children

        .text

/* The program's registers, from and to the frame at rsp. The arithmetic flags go as lahf and seto leave them in ax (popfq
 * costs ten times as much); lodsb tells the direction flag: it counts rsi down. Saving ends with the C code's flags. */
        .macro  SAVE_FRAME
        mov     %rax, F_RAX(%rsp)
        lahf
        seto    %al
        movzwl  %ax, %eax
        mov     %rax, F_FLAGS(%rsp)
        mov     %rdx, F_RDX(%rsp)
        mov     %rsi, F_RSI(%rsp)
        mov     %rdi, F_RDI(%rsp)
        mov     %r8, F_R8(%rsp)
        mov     %r9, F_R9(%rsp)
        mov     %r10, F_R10(%rsp)
        mov     %rbx, F_RBX(%rsp)
        mov     %rbp, F_RBP(%rsp)
        mov     %r12, F_R12(%rsp)
        mov     %r13, F_R13(%rsp)
        mov     %r14, F_R14(%rsp)
        mov     %r15, F_R15(%rsp)
        mov     %rsp, %rsi
        lodsb
        cmp     %rsp, %rsi
        ja      .Lforwards\@
        cld
        orl     $MV_FLAG_DIRECTION, F_FLAGS(%rsp)
.Lforwards\@:
        .endm

/* Flags of the word in eax; rax is lost. */
        .macro  LOAD_FLAGS
        test    $MV_FLAG_DIRECTION, %eax
        jz      .Lforwards\@
        std
.Lforwards\@:
        add     $0x7f, %al              /* overflows if seto had found an overflow */
        sahf
        .endm

/* All but rsp. */
        .macro  LOAD_FRAME
        mov     F_FLAGS(%rsp), %rax
        LOAD_FLAGS
        mov     F_R15(%rsp), %r15
        mov     F_R14(%rsp), %r14
        mov     F_R13(%rsp), %r13
        mov     F_R12(%rsp), %r12
        mov     F_RBP(%rsp), %rbp
        mov     F_RBX(%rsp), %rbx
        mov     F_R10(%rsp), %r10
        mov     F_R9(%rsp), %r9
        mov     F_R8(%rsp), %r8
        mov     F_RDI(%rsp), %rdi
        mov     F_RSI(%rsp), %rsi
        mov     F_RDX(%rsp), %rdx
        mov     F_RAX(%rsp), %rax
        .endm

/* CFA: *(rsp + F_RSP); return address: *(rsp + F_SITE). */
        .macro  CFI_FRAME
        .cfi_escape 0x0f, 0x04, 0x77, 0x88, 0x01, 0x06
        .cfi_escape 0x10, 0x10, 0x03, 0x77, 0xf8, 0x00
        .endm

/* ---------------------------------------------------------------------------------------------------
 * mv_site_entry. [mv_site_entry, mv_entry_commit) is restartable but for the call on the spot: nothing that the
 * program sees is changed, and no flag; the continuation is in r11 from mv_entry_moved on.
 */
        .globl mv_site_entry, mv_entry_moved, mv_entry_commit
        .globl mv_fast_begin, mv_fast_second, mv_fast_third, mv_fast_pushed, mv_fast_left, mv_fast_syscall, mv_fast_end
        .hidden mv_site_entry, mv_entry_moved, mv_entry_commit
        .hidden mv_fast_begin, mv_fast_second, mv_fast_third, mv_fast_pushed, mv_fast_left, mv_fast_syscall, mv_fast_end
        .type mv_site_entry, @function
        .p2align 6
mv_site_entry:
        .cfi_startproc
        .cfi_def_cfa rsp, 0
        .cfi_escape 0x10, 0x10, 0x02, 0x72, 0x78        /* return address: *(rcx - 8) */
        endbr64
        mov     %rcx, %r11
mv_entry_moved:
        .cfi_escape 0x10, 0x10, 0x02, 0x7b, 0x78        /* return address: *(r11 - 8) */
        mov     mv_fast_calls(%rip), %rcx
        mov     %ax, %cx                /* the table is aligned to its size: this is its address plus the number */
        movzbl  (%rcx), %ecx
        jrcxz   .Lslow
        /* On the program's stack, below its red zone, as the kernel itself would use it for a signal. */
.Lon_the_spot:
        lea     -128(%rsp), %rsp
        .cfi_def_cfa_offset 128
mv_fast_begin:
        push    %r11
        .cfi_def_cfa_offset 136
mv_fast_second:
        push    -8(%r11)
        .cfi_def_cfa_offset 144
        .cfi_offset rip, -144
mv_fast_third:
        push    %rax                    /* the number: the kernel overwrites rax, a park restarts the call */
        .cfi_def_cfa_offset 152
mv_fast_pushed:
        movzwl  2(%rsp), %ecx           /* the upper half of a number: an x32 call, or none at all */
        jrcxz   mv_fast_syscall
        mov     16(%rsp), %r11
        lea     152(%rsp), %rsp
        .cfi_remember_state
        .cfi_def_cfa_offset 0
        .cfi_escape 0x10, 0x10, 0x02, 0x7b, 0x78
mv_fast_left:
        jmp     .Lslow
        .cfi_restore_state
mv_fast_syscall:
        syscall
        mov     16(%rsp), %rcx
        lea     152(%rsp), %rsp
        .cfi_def_cfa_offset 0
        .cfi_escape 0x10, 0x10, 0x02, 0x72, 0x78
mv_fast_end:
        jmp     *%rcx

        .cfi_escape 0x10, 0x10, 0x02, 0x7b, 0x78
.Labove_alternate:
        mov     mv_self@GOTTPOFF(%rip), %rcx
        mov     %fs:(%rcx), %rcx
        mov     T_ALTERNATE_MINUS_END(%rcx), %rcx
        lea     (%rsp,%rcx), %rcx
        bswap   %rcx
        movzbl  %cl, %ecx
        jrcxz   .Lslow_enter
        mov     mv_self@GOTTPOFF(%rip), %rcx
        mov     %fs:(%rcx), %rcx
        mov     T_MASK_REPLACED(%rcx), %ecx
        jrcxz   .Lblock_all
        jmp     .Lslow_enter
.Lblock_all:
        jmp     .Lon_alternate
.Lwithout_area:
        jmp     .Lunseen
.Lslow:
        mov     mv_self@GOTTPOFF(%rip), %rcx
        mov     %fs:(%rcx), %rcx
        jrcxz   .Lwithout_area
        /* Is rsp on the alternate stack? A difference that is not negative has a zero in its top byte. */
        mov     T_ALTERNATE_MINUS_LOW(%rcx), %rcx
        lea     (%rsp,%rcx), %rcx
        bswap   %rcx
        movzbl  %cl, %ecx
        jrcxz   .Labove_alternate
.Lslow_enter:
        mov     mv_self@GOTTPOFF(%rip), %rcx
        mov     %fs:(%rcx), %rcx
        mov     T_STACK_TOP(%rcx), %rcx
        mov     %rsp, F_RSP-F_SIZE(%rcx)
        mov     %r11, F_CONT-F_SIZE(%rcx)
        lea     -F_SIZE(%rcx), %rsp
        .cfi_escape 0x0f, 0x04, 0x77, 0x88, 0x01, 0x06  /* CFA: *(rsp + F_RSP) */
mv_entry_commit:
        mov     -8(%r11), %rcx
        mov     %rcx, F_SITE(%rsp)
        .cfi_escape 0x10, 0x10, 0x03, 0x77, 0xf8, 0x00  /* return address: *(rsp + F_SITE) */
        SAVE_FRAME
.Ldispatch:
        mov     %rsp, %rdi
        call    mv_dispatch
        test    %eax, %eax
        jnz     .Lraw

/* ---------------------------------------------------------------------------------------------------
 * Leaving. [mv_exit_begin, mv_exit_commit) is restartable: a signal that is deferred in there sends the
 * thread back to mv_exit_begin, which then sees `attention`.
 */
        .globl mv_exit_begin, mv_exit_commit, mv_exit_end
        .hidden mv_exit_begin, mv_exit_commit, mv_exit_end
mv_exit_begin:
        mov     mv_self@GOTTPOFF(%rip), %r11
        mov     %fs:(%r11), %r11
        cmpl    $0, T_ATTENTION(%r11)
        jne     .Lattention
        LOAD_FRAME
        mov     F_CONT(%rsp), %rcx
        mov     F_RSP(%rsp), %rsp
        .cfi_def_cfa rsp, 0
        .cfi_escape 0x10, 0x10, 0x02, 0x72, 0x78
mv_exit_commit:
        jmp     *%rcx
mv_exit_end:
        .cfi_endproc

        .cfi_startproc
        CFI_FRAME
.Lattention:
        mov     %rsp, %rdi
        call    mv_attend               /* may park; enum mv_attended */
        cmp     $MV_ATTENDED_DELIVER, %eax
        jb      mv_exit_begin
        je      mv_deliver
        cmp     $MV_ATTENDED_ON_THE_SPOT, %eax
        jne     .Ldispatch
        /* [mv_spot_begin, mv_spot_commit) is restartable as the exit is. */
        .globl mv_spot_begin, mv_spot_commit
        .hidden mv_spot_begin, mv_spot_commit
mv_spot_begin:
        LOAD_FRAME
        mov     mv_self@GOTTPOFF(%rip), %r11
        mov     %fs:(%r11), %r11
        mov     T_CALL(%r11), %eax
        mov     F_CONT(%rsp), %r11
        mov     F_RSP(%rsp), %rsp
mv_spot_commit:
        jmp     .Lon_the_spot
        .cfi_endproc

/* A thread that the shim did not see begin has no shim stack: its call is made on its own, whatever it is. */
        .cfi_startproc
        .cfi_def_cfa rsp, 0
        .cfi_undefined rip
.Lunseen:
        mov     mv(%rip), %ecx          /* role */
        lea     -MV_ROLE_OF_FOLLOWER(%rcx), %ecx
        jrcxz   .Lunseen_in_follower
        lea     -128(%rsp), %rsp
        push    %r11
        syscall
        pop     %rcx
        lea     128(%rsp), %rsp
        jmp     *%rcx
.Lunseen_in_follower:
        cld
        call    mv_follower_unseen
        ud2

/* A handler on the alternate stack makes a slow call. The kernel knows only from rsp that this stack is in use: on
 * the shim stack the next signal's frame would be written over the handler's. So everything is blocked before
 * rsp moves, and mv_deliver unblocks it after rsp is back. Not restartable: until then a signal may nest here as
 * anywhere in the program. (SIGSYS is blocked too, but under a seccomp filter: actions.c.) */
.Lon_alternate:
        lea     -128(%rsp), %rsp
        push    %r11
        pushfq
        push    %rax
        push    %rdi
        push    %rsi
        push    %rdx
        push    %r10
        push    $0
        mov     %rsp, %rdx
        mov     $2, %edi                /* rt_sigprocmask(SIG_SETMASK, everything, &before, 8) */
        lea     mv_block_on_alternate(%rip), %rsi
        mov     $8, %r10d
        mov     $14, %eax
        syscall
        mov     mv_self@GOTTPOFF(%rip), %r11
        mov     %fs:(%r11), %r11
        pop     T_PROGRAM_MASK(%r11)
        movl    $1, T_MASK_REPLACED(%r11)
        orl     $MV_ATTEND_UNMASK, T_ATTENTION(%r11)
        pop     %r10
        pop     %rdx
        pop     %rsi
        pop     %rdi
        pop     %rax
        popfq
        pop     %r11
        lea     128(%rsp), %rsp
        jmp     .Lslow_enter
        .cfi_endproc

        .cfi_startproc
        CFI_FRAME
/* A call that returns twice, or never: in the program's own registers and stack, nothing pushed. The
 * continuation waits in self->raw_cont, because a vfork child shares our stacks and returns first. */
.Lraw:
        /* [mv_raw_check, mv_raw_begin) is restartable while rsp is the frame: no child may be made, and no
         * handler left, with a deferred signal and the mask that goes with it. */
        .globl mv_raw_check
        .hidden mv_raw_check
mv_raw_check:
        mov     mv_self@GOTTPOFF(%rip), %r11
        mov     %fs:(%r11), %r11
        testl   $MV_ATTEND_SIGNAL, T_ATTENTION(%r11)
        jnz     .Lraw_attention
.Lraw_go:
        cmpq    $15, F_RAX(%rsp)        /* rt_sigreturn */
        je      .Lsigreturn
        LOAD_FRAME
        mov     F_RSP(%rsp), %rsp
        .cfi_endproc

        .cfi_startproc
        .cfi_def_cfa rsp, 0
        .cfi_undefined rip
        .globl mv_raw_begin, mv_raw_syscall, mv_raw_end
        .hidden mv_raw_begin, mv_raw_syscall, mv_raw_end
mv_raw_begin:
mv_raw_syscall:
        syscall                         /* from here to the save or the jump: no flag may change */
        mov     %rax, %rcx
        jrcxz   .Lraw_child
.Lraw_parent:
        mov     mv_self@GOTTPOFF(%rip), %r11
        mov     %fs:(%r11), %r11
        mov     T_RAW_DEPTH(%r11), %rcx
        lea     -1(%rcx), %rcx
        mov     %rcx, T_RAW_DEPTH(%r11)
        mov     T_RAW_CONT(%r11,%rcx,8), %rcx
        /* Into the shim again, with the result: the leader publishes it. */
        mov     T_STACK_TOP(%r11), %r11
        mov     %rsp, F_RSP-F_SIZE(%r11)
        mov     %rcx, F_CONT-F_SIZE(%r11)
        lea     -F_SIZE(%r11), %rsp
mv_raw_end:
        jmp     .Lraw_save

.Lraw_child:
        /* raw_cont is where both go on. A vfork child shares our area and thread-local storage and simply
         * goes there; a new thread (clone.c stored its area into its thread-local storage) and a new process
         * on a stack of its own begin in the shim. */
        mov     mv_self@GOTTPOFF(%rip), %r11
        mov     %fs:(%r11), %r11
        mov     T_CHILD_ON_NEW_STACK(%r11), %ecx
        jrcxz   .Lvfork_child
        mov     T_RAW_DEPTH(%r11), %rcx
        mov     T_RAW_CONT-8(%r11,%rcx,8), %rcx
        .globl mv_child_begin, mv_child_commit
        .hidden mv_child_begin, mv_child_commit
mv_child_begin:
        mov     T_STACK_TOP(%r11), %r11
        mov     %rsp, F_RSP-F_SIZE(%r11)
        mov     %rcx, F_CONT-F_SIZE(%r11)
        lea     -F_SIZE(%r11), %rsp
mv_child_commit:
        jmp     .Lchild_save

.Lvfork_child:
        mov     mv_net_for_children(%rip), %ecx
        jrcxz   .Lvfork_child_goes
        /* Syscall User Dispatch is not inherited: prctl(PR_SET_SYSCALL_USER_DISPATCH, 1, text, its size, 0). */
        lea     -128(%rsp), %rsp
        pushfq
        push    %rdi
        push    %rsi
        push    %rdx
        push    %r10
        push    %r8
        mov     $157, %eax
        mov     $59, %edi
        mov     $1, %esi
        lea     __ehdr_start(%rip), %rdx
        lea     etext(%rip), %r10
        sub     %rdx, %r10
        xor     %r8d, %r8d
        syscall
        xor     %eax, %eax
        pop     %r8
        pop     %r10
        pop     %rdx
        pop     %rsi
        pop     %rdi
        popfq
        lea     128(%rsp), %rsp
        mov     mv_self@GOTTPOFF(%rip), %r11
        mov     %fs:(%r11), %r11
.Lvfork_child_goes:
        mov     T_RAW_DEPTH(%r11), %rcx
        mov     T_RAW_CONT-8(%r11,%rcx,8), %rcx
        jmp     *%rcx

.Lraw_save:
        mov     -8(%rcx), %r11
        mov     %r11, F_SITE(%rsp)
        SAVE_FRAME
        mov     %rsp, %rdi
        call    mv_after_raw
        jmp     mv_exit_begin
.Lchild_save:
        mov     -8(%rcx), %r11
        mov     %r11, F_SITE(%rsp)
        SAVE_FRAME
        mov     %rsp, %rdi
        call    mv_thread_begin
        jmp     mv_exit_begin
        .cfi_endproc

        .cfi_startproc
        CFI_FRAME
.Lraw_attention:
        mov     %rsp, %rdi
        call    mv_raw_put_off          /* 1: the call is made again after the signal's handler */
        test    %eax, %eax
        jz      .Lraw_go
        jmp     mv_exit_begin
.Lsigreturn:
        mov     F_RSP(%rsp), %rsp
        mov     $15, %eax
        syscall
        ud2
        .cfi_endproc

/* ---------------------------------------------------------------------------------------------------
 * mv_deliver: r11-free; raises a deferred signal in the program's context. The mask set here lets the
 * kernel push the handler's frame on the program's own stack (or alternate stack) by its own rules;
 * mv_signal_entry finds rip in [mv_deliver_after, mv_deliver_end) and puts self->resume into that frame.
 */
        .globl mv_deliver, mv_deliver_after, mv_deliver_end
        .hidden mv_deliver, mv_deliver_after, mv_deliver_end
mv_deliver:
        .cfi_startproc
        .cfi_undefined rip
        mov     mv_self@GOTTPOFF(%rip), %r11
        mov     %fs:(%r11), %r11
        mov     T_RESUME+R_RSP(%r11), %rsp
        mov     $14, %eax               /* rt_sigprocmask(SIG_SETMASK, &deliver_mask, NULL, 8) */
        mov     $2, %edi
        lea     T_DELIVER_MASK(%r11), %rsi
        xor     %edx, %edx
        mov     $8, %r10d
        syscall
mv_deliver_after:
        mov     mv_self@GOTTPOFF(%rip), %r11
        mov     %fs:(%r11), %r11
        cmpl    $0, mv(%rip)            /* role */
        jne     1f
        /* Still here: another thread had the signal ignored meanwhile. The program's own mask, and on. */
        movl    $0, T_DELIVERING(%r11)
        movl    $0, T_MASK_REPLACED(%r11)
        mov     T_PROGRAM_MASK(%r11), %rdi
        btr     $30, %rdi               /* never SIGSYS */
        mov     %rdi, T_DELIVER_MASK(%r11)
        mov     $14, %eax
        mov     $2, %edi
        lea     T_DELIVER_MASK(%r11), %rsi
        xor     %edx, %edx
        mov     $8, %r10d
        syscall
        mov     mv_self@GOTTPOFF(%rip), %r11
        mov     %fs:(%r11), %r11
1:      mov     T_RESUME+R_FLAGS(%r11), %rax
        LOAD_FLAGS
        mov     T_RESUME+R_RAX(%r11), %rax
        mov     T_RESUME+R_RBX(%r11), %rbx
        mov     T_RESUME+R_RCX(%r11), %rcx
        mov     T_RESUME+R_RDX(%r11), %rdx
        mov     T_RESUME+R_RSI(%r11), %rsi
        mov     T_RESUME+R_RDI(%r11), %rdi
        mov     T_RESUME+R_RBP(%r11), %rbp
        mov     T_RESUME+R_R8(%r11), %r8
        mov     T_RESUME+R_R9(%r11), %r9
        mov     T_RESUME+R_R10(%r11), %r10
        mov     T_RESUME+R_R12(%r11), %r12
        mov     T_RESUME+R_R13(%r11), %r13
        mov     T_RESUME+R_R14(%r11), %r14
        mov     T_RESUME+R_R15(%r11), %r15
        mov     T_RESUME+R_RIP(%r11), %r11
mv_deliver_end:
        jmp     *%r11
        .cfi_endproc

/* ---------------------------------------------------------------------------------------------------
 * long mv_syscall_interruptible(const uint64_t args[6], uint32_t nr, const uint32_t *attention)
 * Makes the call unless `attention` is set. A signal handler that finds the thread in
 * [mv_interruptible_check, mv_interruptible_syscall] sends it to mv_interruptible_abort: so no signal
 * is slept through, and a call that the kernel would restart comes back as -ERESTARTSYS instead.
 */
        .globl mv_syscall_interruptible, mv_interruptible_check, mv_interruptible_syscall
        .globl mv_interruptible_after, mv_interruptible_abort
        .hidden mv_syscall_interruptible, mv_interruptible_check, mv_interruptible_syscall
        .hidden mv_interruptible_after, mv_interruptible_abort
        .type mv_syscall_interruptible, @function
mv_syscall_interruptible:
        .cfi_startproc
        push    %rbx
        .cfi_def_cfa_offset 16
        .cfi_offset rbx, -16
        mov     %rdx, %rbx
        mov     %esi, %eax
        mov     %rdi, %r11
        mov     (%r11), %rdi
        mov     8(%r11), %rsi
        mov     16(%r11), %rdx
        mov     24(%r11), %r10
        mov     32(%r11), %r8
        mov     40(%r11), %r9
mv_interruptible_check:
        testl   $(MV_ATTEND_UNMASK - 1), (%rbx)
        jne     mv_interruptible_abort
mv_interruptible_syscall:
        syscall
mv_interruptible_after:
        pop     %rbx
        .cfi_def_cfa_offset 8
        ret
        .cfi_def_cfa_offset 16
mv_interruptible_abort:
        mov     $-512, %rax
        jmp     mv_interruptible_after
        .cfi_endproc

/* ---------------------------------------------------------------------------------------------------
 * Signals. The kernel enters here for every handler of the program. rdi, rsi, rdx as for a handler with
 * SA_SIGINFO; the frame (return address = mv_restorer) is on the program's stack or alternate stack.
 */
        .globl mv_signal_entry
        .hidden mv_signal_entry
        .type mv_signal_entry, @function
mv_signal_entry:
        .cfi_startproc
        endbr64
        push    %rdi
        .cfi_def_cfa_offset 16
        push    %rsi
        .cfi_def_cfa_offset 24
        push    %rdx
        .cfi_def_cfa_offset 32
        call    mv_signal_arrived       /* the program's handler to run now, or 0 */
        pop     %rdx
        .cfi_def_cfa_offset 24
        pop     %rsi
        .cfi_def_cfa_offset 16
        pop     %rdi
        .cfi_def_cfa_offset 8
        test    %rax, %rax
        jz      1f
        mov     %rax, %r11
        xor     %eax, %eax
        jmp     *%r11                   /* as if the kernel had called it: same frame, same registers */
1:      ret
        .cfi_endproc

/* The restorer: what a handler returns to. It lets signals.c map a frame that was shown in terms of the
 * program's code back to where execution really stands, then returns to the kernel. The CFI is glibc's
 * __restore_rt's, the 'S' augmentation tells unwinders that this is a signal frame. */
        .globl mv_restorer
        .hidden mv_restorer
        .type mv_restorer, @function
        .cfi_startproc simple
        .cfi_signal_frame
        .cfi_escape 0x0f, 0x04, 0x77, 0xa0, 0x01, 0x06          /* CFA = uc.rsp */
        .cfi_escape 0x10, 0x08, 0x02, 0x77, 0x28                /* r8 */
        .cfi_escape 0x10, 0x09, 0x02, 0x77, 0x30                /* r9 */
        .cfi_escape 0x10, 0x0a, 0x02, 0x77, 0x38                /* r10 */
        .cfi_escape 0x10, 0x0b, 0x03, 0x77, 0xc0, 0x00          /* r11 */
        .cfi_escape 0x10, 0x0c, 0x03, 0x77, 0xc8, 0x00          /* r12 */
        .cfi_escape 0x10, 0x0d, 0x03, 0x77, 0xd0, 0x00          /* r13 */
        .cfi_escape 0x10, 0x0e, 0x03, 0x77, 0xd8, 0x00          /* r14 */
        .cfi_escape 0x10, 0x0f, 0x03, 0x77, 0xe0, 0x00          /* r15 */
        .cfi_escape 0x10, 0x05, 0x03, 0x77, 0xe8, 0x00          /* rdi */
        .cfi_escape 0x10, 0x04, 0x03, 0x77, 0xf0, 0x00          /* rsi */
        .cfi_escape 0x10, 0x06, 0x03, 0x77, 0xf8, 0x00          /* rbp */
        .cfi_escape 0x10, 0x03, 0x03, 0x77, 0x80, 0x01          /* rbx */
        .cfi_escape 0x10, 0x01, 0x03, 0x77, 0x88, 0x01          /* rdx */
        .cfi_escape 0x10, 0x00, 0x03, 0x77, 0x90, 0x01          /* rax */
        .cfi_escape 0x10, 0x02, 0x03, 0x77, 0x98, 0x01          /* rcx */
        .cfi_escape 0x10, 0x10, 0x03, 0x77, 0xa8, 0x01          /* rip */
        nop                             /* unwinders look up return address - 1 */
mv_restorer:
        mov     %rsp, %rdi              /* struct ucontext: all registers are about to be restored */
        sub     $128, %rsp
        .cfi_escape 0x0f, 0x04, 0x77, 0xa0, 0x02, 0x06
        and     $-16, %rsp
        mov     %rdi, %rbx
        call    mv_signal_returning
        mov     %rbx, %rsp
        mov     $15, %eax
        syscall
        ud2
        .cfi_endproc

/* SIGSYS: Syscall User Dispatch, and the coordinator's kick. */
        .globl mv_sigsys_entry
        .hidden mv_sigsys_entry
        .type mv_sigsys_entry, @function
mv_sigsys_entry:
        .cfi_startproc
        endbr64
        push    %rdi
        .cfi_def_cfa_offset 16
        push    %rsi
        .cfi_def_cfa_offset 24
        push    %rdx
        .cfi_def_cfa_offset 32
        call    mv_sigsys_arrived       /* the program's own handler of SIGSYS, or 0 */
        pop     %rdx
        .cfi_def_cfa_offset 24
        pop     %rsi
        .cfi_def_cfa_offset 16
        pop     %rdi
        .cfi_def_cfa_offset 8
        test    %rax, %rax
        jz      1f
        mov     %rax, %r11
        xor     %eax, %eax
        jmp     *%r11
1:      ret
        .cfi_endproc

/* ---------------------------------------------------------------------------------------------------
 * Parking: int mv_park_save(uint64_t context[8]) returns 0 when it saves, and again whatever is given to
 * mv_park_resume(context, value), which may run in another process on a copy of this memory.
 */
        .globl mv_park_save, mv_park_resume
        .hidden mv_park_save, mv_park_resume
        .type mv_park_save, @function
mv_park_save:
        .cfi_startproc
        mov     %rbx, (%rdi)
        mov     %rbp, 8(%rdi)
        mov     %r12, 16(%rdi)
        mov     %r13, 24(%rdi)
        mov     %r14, 32(%rdi)
        mov     %r15, 40(%rdi)
        lea     8(%rsp), %rdx
        mov     %rdx, 48(%rdi)
        mov     (%rsp), %rdx
        mov     %rdx, 56(%rdi)
        xor     %eax, %eax
        ret
        .cfi_endproc
        .type mv_park_resume, @function
mv_park_resume:
        .cfi_startproc
        .cfi_undefined rip
        mov     (%rdi), %rbx
        mov     8(%rdi), %rbp
        mov     16(%rdi), %r12
        mov     24(%rdi), %r13
        mov     32(%rdi), %r14
        mov     40(%rdi), %r15
        mov     48(%rdi), %rsp
        mov     %esi, %eax
        jmp     *56(%rdi)
        .cfi_endproc

/* void mv_call_on_shim_stack(function, thread, top): for handlers, whose own stack is the program's. */
        .globl mv_call_on_shim_stack
        .hidden mv_call_on_shim_stack
        .type mv_call_on_shim_stack, @function
mv_call_on_shim_stack:
        .cfi_startproc
        push    %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset rbp, -16
        mov     %rsp, %rbp
        .cfi_def_cfa_register rbp
        mov     %rdi, %rax
        mov     %rsi, %rdi
        mov     %rdx, %rsp
        call    *%rax
        mov     %rbp, %rsp
        pop     %rbp
        .cfi_def_cfa rsp, 8
        ret
        .cfi_endproc

/* long mv_clone_thread(flags, stack, child_tid, tls, context): a raw clone whose child resumes a parked
 * thread's context with value 1; the parent gets the tid or -errno. `stack` is only used up to the jump. */
        .globl mv_clone_thread
        .hidden mv_clone_thread
        .type mv_clone_thread, @function
mv_clone_thread:
        .cfi_startproc
        mov     %rdx, %r10              /* child_tid */
        xor     %edx, %edx              /* parent_tid: never, tids in memory are logical */
        mov     %r8, %r9
        mov     %rcx, %r8               /* tls */
        mov     $56, %eax
        syscall
        test    %rax, %rax
        jz      1f
        ret
1:      .cfi_undefined rip
        mov     %r9, %rdi
        mov     $1, %esi
        jmp     mv_park_resume
        .cfi_endproc

        .section .note.GNU-stack, "", @progbits
