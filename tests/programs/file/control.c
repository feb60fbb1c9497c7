/* SPDX-License-Identifier: MIT */
/* Every command of fcntl, also those that no wrapper needs to know, and unknown ones: the kernel's answer. */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>

#include "net.h"

static void *asks(void *argument)
{
    int ends[2], pipes[2];
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10};
    struct f_owner_ex owner = {F_OWNER_PID, getpid()};
    uint64_t hint = 0;
    int file = (int)must_sys(open("controlled", O_RDWR | O_CREAT | O_TRUNC, 0600));
    int memory = memfd_create("memory", MFD_ALLOW_SEALING);
    must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    must_sys(pipe(pipes));
    show_sys(fcntl(file, F_GETFD));
    show_sys(fcntl(file, F_SETFD, FD_CLOEXEC));
    show_sys(fcntl(file, F_GETFD));
    show_sys(fcntl(file, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK));
    show_sys(fcntl(file, F_SETFL, O_APPEND));
    show_sys(fcntl(file, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK));
    show_sys(fcntl(ends[0], F_GETFL));
    show_sys(fcntl(file, F_SETLK, &lock));
    show_sys(fcntl(file, F_GETLK, &lock));
    say("unlocked %d\n", lock.l_type == F_UNLCK);
    show_sys(fcntl(ends[0], F_SETOWN, getpid()));
    expect(fcntl(ends[0], F_GETOWN) == getpid());
    show_sys(fcntl(ends[0], F_SETOWN_EX, &owner));
    owner.pid = 0;
    show_sys(fcntl(ends[0], F_GETOWN_EX, &owner));
    expect(owner.pid == getpid());
    show_sys(fcntl(ends[0], F_SETSIG, SIGUSR1));
    show_sys(fcntl(ends[0], F_GETSIG));
    show_sys(fcntl(pipes[1], F_SETPIPE_SZ, 8192));
    show_sys(fcntl(pipes[0], F_GETPIPE_SZ));
    show_sys(fcntl(file, F_GETPIPE_SZ));
    show_sys(fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
    show_sys(fcntl(memory, F_GET_SEALS));
    show_sys(ftruncate(memory, 10));
    show_sys(fcntl(file, F_GET_SEALS));
    show_sys(fcntl(file, F_GET_RW_HINT, &hint));
    show_sys(fcntl(file, F_GETLEASE) == F_UNLCK ? 0 : 1);
    show_sys(fcntl(file, F_NOTIFY, 0));
    show_sys(fcntl(file, 9999));
    show_sys(fcntl(file, -1));
    show_sys(fcntl(-1, F_GETFL));
    show_sys(fcntl(12345, F_SETFL, O_NONBLOCK));
    show_sys(fcntl(12345, F_DUPFD, 0));
    show_sys(fcntl(file, F_DUPFD, -1));
    int copy = (int)must_sys(fcntl(file, F_DUPFD_CLOEXEC, 100));
    say("copy %d flags %d\n", copy, fcntl(copy, F_GETFD));
    show_sys(fcntl(file, F_SETLK, bad_pointer));
    int list[] = {copy, file, memory, ends[0], ends[1], pipes[0], pipes[1]};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        close(list[i]);
    must_sys(unlink("controlled"));
    return argument;
}

int main(void)
{
    asks(NULL);
    join(start(asks, NULL));
    return finished();
}
