/* SPDX-License-Identifier: MIT */
/* The same echo as demos/echo on Boost.Asio, after its example async_tcp_echo_server: one
 * thread, which the concurrency hint tells the context. */
extern "C" {
#include "listener.h"
}

#include <boost/asio.hpp>

#include <cstdio>
#include <memory>
#include <utility>

using boost::asio::ip::tcp;
using boost::system::error_code;

class session : public std::enable_shared_from_this<session> {
public:
    explicit session(tcp::socket socket) : socket_(std::move(socket)) {}

    void read()
    {
        socket_.async_read_some(boost::asio::buffer(buffer_),
                                [self = shared_from_this()](error_code error, std::size_t got) {
                                    if (!error)
                                        self->write(got);
                                });
    }

private:
    void write(std::size_t length)
    {
        boost::asio::async_write(socket_, boost::asio::buffer(buffer_, length),
                                 [self = shared_from_this()](error_code error, std::size_t) {
                                     if (!error)
                                         self->read();
                                 });
    }

    tcp::socket socket_;
    char buffer_[4096];
};

static void admit(tcp::acceptor &listener)
{
    listener.async_accept([&listener](error_code error, tcp::socket socket) {
        if (!error) {
            socket.set_option(tcp::no_delay(true), error);
            std::make_shared<session>(std::move(socket))->read();
        }
        admit(listener);
    });
}

int main(int count, char **arguments)
{
    if (count != 2) {
        std::fputs("usage: asio PORT\n", stderr);
        return 2;
    }
    boost::asio::io_context context(1);
    tcp::acceptor listener(context, tcp::v4(), listener_open(arguments[1]));
    admit(listener);
    context.run();
}
