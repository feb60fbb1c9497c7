/* SPDX-License-Identifier: MIT */
/* costs CALLS: what the machine itself charges, to read other figures by: a system call that does nothing,
 * and one that sets the thread pointer. */
#include "measure.h"

#ifdef __x86_64__
#include <asm/prctl.h>
#endif
#include <sys/syscall.h>
#include <unistd.h>

int main(int count, char **arguments)
{
    long calls = number_at(1, count, arguments);
    unsigned long pointer = 0;
    uint64_t began = now_ns();

    for (long i = 0; i < calls; i++)
        syscall(SYS_getppid);
    say("getppid_ns", (double)(now_ns() - began) / (double)calls);
#ifdef __x86_64__
    syscall(SYS_arch_prctl, ARCH_GET_FS, &pointer);
    began = now_ns();
    for (long i = 0; i < calls; i++)
        syscall(SYS_arch_prctl, ARCH_SET_FS, pointer);
    say("set_thread_pointer_ns", (double)(now_ns() - began) / (double)calls);
#endif
    return 0;
}
