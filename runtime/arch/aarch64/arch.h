/* SPDX-License-Identifier: MIT */
/* aarch64: system calls, the thread pointer (TPIDR_EL0) and the context switch. */
#ifndef UT_ARCH_H
#define UT_ARCH_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

/* What the context switch saves besides the registers on the stack. switch.S knows the layout. */
struct ut_context {
    void *stack_pointer;      /* offset 0: written when the context is left */
    uintptr_t thread_pointer; /* offset 8: constant after the thread control block was made */
};
_Static_assert(sizeof(struct ut_context) == 16, "switch.S relies on this layout");

struct ut_departures {
    void *last;     /* offset 0 */
    uint32_t count; /* offset 8 */
};

/* See arch/x86_64/arch.h for what these promise. */
void ut_arch_switch(struct ut_context *from, const struct ut_context *to);
void ut_arch_leave_thread(struct ut_context *context, struct ut_departures *departures);
void ut_arch_set_thread_pointer(uintptr_t value);

/* TPIDR_EL0 is always writable from user space: nothing to find out. */
static inline void ut_arch_init(bool allowed)
{
    (void)allowed;
}

static inline uintptr_t ut_arch_thread_pointer(void)
{
    uintptr_t value;
    __asm__("mrs %0, tpidr_el0" : "=r"(value));
    return value;
}

/* The control bits of the floating-point unit; new threads inherit them. */
static inline uint64_t ut_arch_float_control(void)
{
    uint64_t control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    return control;
}

static inline void ut_arch_set_float_control(uint64_t control)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(control));
}

/*
 * See x86_64. The guard is a variable of the loader's that is no one's business: it is had from a stack
 * pointer that we know and setjmp has just mangled (JB_SP in sysdeps/aarch64/jmpbuf-offsets.h).
 */
static inline uintptr_t ut_arch_jump_target(const unsigned long long *buffer)
{
    jmp_buf probe;
    uintptr_t known;
    _setjmp(probe);
    __asm__("mov %0, sp" : "=r"(known));
    return (uintptr_t)(buffer[13] ^ probe->__jmpbuf[13]) ^ known;
}

static inline void ut_arch_relax(void)
{
    __asm__ volatile("isb" ::: "memory"); /* yield is a no-op on most cores */
}

/* See x86_64: nobody has looked yet at how this architecture's wrappers begin. */
static inline bool ut_arch_encode_jump(const void *from, const void *to, uint64_t *code)
{
    (void)from;
    (void)to;
    (void)code;
    return false;
}

static inline long ut_syscall6(long number, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc #0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory", "cc");
    return x0;
}

#endif
