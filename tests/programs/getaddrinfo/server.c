/* SPDX-License-Identifier: MIT */
/* Look-ups at a name server of the program's own, which is slow, says no, or says nothing: answers
 * and errors of many threads, signals and cancellation in the middle; and what comes
 * after the resolver's sockets under the same numbers. */
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <resolv.h>
#include <signal.h>
#include <stdlib.h>

#include "net.h"

enum { THREADS = 40 };

static int server_fd;
static uint16_t port;
static _Atomic int asked, handled, on_wrong_thread;

/* The first label says what to do: aN, an address; n..., there is no such name; s..., nothing. */
static void *serves(void *argument)
{
    unsigned char packet[512];
    struct sockaddr_in from;
    for (;;) {
        socklen_t length = sizeof from;
        ssize_t size = recvfrom(server_fd, packet, sizeof packet - 16, 0, (struct sockaddr *)&from,
                                &length);
        if (size < 12)
            return argument; /* a datagram of nothing is the end */
        asked++;
        unsigned char what = packet[13];
        if (what == 's')
            continue;
        usleep(2000);
        packet[2] = 0x81;
        packet[3] = what == 'n' ? 0x83 : 0x80;
        if (what == 'a' && packet[size - 3] == 1) { /* of type A */
            unsigned char number = (unsigned char)atoi((char *)packet + 14);
            unsigned char record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 10, 1, 2, number};
            packet[7] = 1;
            memcpy(packet + size, record, sizeof record);
            size += sizeof record;
        }
        packet[11] = 0; /* no additional records */
        sendto(server_fd, packet, (size_t)size, 0, (struct sockaddr *)&from, length);
    }
}

static void use_server(int seconds)
{
    expect(!_res.options); /* a new thread knows nothing of what others changed */
    must_sys(res_init());
    _res.options &= ~(unsigned long)(RES_USE_EDNS0 | RES_DNSRCH | RES_DEFNAMES);
    _res.nscount = 1;
    _res.nsaddr_list[0] = loopback(port);
    _res.retrans = seconds;
    _res.retry = 1;
}

static int look_up(const char *name, int family, struct in_addr *address)
{
    struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM}, *list;
    address->s_addr = 0;
    int error = getaddrinfo(name, "7", &hints, &list);
    if (error)
        return error;
    *address = ((struct sockaddr_in *)list->ai_addr)->sin_addr;
    freeaddrinfo(list);
    return 0;
}

static void *asks(void *argument)
{
    int number = index_of(argument);
    char name[32];
    struct in_addr address;
    use_server(30);
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "a%d.example.test.", number);
        errno = 77;
        expect(look_up(name, i % 2 ? AF_INET : AF_UNSPEC, &address) == 0);
        expect(ntohl(address.s_addr) == (10u << 24 | 1 << 16 | 2 << 8 | (unsigned)number));
        expect(look_up("none.example.test.", AF_INET, &address) == EAI_NONAME);
    }
    return NULL;
}

static void *asks_old_way(void *argument)
{
    struct hostent *entry;
    use_server(30);
    entry = gethostbyname("a5.example.test.");
    expect(entry && (unsigned char)entry->h_addr_list[0][3] == 5);
    entry = gethostbyname("none.example.test.");
    expect(!entry && h_errno == HOST_NOT_FOUND);
    return argument;
}

/* glibc may give up some milliseconds early, after signals. */
static void *asks_in_vain(void *argument)
{
    struct in_addr address;
    use_server(1);
    int64_t begin = now_ns();
    say("%d\n", look_up("silence.example.test.", AF_INET, &address) == EAI_AGAIN);
    say("%s\n", elapsed_word(begin, 800));
    return argument;
}

/* Signals do not end a look-up. */

static pthread_t target;

static void handle(int number)
{
    (void)number;
    if (!pthread_equal(pthread_self(), target))
        on_wrong_thread++;
    handled++;
}

static void interrupted(int flags)
{
    struct sigaction action = {.sa_handler = handle, .sa_flags = flags};
    sigemptyset(&action.sa_mask);
    must_sys(sigaction(SIGUSR1, &action, NULL));
    handled = asked = 0;
    target = start(asks_in_vain, NULL);
    while (!asked)
        sched_yield();
    while (handled < 3) {
        must(pthread_kill(target, SIGUSR1));
        settle();
    }
    join(target);
    say("on another thread: %d\n", on_wrong_thread);
}

static void *waits_long(void *argument)
{
    struct in_addr address;
    use_server(60);
    look_up("silence.example.test.", index_of(argument) ? AF_INET : AF_UNSPEC, &address);
    return argument;
}

static void *waits_long_old_way(void *argument)
{
    use_server(60);
    gethostbyname("silence.example.test.");
    return argument;
}

static void cancelled(void *(*routine)(void *))
{
    asked = 0;
    pthread_t thread = start(routine, NULL);
    while (!asked)
        sched_yield();
    settle();
    must(pthread_cancel(thread));
    say("cancelled: %d\n", join(thread) == PTHREAD_CANCELED);
}

/* Numbers that a resolver's socket had: a pseudo-terminal that libc opens, a pipe, a socket. */
static void *uses_numbers_again(void *argument)
{
    struct in_addr address;
    char byte = 0;
    int fds[2], lowest = dup(0);
    close(lowest);
    use_server(30);
    for (int i = 0; i < 3; i++) {
        expect(look_up("a1.example.test.", AF_INET, &address) == 0);
        int terminal = posix_openpt(O_RDWR | O_NOCTTY);
        expect(terminal == lowest && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
        int other = (int)must_sys(open(ptsname(terminal), O_RDWR | O_NOCTTY));
        struct pollfd waits = {.fd = terminal, .events = POLLIN};
        expect(poll(&waits, 1, 20) == 0);
        must_sys(write(other, "t", 1));
        expect(read(terminal, &byte, 1) == 1 && byte == 't');
        close(terminal);
        close(other);
        expect(look_up("a1.example.test.", AF_INET, &address) == 0);
        must_sys(i % 2 ? pipe(fds) : socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
        expect(fds[0] == lowest);
        waits.fd = fds[0];
        expect(poll(&waits, 1, 20) == 0);
        must_sys(write(fds[1], "p", 1));
        expect(read(fds[0], &byte, 1) == 1 && byte == 'p');
        close(fds[0]);
        close(fds[1]);
    }
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    server_fd = bound_socket(SOCK_DGRAM);
    port = address_of(server_fd).sin_port;
    pthread_t server = start(serves, NULL);
    start_many(threads, THREADS, asks);
    pthread_t old = start(asks_old_way, NULL); /* one: they share their answers */
    join_many(threads, THREADS);
    join(old);
    join(start(uses_numbers_again, NULL));
    join(start(asks_in_vain, NULL));
    interrupted(0);
    interrupted(SA_RESTART);
    cancelled(waits_long);
    cancelled(waits_long_old_way);
    join(start(uses_numbers_again, NULL));
    struct sockaddr_in address = loopback(port);
    must_sys(sendto(server_fd, "", 0, 0, (struct sockaddr *)&address, sizeof address));
    join(server);
    return finished();
}
