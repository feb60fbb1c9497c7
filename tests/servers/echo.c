/* SPDX-License-Identifier: MIT */
/*
 * Thread-per-connection echo server for the limits tests: whatever accept() or pthread_create()
 * reports is named on stderr, and the server goes on, as a careful daemon does.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024, BUFFER = 16384, RETRY_MS = 10 };

static int write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t done = send(fd, data, size, MSG_NOSIGNAL);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -1;
        data += done;
        size -= (size_t)done;
    }
    return 0;
}

static void *serve(void *argument)
{
    int fd = (int)(intptr_t)argument;
    char buffer[BUFFER];
    ssize_t size;

    while ((size = recv(fd, buffer, sizeof(buffer), 0)) != 0) {
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0 || write_all(fd, buffer, (size_t)size) < 0)
            break;
    }
    close(fd);
    return NULL;
}

static void serve_in_thread(int fd)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd);

    if (error == 0) {
        pthread_detach(thread);
        return;
    }
    dprintf(STDERR_FILENO, "pthread_create: %s\n", strerrorname_np(error));
    close(fd);
}

static int listen_on(const char *port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)atoi(port)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(fd, BACKLOG) < 0) {
        perror(port);
        exit(EXIT_FAILURE);
    }
    return fd;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s PORT\n", argv[0]);
        return EXIT_FAILURE;
    }
    int listener = listen_on(argv[1]);

    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            serve_in_thread(fd);
        } else if (errno != EINTR) {
            dprintf(STDERR_FILENO, "accept: %s\n", strerrorname_np(errno));
            poll(NULL, 0, RETRY_MS); /* the pending connection would make accept fail at once again */
        }
    }
}
