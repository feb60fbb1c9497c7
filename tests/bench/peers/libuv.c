/* SPDX-License-Identifier: MIT */
/* The same echo as demos/echo on libuv's callbacks, as in its guide ("TCP", echo server), with one
 * buffer for each connection instead of one malloc for each read: a connection reads no further
 * until its answer is out. */
#include "listener.h"

#include <err.h>
#include <stdlib.h>
#include <uv.h>

struct connection {
    uv_tcp_t socket;
    uv_write_t writing;
    char buffer[4096];
};

static void has_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void hang_up(struct connection *connection)
{
    if (!uv_is_closing((uv_handle_t *)&connection->socket))
        uv_close((uv_handle_t *)&connection->socket, has_closed);
}

static void give_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    struct connection *connection = handle->data;

    (void)wanted;
    *buffer = uv_buf_init(connection->buffer, sizeof connection->buffer);
}

static void has_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer);

static void has_written(uv_write_t *writing, int status)
{
    struct connection *connection = writing->data;

    if (status < 0 || uv_read_start((uv_stream_t *)&connection->socket, give_buffer, has_read) < 0)
        hang_up(connection);
}

static void has_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
    struct connection *connection = stream->data;
    uv_buf_t answer = uv_buf_init(buffer->base, got > 0 ? (unsigned)got : 0);
    int sent;

    if (got < 0)
        hang_up(connection);
    if (got <= 0)
        return;
    sent = uv_try_write(stream, &answer, 1);
    if (sent == got)
        return;
    if (sent > 0) {
        answer.base += sent;
        answer.len -= (size_t)sent;
    }
    uv_read_stop(stream);
    connection->writing.data = connection;
    if (uv_write(&connection->writing, stream, &answer, 1, has_written) < 0)
        hang_up(connection);
}

static void admit(uv_stream_t *listener, int status)
{
    struct connection *connection = status < 0 ? NULL : malloc(sizeof *connection);

    if (!connection)
        return;
    uv_tcp_init(listener->loop, &connection->socket);
    connection->socket.data = connection;
    if (uv_accept(listener, (uv_stream_t *)&connection->socket) < 0) {
        hang_up(connection);
        return;
    }
    uv_tcp_nodelay(&connection->socket, 1);
    uv_read_start((uv_stream_t *)&connection->socket, give_buffer, has_read);
}

int main(int count, char **arguments)
{
    uv_loop_t *loop = uv_default_loop();
    uv_tcp_t listener;

    if (count != 2)
        errx(2, "usage: libuv PORT");
    uv_tcp_init(loop, &listener);
    if (uv_tcp_open(&listener, listener_open(arguments[1])) < 0 ||
        uv_listen((uv_stream_t *)&listener, SOMAXCONN, admit) < 0)
        errx(1, "listen");
    return uv_run(loop, UV_RUN_DEFAULT);
}
