/* SPDX-License-Identifier: MIT */
/* A library for raw.c, loaded with RTLD_DEEPBIND: its read() is found in libc first. */
#include <unistd.h>

ssize_t read_on_behalf(int fd, void *buffer, size_t count);

ssize_t read_on_behalf(int fd, void *buffer, size_t count)
{
    return read(fd, buffer, count);
}
