/* SPDX-License-Identifier: MIT */
/*
 * What is under way in a coroutine's frames and would be left half done if a handler did not return
 * but jumped out of the call that it has interrupted, as siglongjmp(3) may. Each part of it is a
 * frame, on the stack, in a list; jumps.c ends those below the target of a jump. Unwinding ends
 * them by the compiler's clean-up.
 */
#ifndef UT_FRAMES_H
#define UT_FRAMES_H

#include "coro.h"

struct ut_frame {
    struct ut_frame *outer;
    struct ut_coro *coro; /* whose list it is in; in a forked child it is native by now */
    void (*leave)(struct ut_coro *self, struct ut_frame *frame); /* NULL: not entered */
};

/* A handler may come at any moment here: it puts the list back as it was before it returns. */
static inline void ut_frame_enter(struct ut_coro *self, struct ut_frame *frame,
                                  void (*leave)(struct ut_coro *, struct ut_frame *))
{
    frame->outer = self->frames;
    frame->coro = self;
    frame->leave = leave;
    atomic_signal_fence(memory_order_seq_cst);
    self->frames = frame;
}

/* The innermost one is over. */
static inline void ut_frame_end(struct ut_frame *frame)
{
    frame->coro->frames = frame->outer;
    frame->leave = NULL;
}

#endif
