/* SPDX-License-Identifier: MIT */
/*
 * Started with the standard descriptors closed: the first descriptors that the program makes are 0,
 * 1 and 2, with threads as without, and nothing of anybody else's is ever written to them. Tells by
 * its status.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

static int ends[2];

static void *echoes(void *argument)
{
    char byte;
    while (read(ends[1], &byte, 1) == 1)
        if (write(ends[1], &byte, 1) != 1)
            return argument;
    return NULL;
}

int main(void)
{
    pthread_t thread;
    char byte = 'x';
    if (fcntl(0, F_GETFD) != -1 || fcntl(1, F_GETFD) != -1 || fcntl(2, F_GETFD) != -1)
        return 1;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0 || ends[0] != 0 || ends[1] != 1)
        return 2;
    if (pthread_create(&thread, NULL, echoes, NULL))
        return 3;
    for (int i = 0; i < 100; i++)
        if (write(ends[0], &byte, 1) != 1 || read(ends[0], &byte, 1) != 1 || byte != 'x')
            return 4;
    if (dup(0) != 2 || fcntl(3, F_GETFD) != -1)
        return 5;
    shutdown(ends[0], SHUT_RDWR);
    void *result;
    if (pthread_join(thread, &result) || result)
        return 6;
    return 0;
}
