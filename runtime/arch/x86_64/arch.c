/* SPDX-License-Identifier: MIT */
#include "arch.h"

#include <asm/prctl.h>
#include <sys/auxv.h>
#include <sys/syscall.h>

#define HWCAP2_FSGSBASE (1ul << 1) /* Linux 5.9, arch/x86/include/uapi/asm/hwcap2.h */

bool ut_arch_fast_thread_pointer;

void ut_arch_init(bool allowed)
{
    ut_arch_fast_thread_pointer = allowed && (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE);
}

void ut_arch_set_thread_pointer(uintptr_t value)
{
    ut_syscall6(SYS_arch_prctl, ARCH_SET_FS, (long)value, 0, 0, 0, 0);
}
