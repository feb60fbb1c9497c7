/* SPDX-License-Identifier: MIT */
/*
 * What the linker's --wrap gives to libuv.a inside the library instead of libc's own. Its code is
 * not position-independent where it names data of libc, so it gets data of ours (only functions
 * that we never call use them). And the descriptors that it makes go where ours go, high up,
 * out of the program's numbering.
 */
#include "fd.h"
#include "ours.h"
#include "sys.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>

char **__wrap_environ;
const struct in6_addr __wrap_in6addr_any;
FILE *__wrap_stderr;

/*
 * uv_loop_init(3) makes a pipe for uv_signal_t, once for all loops, and aborts the process if descriptors
 * have run out. We have no uv_signal_t.
 */
void __wrap_uv__signal_global_once_init(void);

void __wrap_uv__signal_global_once_init(void)
{
}

int __wrap_epoll_create1(int flags);
int __wrap_eventfd(unsigned value, int flags);
int __wrap_pipe2(int fds[2], int flags);

/* libuv reads errno after -1. */
static int kept(long fd)
{
    if (fd < 0) {
        errno = (int)-fd;
        return -1;
    }
    return ut_ours_keep((int)fd);
}

int __wrap_epoll_create1(int flags)
{
    return kept(ut_syscall1(SYS_epoll_create1, flags));
}

int __wrap_eventfd(unsigned value, int flags)
{
    return kept(ut_syscall2(SYS_eventfd2, value, flags));
}

int __wrap_pipe2(int fds[2], int flags)
{
    long result = ut_syscall2(SYS_pipe2, fds, flags);
    if (result < 0)
        return kept(result);
    fds[0] = kept(fds[0]);
    fds[1] = kept(fds[1]);
    return 0;
}
