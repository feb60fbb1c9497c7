/* SPDX-License-Identifier: MIT */
/*
 * microhttpd PORT DIRECTORY [epoll]: serves files by libmicrohttpd, with a thread for each connection,
 * or by its own event loop.
 */
#include <fcntl.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static enum MHD_Result answer(void *directory, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **state)
{
    static const char missing[] = "not found\n";
    static int seen;
    char path[4096];
    struct stat status;
    struct MHD_Response *response;
    (void)method, (void)version, (void)upload, (void)upload_size;
    if (!*state) { /* headers only: who answers already now closes the connection */
        *state = &seen;
        return MHD_YES;
    }
    snprintf(path, sizeof path, "%s%s", (const char *)directory, url);
    int fd = strstr(url, "..") ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    int code = fd < 0 ? MHD_HTTP_NOT_FOUND : MHD_HTTP_OK;
    if (fd >= 0 && fstat(fd, &status) == 0)
        response = MHD_create_response_from_fd((size_t)status.st_size, fd);
    else
        response = MHD_create_response_from_buffer(sizeof missing - 1, (void *)missing,
                                                   MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result = MHD_queue_response(connection, code, response);
    MHD_destroy_response(response);
    return result;
}

int main(int argc, char **argv)
{
    sigset_t end;
    int number;
    unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL;
    if (argc != 3 && argc != 4)
        return 2;
    if (argc == 4)
        flags = MHD_USE_EPOLL_INTERNAL_THREAD;
    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    sigprocmask(SIG_BLOCK, &end, NULL);
    struct MHD_Daemon *daemon = MHD_start_daemon(
        flags, (uint16_t)atoi(argv[1]), NULL, NULL, answer, argv[2], MHD_OPTION_CONNECTION_LIMIT,
        4000u, MHD_OPTION_LISTEN_BACKLOG_SIZE, 1024u, MHD_OPTION_END);
    if (!daemon)
        return 1;
    sigwait(&end, &number);
    MHD_stop_daemon(daemon);
    return 0;
}
