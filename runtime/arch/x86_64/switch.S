/* SPDX-License-Identifier: MIT */
/*
 * Context switch for x86-64, System V ABI.
 *
 * A suspended context's stack, from its saved stack pointer upwards:
 *
 *      +56  return address
 *      +48  rbp
 *      +40  rbx
 *      +32  r12
 *      +24  r13
 *      +16  r14
 *      + 8  r15
 *      + 0  mxcsr (4 bytes), x87 control word (4 bytes, upper half unused)
 *
 * struct ut_context (arch.h): +0 stack pointer, +8 thread pointer.
 * The ABI makes the control bits of mxcsr and the x87 control word callee-saved. Loading them is
 * slow, and they hardly ever differ, so they are compared first.
 */
        .text

        .macro save_registers
        pushq   %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbp, 0
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbx, 0
        pushq   %r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r12, 0
        pushq   %r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r13, 0
        pushq   %r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r14, 0
        pushq   %r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r15, 0
        subq    $8, %rsp
        .cfi_adjust_cfa_offset 8
        movl    $0, 4(%rsp)
        stmxcsr (%rsp)
        fnstcw  4(%rsp)
        .endm

        .macro restore_registers
        addq    $8, %rsp
        .cfi_adjust_cfa_offset -8
        popq    %r15
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r15
        popq    %r14
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r14
        popq    %r13
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r13
        popq    %r12
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r12
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbx
        popq    %rbp
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbp
        .endm

/* void ut_arch_switch(struct ut_context *from, const struct ut_context *to) */
        .globl  ut_arch_switch
        .hidden ut_arch_switch
        .type   ut_arch_switch, @function
        .p2align 5
ut_arch_switch:
        .cfi_startproc
        save_registers
        movq    (%rsp), %rcx            /* our control words */
        movq    %rsp, 0(%rdi)
        movq    0(%rsi), %rsp
        movq    8(%rsi), %rdx           /* the other's thread pointer */
        cmpb    $0, ut_arch_fast_thread_pointer(%rip)
        je      2f
        wrfsbase %rdx
1:      cmpq    (%rsp), %rcx
        jne     3f
4:      restore_registers
        ret
        .cfi_adjust_cfa_offset 56
        .cfi_rel_offset %rbp, 48
        .cfi_rel_offset %rbx, 40
        .cfi_rel_offset %r12, 32
        .cfi_rel_offset %r13, 24
        .cfi_rel_offset %r14, 16
        .cfi_rel_offset %r15, 8
2:      movq    %rcx, %r8               /* arch_prctl(ARCH_SET_FS, thread pointer) */
        movq    %rdx, %rsi
        movl    $0x1002, %edi
        movl    $158, %eax
        syscall                         /* clobbers rcx and r11 */
        movq    %r8, %rcx
        jmp     1b
3:      ldmxcsr (%rsp)
        fldcw   4(%rsp)
        jmp     4b
        .cfi_endproc
        .size   ut_arch_switch, . - ut_arch_switch

/*
 * void ut_arch_leave_thread(struct ut_context *context, struct ut_departures *departures)
 *
 * From the exchange on somebody else may run on this stack: what follows uses registers only.
 */
        .globl  ut_arch_leave_thread
        .hidden ut_arch_leave_thread
        .type   ut_arch_leave_thread, @function
        .p2align 4
ut_arch_leave_thread:
        .cfi_startproc
        save_registers
        movq    %rsp, 0(%rdi)
        movq    0(%rsi), %rax
1:      movq    %rax, 16(%rdi)          /* the next one */
        lock cmpxchgq %rdi, 0(%rsi)
        jne     1b
        lock incl 8(%rsi)
        leaq    8(%rsi), %rdi           /* futex(&count, FUTEX_WAKE_PRIVATE, 1) */
        movl    $129, %esi
        movl    $1, %edx
        movl    $202, %eax
        syscall
        xorl    %edi, %edi
        movl    $60, %eax               /* exit: ends this kernel thread only */
        syscall
        ud2
        .cfi_endproc
        .size   ut_arch_leave_thread, . - ut_arch_leave_thread

        .section .note.GNU-stack, "", @progbits
