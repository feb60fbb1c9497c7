/* SPDX-License-Identifier: MIT */
/* The smallest HTTP server with a thread for each connection: one answer, then it closes. */
#include "listener.h"

#include <err.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[] = "HTTP/1.1 200 OK\r\n"
                             "Content-Type: text/plain\r\n"
                             "Content-Length: 7\r\n"
                             "Connection: close\r\n"
                             "\r\n"
                             "hello.\n";

static void *serve(void *argument)
{
    int socket = (int)(intptr_t)argument;
    char request[4096];
    size_t length = 0;
    ssize_t got;

    while (length < sizeof request - 1 &&
           (got = read(socket, request + length, sizeof request - 1 - length)) > 0) {
        length += (size_t)got;
        request[length] = '\0';
        if (strstr(request, "\r\n\r\n")) {
            send(socket, answer, sizeof answer - 1, MSG_NOSIGNAL);
            break;
        }
    }
    close(socket);
    return NULL;
}

int main(int count, char **arguments)
{
    pthread_attr_t attributes;
    int listener;

    if (count != 2)
        errx(2, "usage: hello PORT");
    listener = listener_open(arguments[1]);
    listener_stop_on_signal(listener);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    for (;;) {
        int socket = accept(listener, NULL, NULL);
        pthread_t thread;

        if (socket < 0)
            return 0; /* shut by the signal */
        if (pthread_create(&thread, &attributes, serve, (void *)(intptr_t)socket) != 0)
            close(socket);
    }
}
