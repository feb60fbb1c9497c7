/* SPDX-License-Identifier: MIT */
/* The old look-ups: gethostbyname, gethostbyname2, gethostbyaddr and their reentrant forms, by numbers and
 * names that need no server; too small buffers; families; many threads at once. */
#include <arpa/inet.h>
#include <netdb.h>

#include "check.h"

enum { THREADS = 20 };

static void show_host(const char *what, const struct hostent *host)
{
    char text[INET6_ADDRSTRLEN] = "";
    if (host)
        inet_ntop(host->h_addrtype, host->h_addr_list[0], text, sizeof text);
    say("%s: %s %s\n", what, host ? host->h_name : "none", text);
}

static void *looks_up(void *argument)
{
    char buffer[2000];
    struct hostent entry, *host = NULL;
    int error = 0;
    for (int i = 0; i < 50; i++) {
        char name[32];
        snprintf(name, sizeof name, "10.0.%d.%d", index_of(argument), i);
        expect(gethostbyname_r(name, &entry, buffer, sizeof buffer, &host, &error) == 0);
        expect(host == &entry && strcmp(entry.h_name, name) == 0 && entry.h_length == 4);
        expect(gethostbyname2_r("::1", AF_INET6, &entry, buffer, sizeof buffer, &host, &error) == 0);
        expect(host == &entry && entry.h_length == 16);
        in_addr_t address = htonl(INADDR_LOOPBACK);
        expect(gethostbyaddr_r(&address, 4, AF_INET, &entry, buffer, sizeof buffer, &host, &error) == 0);
        expect(host == &entry && strcmp(entry.h_name, "localhost") == 0);
    }
    return NULL;
}

static void *looks_at_everything(void *argument)
{
    char buffer[2000];
    struct hostent entry, *host = NULL;
    int error = 0;
    in_addr_t address = htonl(INADDR_LOOPBACK);
    show_host("number", gethostbyname("127.0.0.9"));
    show_host("name", gethostbyname("localhost"));
    show_host("number, 6", gethostbyname2("::1", AF_INET6));
    show_host("number, 4", gethostbyname2("127.0.0.3", AF_INET));
    show_host("address", gethostbyaddr(&address, 4, AF_INET));
    show(gethostbyname_r("127.0.0.1", &entry, buffer, 4, &host, &error));
    show(gethostbyname2_r("::1", AF_INET6, &entry, buffer, 4, &host, &error));
    show(gethostbyaddr_r(&address, 4, AF_INET, &entry, buffer, 4, &host, &error));
    show_host("wrong family", gethostbyaddr(&address, 4, 77));
    say("h_errno %d\n", h_errno);
    show_host("wrong length", gethostbyaddr(&address, 3, AF_INET));
    say("h_errno %d\n", h_errno);
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    join(start(looks_at_everything, NULL));
    looks_at_everything(NULL);
    start_many(threads, THREADS, looks_up);
    join_many(threads, THREADS);
    return finished();
}
