/* SPDX-License-Identifier: MIT */
/*
 * Context switch for aarch64, AAPCS64.
 *
 * A suspended context's stack, from its saved stack pointer upwards:
 *
 *      +  0  x29 (frame pointer), x30 (return address)
 *      + 16  x19, x20      + 32  x21, x22      + 48  x23, x24
 *      + 64  x25, x26      + 80  x27, x28
 *      + 96  d8, d9        +112  d10, d11      +128  d12, d13      +144  d14, d15
 *      +160  fpcr, unused
 *
 * struct ut_context (arch.h): +0 stack pointer, +8 thread pointer.
 */
        .text

        .macro save_registers
        stp     x29, x30, [sp, #-176]!
        .cfi_adjust_cfa_offset 176
        .cfi_rel_offset x29, 0
        .cfi_rel_offset x30, 8
        stp     x19, x20, [sp, #16]
        .cfi_rel_offset x19, 16
        .cfi_rel_offset x20, 24
        stp     x21, x22, [sp, #32]
        .cfi_rel_offset x21, 32
        .cfi_rel_offset x22, 40
        stp     x23, x24, [sp, #48]
        .cfi_rel_offset x23, 48
        .cfi_rel_offset x24, 56
        stp     x25, x26, [sp, #64]
        .cfi_rel_offset x25, 64
        .cfi_rel_offset x26, 72
        stp     x27, x28, [sp, #80]
        .cfi_rel_offset x27, 80
        .cfi_rel_offset x28, 88
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        mrs     x9, fpcr
        str     x9, [sp, #160]
        .endm

        .macro restore_registers
        ldr     x10, [sp, #160]
        cmp     x9, x10                 /* writing fpcr is slow, and it hardly ever differs */
        b.eq    1f
        msr     fpcr, x10
1:      ldp     d14, d15, [sp, #144]
        ldp     d12, d13, [sp, #128]
        ldp     d10, d11, [sp, #112]
        ldp     d8, d9, [sp, #96]
        ldp     x27, x28, [sp, #80]
        ldp     x25, x26, [sp, #64]
        ldp     x23, x24, [sp, #48]
        ldp     x21, x22, [sp, #32]
        ldp     x19, x20, [sp, #16]
        ldp     x29, x30, [sp], #176
        .cfi_adjust_cfa_offset -176
        .cfi_restore x29
        .cfi_restore x30
        .endm

/* void ut_arch_switch(struct ut_context *from, const struct ut_context *to) */
        .globl  ut_arch_switch
        .hidden ut_arch_switch
        .type   ut_arch_switch, %function
        .p2align 4
ut_arch_switch:
        .cfi_startproc
        save_registers
        mov     x11, sp
        str     x11, [x0]
        ldp     x11, x12, [x1]
        mov     sp, x11
        msr     tpidr_el0, x12
        restore_registers
        ret
        .cfi_endproc
        .size   ut_arch_switch, . - ut_arch_switch

/*
 * void ut_arch_leave_thread(struct ut_context *context, struct ut_departures *departures)
 *
 * From the exchange on somebody else may run on this stack: what follows uses registers only.
 */
        .globl  ut_arch_leave_thread
        .hidden ut_arch_leave_thread
        .type   ut_arch_leave_thread, %function
        .p2align 4
ut_arch_leave_thread:
        .cfi_startproc
        save_registers
        mov     x11, sp
        str     x11, [x0]
1:      ldr     x11, [x1]
        str     x11, [x0, #16]          /* the next one */
        ldaxr   x12, [x1]
        cmp     x12, x11
        b.ne    1b
        stlxr   w13, x0, [x1]
        cbnz    w13, 1b
        add     x0, x1, #8
2:      ldaxr   w11, [x0]
        add     w11, w11, #1
        stlxr   w12, w11, [x0]
        cbnz    w12, 2b
        mov     x1, #129                /* futex(&count, FUTEX_WAKE_PRIVATE, 1) */
        mov     x2, #1
        mov     x8, #98
        svc     #0
        mov     x0, #0
        mov     x8, #93                 /* exit: ends this kernel thread only */
        svc     #0
        brk     #1
        .cfi_endproc
        .size   ut_arch_leave_thread, . - ut_arch_leave_thread

/* void ut_arch_set_thread_pointer(uintptr_t value) */
        .globl  ut_arch_set_thread_pointer
        .hidden ut_arch_set_thread_pointer
        .type   ut_arch_set_thread_pointer, %function
        .p2align 4
ut_arch_set_thread_pointer:
        .cfi_startproc
        msr     tpidr_el0, x0
        ret
        .cfi_endproc
        .size   ut_arch_set_thread_pointer, . - ut_arch_set_thread_pointer

        .section .note.GNU-stack, "", %progbits
