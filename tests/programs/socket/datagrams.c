/* SPDX-License-Identifier: MIT */
/* UDP: addresses, truncation, empty datagrams, refused ones, connected and dissolved sockets, waiting
 * with and without a time-out; the receiver is a thread that the sender is ahead of, or behind. */
#include "net.h"

enum { ROUNDS = 200 };

static int server, client;
static volatile size_t whole = 64; /* volatile: checked at run time where fortified */

static void *answers(void *argument)
{
    char text[64];
    for (int i = 0; i < ROUNDS; i++) {
        struct sockaddr_in from;
        socklen_t length = sizeof from;
        ssize_t got = recvfrom(server, text, whole, 0, (struct sockaddr *)&from, &length);
        expect(got == i % 60 && length == sizeof from);
        expect(from.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
        expect(sendto(server, text, (size_t)got, 0, (struct sockaddr *)&from, length) == got);
    }
    return argument;
}

static void asks(void)
{
    struct sockaddr_in to = address_of(server);
    char text[64], back[64];
    for (int i = 0; i < ROUNDS; i++) {
        memset(text, i, sizeof text);
        size_t size = (size_t)(i % 60);
        must_sys(sendto(client, text, size, 0, (struct sockaddr *)&to, sizeof to));
        expect(recvfrom(client, back, whole, 0, NULL, NULL) == (ssize_t)size);
        expect(memcmp(text, back, size) == 0);
    }
}

static void *cuts_and_peeks(void *argument)
{
    struct sockaddr_in to = address_of(server), from;
    socklen_t length = 4;
    char text[64];
    must_sys(sendto(client, "0123456789", 10, 0, (struct sockaddr *)&to, sizeof to));
    show_sys(recvfrom(server, text, 4, MSG_PEEK, NULL, NULL));
    show_sys(recvfrom(server, text, 4, MSG_PEEK | MSG_TRUNC, NULL, NULL));
    show_sys(recvfrom(server, text, 4, 0, (struct sockaddr *)&from, &length));
    say("length of the address %d\n", (int)length);
    show_sys(recv(server, text, whole, MSG_DONTWAIT));
    must_sys(sendto(client, NULL, 0, 0, (struct sockaddr *)&to, sizeof to));
    show_sys(read(server, text, whole));
    set_timeout(server, SO_RCVTIMEO, 30);
    int64_t begin = now_ns();
    show_sys(recvfrom(server, text, whole, 0, NULL, NULL));
    say("%s\n", elapsed_word(begin, 30));
    return argument;
}

static void *is_refused(void *argument)
{
    int nobody = bound_socket(SOCK_DGRAM), fd = (int)must_sys(socket(AF_INET, SOCK_DGRAM, 0));
    struct sockaddr_in to = address_of(nobody), none = {.sin_family = AF_UNSPEC};
    char byte = 0;
    close(nobody);
    show_sys(send(fd, &byte, 1, 0));
    must_sys(connect(fd, (struct sockaddr *)&to, sizeof to));
    must_sys(send(fd, &byte, 1, 0));
    show_sys(recv(fd, &byte, 1, 0));
    show_sys(recv(fd, &byte, 1, MSG_DONTWAIT));
    must_sys(connect(fd, (struct sockaddr *)&none, sizeof none));
    show_sys(write(fd, &byte, 1));
    char *large = calloc(1, 70000);
    show_sys(sendto(fd, large, 70000, 0, (struct sockaddr *)&to, sizeof to));
    free(large);
    show_sys(sendto(fd, &byte, 1, MSG_OOB, (struct sockaddr *)&to, sizeof to));
    show_sys(recvfrom(fd, &byte, 1, MSG_OOB | MSG_DONTWAIT, NULL, NULL));
    close(fd);
    return argument;
}

int main(void)
{
    server = bound_socket(SOCK_DGRAM);
    client = bound_socket(SOCK_DGRAM);
    pthread_t thread = start(answers, NULL);
    asks();
    join(thread);
    join(start(cuts_and_peeks, NULL));
    cuts_and_peeks(NULL);
    join(start(is_refused, NULL));
    return finished();
}
