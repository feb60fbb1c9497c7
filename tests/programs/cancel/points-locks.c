/* SPDX-License-Identifier: MIT */
/* Cancelled while it waits for a lock of a file: it does not get the lock later, and the holder
 * keeps it. */
#include <fcntl.h>
#include <sys/wait.h>

#include "cancelling.h"

static int file, other;

static void in_setlkw(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    fcntl(file, F_SETLKW, &lock);
}

static void in_setlkw_to_read(void)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = 10};
    fcntl(file, F_SETLKW, &lock);
}

static void in_ofd_setlkw(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    fcntl(other, F_OFD_SETLKW, &lock);
}

static void in_lockf(void)
{
    lockf(file, F_LOCK, 100);
}

static const struct blocking_call calls[] = {
    {"F_SETLKW", in_setlkw},
    {"F_SETLKW to read", in_setlkw_to_read},
    {"F_OFD_SETLKW", in_ofd_setlkw},
    {"lockf", in_lockf},
};

/* Another process, because the locks of one do not exclude each other. */
static pid_t holder(int ready, int release)
{
    char byte;
    pid_t process = (pid_t)must_sys(fork());
    if (process == 0) {
        must_sys(lockf(file, F_LOCK, 0));
        must_sys(write(ready, "x", 1));
        must_sys(read(release, &byte, 1));
        _exit(0);
    }
    return process;
}

static void still_held(void)
{
    show_sys(lockf(file, F_TLOCK, 0));
}

int main(void)
{
    int ready[2], release[2];
    char byte;
    must_sys(pipe(ready));
    must_sys(pipe(release));
    file = (int)must_sys(open("locked", O_RDWR | O_CREAT, 0600));
    other = (int)must_sys(open("locked", O_RDWR));
    pid_t process = holder(ready[1], release[0]);
    must_sys(read(ready[0], &byte, 1));
    CANCEL_IN_EACH(calls, still_held);
    must_sys(write(release[1], "x", 1));
    must_sys(waitpid(process, NULL, 0));
    /* Nobody has it now, not even this process by a cancelled call. */
    process = holder(ready[1], release[0]);
    must_sys(read(ready[0], &byte, 1));
    must_sys(write(release[1], "x", 1));
    must_sys(waitpid(process, NULL, 0));
    show_sys(lockf(file, F_LOCK, 0));
    return finished();
}
