/* SPDX-License-Identifier: MIT */
#include "abuse.h"

#include <netinet/in.h>
#include <sys/socket.h>

enum { BACKLOG = 1024 };

static void write_all(int fd, const char *bytes, ssize_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, (size_t)length);
        if (written < 0)
            return; /* the peer counts what is missing */
        bytes += written;
        length -= written;
    }
}

static void *serve(void *connection)
{
    int fd = (int)(long)connection;
    char bytes[4096];
    ssize_t length;
    while ((length = read(fd, bytes, sizeof bytes)) > 0)
        write_all(fd, bytes, length);
    close(fd);
    return NULL;
}

static void *accept_all(void *listener)
{
    pthread_attr_t detached;
    MUST(pthread_attr_init(&detached));
    MUST(pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED));
    for (;;) {
        pthread_t thread;
        int fd = accept((int)(long)listener, NULL, NULL);
        CHECK(fd >= 0);
        MUST(pthread_create(&thread, &detached, serve, (void *)(long)fd));
    }
    return NULL;
}

int server_start(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    pthread_t thread;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(listener >= 0);
    CHECK(bind(listener, (struct sockaddr *)&address, length) == 0);
    CHECK(listen(listener, BACKLOG) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
    MUST(pthread_create(&thread, NULL, accept_all, (void *)(long)listener));
    return ntohs(address.sin_port);
}
