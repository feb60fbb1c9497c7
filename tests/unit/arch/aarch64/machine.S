/* SPDX-License-Identifier: MIT */
        .text

        .macro each_register operation, base
        \operation x19, x20, [\base]
        \operation x21, x22, [\base, #16]
        \operation x23, x24, [\base, #32]
        \operation x25, x26, [\base, #48]
        \operation x27, x28, [\base, #64]
        .endm

        .macro each_vector operation, base, offset
        \operation d8, d9, [\base, #\offset]
        \operation d10, d11, [\base, #\offset + 16]
        \operation d12, d13, [\base, #\offset + 32]
        \operation d14, d15, [\base, #\offset + 48]
        .endm

/*
 * void machine_switch(struct ut_context *from, const struct ut_context *to, uint64_t *registers)
 *
 * Switches with the callee-saved registers loaded from REGISTERS, and stores there what they
 * hold afterwards.
 */
        .globl  machine_switch
        .type   machine_switch, %function
        .p2align 4
machine_switch:
        .cfi_startproc
        stp     x29, x30, [sp, #-176]!
        .cfi_adjust_cfa_offset 176
        .cfi_rel_offset x29, 0
        .cfi_rel_offset x30, 8
        add     x9, sp, #16
        each_register stp, x9
        each_vector stp, x9, 80
        str     x2, [sp, #160]
        each_register ldp, x2
        ldr     x29, [x2, #80]
        each_vector ldp, x2, 88
        bl      ut_arch_switch
        ldr     x2, [sp, #160]
        each_register stp, x2
        str     x29, [x2, #80]
        each_vector stp, x2, 88
        add     x9, sp, #16
        each_register ldp, x9
        each_vector ldp, x9, 80
        ldp     x29, x30, [sp], #176
        .cfi_adjust_cfa_offset -176
        .cfi_restore x29
        .cfi_restore x30
        ret
        .cfi_endproc
        .size   machine_switch, . - machine_switch

/* uint64_t machine_control(void) */
        .globl  machine_control
        .type   machine_control, %function
        .p2align 4
machine_control:
        .cfi_startproc
        mrs     x0, fpcr
        ret
        .cfi_endproc
        .size   machine_control, . - machine_control

/* void machine_set_control(uint64_t control) */
        .globl  machine_set_control
        .type   machine_set_control, %function
        .p2align 4
machine_set_control:
        .cfi_startproc
        msr     fpcr, x0
        ret
        .cfi_endproc
        .size   machine_set_control, . - machine_set_control

        .section .note.GNU-stack, "", %progbits
