/* SPDX-License-Identifier: MIT */
        .text

/*
 * void machine_switch(struct ut_context *from, const struct ut_context *to, uint64_t *registers)
 *
 * Switches with the callee-saved registers loaded from REGISTERS, and stores there what they
 * hold afterwards.
 */
        .globl  machine_switch
        .type   machine_switch, @function
        .p2align 4
machine_switch:
        .cfi_startproc
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
        pushq   %rdx
        .cfi_adjust_cfa_offset 8
        movq    0(%rdx), %rbx
        movq    8(%rdx), %rbp
        movq    16(%rdx), %r12
        movq    24(%rdx), %r13
        movq    32(%rdx), %r14
        movq    40(%rdx), %r15
        call    ut_arch_switch
        popq    %rdx
        .cfi_adjust_cfa_offset -8
        movq    %rbx, 0(%rdx)
        movq    %rbp, 8(%rdx)
        movq    %r12, 16(%rdx)
        movq    %r13, 24(%rdx)
        movq    %r14, 32(%rdx)
        movq    %r15, 40(%rdx)
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
        ret
        .cfi_endproc
        .size   machine_switch, . - machine_switch

/* uint64_t machine_control(void): mxcsr, without its sticky flags, and the x87 control word. */
        .globl  machine_control
        .type   machine_control, @function
        .p2align 4
machine_control:
        .cfi_startproc
        movq    $0, -8(%rsp)
        stmxcsr -8(%rsp)
        fnstcw  -4(%rsp)
        movq    -8(%rsp), %rax
        andq    $~0x3f, %rax
        ret
        .cfi_endproc
        .size   machine_control, . - machine_control

/* void machine_set_control(uint64_t control) */
        .globl  machine_set_control
        .type   machine_set_control, @function
        .p2align 4
machine_set_control:
        .cfi_startproc
        movq    %rdi, -8(%rsp)
        ldmxcsr -8(%rsp)
        fldcw   -4(%rsp)
        ret
        .cfi_endproc
        .size   machine_set_control, . - machine_set_control

        .section .note.GNU-stack, "", @progbits
