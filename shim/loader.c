/* SPDX-License-Identifier: MIT */
/*
 * dlopen(3). glibc finds the caller's namespace and its RUNPATH, $ORIGIN included, by the return
 * address. So the real function must be entered by a jump, with the program's return
 * address in place: the last call below has to be a tail call, whatever the optimisation level.
 * For the same reason there is no blocking region around it: that would have to end after the
 * call. A load that takes long is a hog, and the monitor moves the others on.
 */
#include "real.h"
#include "tail.h"

#include <dlfcn.h>

UT_EXPORT UT_TAIL_CALLER void *dlopen(const char *file, int mode)
{
    if (__builtin_expect(mode & RTLD_DEEPBIND, 0)) {
        /* It would bind the library's calls to libc directly, past the shim. */
        ut_count(deepbind_stripped);
        mode &= ~RTLD_DEEPBIND;
    }
    UT_TAIL_CALL real(dlopen)(file, mode);
}
