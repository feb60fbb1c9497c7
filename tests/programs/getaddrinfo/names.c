/* SPDX-License-Identifier: MIT */
/* Names resolved by many threads at once: numeric and local ones, and errors. */
#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include "check.h"

enum { THREADS = 30, ROUNDS = 10 };

static void resolve(const char *host, const char *service, int flags, const char *expected,
                    int port)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_flags = flags};
    struct addrinfo *list;
    char text[64];
    int error = getaddrinfo(host, service, &hints, &list);
    expect(error == 0);
    if (error)
        return;
    struct sockaddr_in *address = (struct sockaddr_in *)list->ai_addr;
    inet_ntop(AF_INET, &address->sin_addr, text, sizeof text);
    expect(strcmp(text, expected) == 0 && ntohs(address->sin_port) == port);
    freeaddrinfo(list);
}

static void *resolves(void *argument)
{
    char number[16], host[64];
    for (int i = 0; i < ROUNDS; i++) {
        snprintf(number, sizeof number, "%d", 1000 + index_of(argument));
        snprintf(host, sizeof host, "127.0.%d.%d", index_of(argument), i);
        resolve(host, number, AI_NUMERICHOST, host, 1000 + index_of(argument));
        resolve("localhost", number, 0, "127.0.0.1", 1000 + index_of(argument));
        resolve(NULL, number, AI_PASSIVE, "0.0.0.0", 1000 + index_of(argument));
    }
    return NULL;
}

static void *errors(void *argument)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST}, *list;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(7)};
    char host[64], service[16];
    say("%d\n", getaddrinfo("not-a-number", NULL, &hints, &list) == EAI_NONAME);
    say("%d\n", getaddrinfo(NULL, NULL, NULL, &list) == EAI_NONAME);
    hints.ai_family = 77;
    say("%d\n", getaddrinfo("127.0.0.1", NULL, &hints, &list) == EAI_FAMILY);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    say("%d\n", getnameinfo((struct sockaddr *)&address, sizeof address, host, sizeof host, service,
                            sizeof service, NI_NUMERICHOST | NI_NUMERICSERV));
    say("%s %s\n", host, service);
    struct hostent *entry = gethostbyname("127.0.0.9");
    say("%d %s\n", entry->h_length, entry->h_name);
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    start_many(threads, THREADS, resolves);
    join_many(threads, THREADS);
    join(start(errors, NULL));
    return finished();
}
