/* SPDX-License-Identifier: MIT */
/*
 * The unwinder, libgcc_s, without being linked to it: a program that never makes a thread would pay for
 * it, at each start and at each fork. Clean-up code refers to these four names. They are hidden, and
 * find the real ones when the runtime starts, or at the first unwinding through our frames, when
 * who unwinds has loaded it. glibc does the same for itself (sysdeps/gnu/unwind-resume.c).
 */
#include "unwinder.h"

#include "log.h"
#include "real.h"

#include <dlfcn.h>
#include <unwind.h>

typedef _Unwind_Reason_Code personality(int version, _Unwind_Action actions,
                                        _Unwind_Exception_Class class,
                                        struct _Unwind_Exception *exception,
                                        struct _Unwind_Context *context);

static struct {
    __typeof__(_Unwind_Resume) *resume;
    __typeof__(_Unwind_Backtrace) *backtrace;
    __typeof__(_Unwind_GetIP) *instruction;
    personality *personality; /* set last */
} real_unwinder;

bool ut_unwinder_load(void)
{
    if (__atomic_load_n(&real_unwinder.personality, __ATOMIC_ACQUIRE))
        return true;
    void *library = real(dlopen)("libgcc_s.so.1", RTLD_NOW);
    personality *found = library ? ut_real_find_in(library, "__gcc_personality_v0") : NULL;
    if (!found)
        return false;
    real_unwinder.resume = ut_real_find_in(library, "_Unwind_Resume");
    real_unwinder.backtrace = ut_real_find_in(library, "_Unwind_Backtrace");
    real_unwinder.instruction = ut_real_find_in(library, "_Unwind_GetIP");
    __atomic_store_n(&real_unwinder.personality, found, __ATOMIC_RELEASE);
    return true;
}

/* It cannot be missing, unless a program unwinds that has an unwinder linked in. */
static void require(void)
{
    if (!ut_unwinder_load())
        ut_die("libgcc_s.so.1 is needed to unwind, and cannot be loaded");
}

personality __gcc_personality_v0;
_Unwind_Reason_Code __gcc_personality_v0(int version, _Unwind_Action actions,
                                         _Unwind_Exception_Class class,
                                         struct _Unwind_Exception *exception,
                                         struct _Unwind_Context *context)
{
    require();
    return real_unwinder.personality(version, actions, class, exception, context);
}

/* It unwinds from its caller's frame on: that this one lies between does no harm. */
void _Unwind_Resume(struct _Unwind_Exception *exception)
{
    require();
    real_unwinder.resume(exception);
    __builtin_unreachable();
}

/* Without the library there is no backtrace. */
_Unwind_Reason_Code _Unwind_Backtrace(_Unwind_Trace_Fn note, void *opaque)
{
    return ut_unwinder_load() ? real_unwinder.backtrace(note, opaque) : _URC_END_OF_STACK;
}

_Unwind_Ptr _Unwind_GetIP(struct _Unwind_Context *context)
{
    return real_unwinder.instruction(context);
}
