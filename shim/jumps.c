/* SPDX-License-Identifier: MIT */
/*
 * longjmp(3), siglongjmp(3): the jump is libc's. Two things of it concern us. It may leave a
 * handler, and with it the call that the handler has interrupted: what this one has under way is
 * ended. And libc puts the saved mask in force by a system call of its own: we must know that mask.
 */
#include "frames.h"
#include "real.h"
#include "signals.h"

#include <setjmp.h>
#include <string.h>

/* Which stack of SELF's an address is on; programs may have others, for contexts of their own. */
enum stack { OTHER, COROUTINES, ALTERNATE };

static enum stack stack_of(const struct ut_coro *self, uintptr_t address)
{
    const stack_t *alternate = &self->alternate_stack;
    if (!(alternate->ss_flags & SS_DISABLE) &&
        address - (uintptr_t)alternate->ss_sp < alternate->ss_size)
        return ALTERNATE;
    return address - (uintptr_t)self->stack < self->stack_size ? COROUTINES : OTHER;
}

/* Does a jump to TARGET leave FRAME behind? Handlers on the alternate stack are inner ones. */
static bool is_left(const struct ut_coro *self, const struct ut_frame *frame, uintptr_t target)
{
    enum stack from = stack_of(self, (uintptr_t)frame), to = stack_of(self, target);
    if (from == to)
        return from != OTHER && (uintptr_t)frame < target;
    return from == ALTERNATE && to == COROUTINES;
}

static void prepare(const struct __jmp_buf_tag *buffer)
{
    struct ut_coro *self = ut_shim_self();
    if (!self)
        return;
    uintptr_t target = self->frames ? ut_arch_jump_target(buffer->__jmpbuf) : 0;
    for (struct ut_frame *frame; (frame = self->frames) && is_left(self, frame, target);) {
        void (*leave)(struct ut_coro *, struct ut_frame *) = frame->leave;
        ut_frame_end(frame);
        leave(self, frame);
    }
    if (buffer->__mask_was_saved)
        pthread_sigmask(SIG_SETMASK, (const sigset_t *)&buffer->__saved_mask, NULL);
}

#define JUMP(name, buffer_type)                                                                    \
    UT_EXPORT void name(buffer_type buffer, int value)                                             \
    {                                                                                              \
        prepare(buffer);                                                                           \
        real(name)(buffer, value);                                                                 \
        __builtin_unreachable();                                                                   \
    }

JUMP(siglongjmp, sigjmp_buf)
JUMP(longjmp, jmp_buf)
JUMP(_longjmp, jmp_buf)
JUMP(__longjmp_chk, jmp_buf)
