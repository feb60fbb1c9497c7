/* SPDX-License-Identifier: MIT */
#include "listener.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>

static int stoppable = -1;

static void lift_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
            warn("setrlimit");
    }
}

static in_port_t parse_port(const char *text)
{
    char *end;
    unsigned long port = strtoul(text, &end, 10);

    if (*text == '\0' || *end != '\0' || port > 65535)
        errx(2, "not a port: %s", text);
    return htons((in_port_t)port);
}

int listener_open(const char *port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = parse_port(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t length = sizeof address;
    int on = 1;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    lift_descriptor_limit();
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
        err(1, "socket");
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0)
        err(1, "bind to port %s", port);
    if (listen(listener, SOMAXCONN) < 0)
        err(1, "listen");
    if (getsockname(listener, (struct sockaddr *)&address, &length) < 0)
        err(1, "getsockname");
    printf("listening on %d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

/* A flag alone would be lost if the signal came between the test of the flag and accept(). A
 * listener that was shut down stays so, and shutdown() is safe in a handler. */
static void shut_listener(int signal_number)
{
    int saved = errno;

    (void)signal_number;
    shutdown(stoppable, SHUT_RDWR);
    errno = saved;
}

void listener_stop_on_signal(int listener)
{
    struct sigaction action = { .sa_handler = shut_listener, .sa_flags = SA_RESTART };

    stoppable = listener;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGTERM, &action, NULL) < 0 || sigaction(SIGINT, &action, NULL) < 0)
        err(1, "sigaction");
    signal(SIGPIPE, SIG_IGN);
}
