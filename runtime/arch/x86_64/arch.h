/* SPDX-License-Identifier: MIT */
/* x86-64: system calls, the thread pointer (FS base) and the context switch. */
#ifndef UT_ARCH_H
#define UT_ARCH_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * What the context switch saves besides the registers on the stack. switch.S knows the layout.
 */
struct ut_context {
    void *stack_pointer;      /* offset 0: written when the context is left */
    uintptr_t thread_pointer; /* offset 8: constant after the thread control block was made */
};
_Static_assert(sizeof(struct ut_context) == 16, "switch.S relies on this layout");

/* True when user space may write the FS base itself; read by switch.S. */
extern bool ut_arch_fast_thread_pointer;

/*
 * Save the caller's registers in FROM and continue TO. Returns when somebody switches back.
 * Signal handlers of the program must be deferred by the caller (see signal.h): between the two
 * loads the stack belongs to one side and the thread pointer to the other.
 */
void ut_arch_switch(struct ut_context *from, const struct ut_context *to);

/*
 * Those who have left their kernel threads, last come first: each is a struct whose first member
 * is its context and whose second one, right behind, is a pointer to the next. switch.S knows
 * the layouts. `count` is a futex word, changed and woken by each.
 */
struct ut_departures {
    void *last;     /* offset 0 */
    uint32_t count; /* offset 8 */
};

/*
 * Save the caller in CONTEXT, enter that in DEPARTURES, and end the kernel thread by a raw exit
 * system call. Whoever finds it there may switch to it: the stack is touched no more by then.
 * All signals must be blocked, without exception. Returns, on another kernel thread, when
 * somebody switches to CONTEXT.
 */
void ut_arch_leave_thread(struct ut_context *context, struct ut_departures *departures);

/* Find out whether WRFSBASE may be used. ALLOWED false: pretend that it may not. */
void ut_arch_init(bool allowed);

/* Switch the thread pointer of this kernel thread at once. */
void ut_arch_set_thread_pointer(uintptr_t value);

static inline uintptr_t ut_arch_thread_pointer(void)
{
    uintptr_t value;
    __asm__("mov %%fs:0, %0" : "=r"(value)); /* the TCB's first word is its own address */
    return value;
}

/* The control bits of the floating-point units; new threads inherit them. */
static inline uint64_t ut_arch_float_control(void)
{
    uint32_t sse;
    uint16_t x87;
    __asm__ volatile("stmxcsr %0; fnstcw %1" : "=m"(sse), "=m"(x87));
    return (uint64_t)x87 << 32 | (sse & ~UINT32_C(0x3f)); /* without the exception flags */
}

static inline void ut_arch_set_float_control(uint64_t control)
{
    uint32_t sse = (uint32_t)control;
    uint16_t x87 = (uint16_t)(control >> 32);
    __asm__ volatile("ldmxcsr %0; fldcw %1" : : "m"(sse), "m"(x87));
}

/*
 * The stack pointer that longjmp will load from BUFFER, glibc's __jmp_buf: mangled by the guard in the
 * thread control block (sysdeps/unix/sysv/linux/x86_64/pointer_guard.h, and JB_RSP in jmpbuf-offsets.h).
 */
static inline uintptr_t ut_arch_jump_target(const long *buffer)
{
    uintptr_t guard, value = (uintptr_t)buffer[6];
    __asm__("mov %%fs:0x30, %0" : "=r"(guard));
    return (value >> 17 | value << 47) ^ guard;
}

static inline void ut_arch_relax(void)
{
    __asm__ volatile("pause" ::: "memory");
}

/*
 * The eight bytes that make the function FROM a jump to TO. False if they would not: FROM does not
 * begin as a system call's wrapper does that looks whether there are other threads (the jump is no
 * longer than its first instruction, or its first two), or TO is too far away.
 */
static inline bool ut_arch_encode_jump(const void *from, const void *to, uint64_t *code)
{
    static const unsigned char landing[] = {0xf3, 0x0f, 0x1e, 0xfa};       /* endbr64 */
    static const unsigned char compare[] = {0x80, 0x3d};                   /* cmpb ...(%rip) */
    static const unsigned char load[] = {0x8b, 0x05};                      /* mov ...(%rip), %eax */
    static const unsigned char field[] = {0x64, 0x8b, 0x04, 0x25, 0x18};   /* mov %fs:0x18, %eax */
    const unsigned char *start = from;
    intptr_t distance = (intptr_t)to - ((intptr_t)from + 5);
    int32_t near = (int32_t)distance;
    unsigned char bytes[8];
    if (memcmp(start, landing, sizeof landing) == 0)
        start += sizeof landing;
    if (memcmp(start, compare, sizeof compare) != 0 && memcmp(start, load, sizeof load) != 0 &&
        memcmp(start, field, sizeof field) != 0)
        return false;
    if (near != distance || (uintptr_t)from % sizeof bytes)
        return false;
    memcpy(bytes, from, sizeof bytes);
    bytes[0] = 0xe9; /* jmp rel32 */
    memcpy(bytes + 1, &near, sizeof near);
    memcpy(code, bytes, sizeof bytes);
    return true;
}

static inline long ut_syscall6(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

#endif
