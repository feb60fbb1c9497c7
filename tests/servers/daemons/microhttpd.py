# SPDX-License-Identifier: MIT
"""libmicrohttpd with a thread for each connection: poll(), sendmsg(), thread names."""

from .base import Daemon
from .files import FileDaemon


class Microhttpd(FileDaemon):
    name = "libmicrohttpd"
    keeps_closed = 2
    mode = ()

    def __init__(self, directory, world):
        Daemon.__init__(self, directory, world)
        self.program = world.microhttpd_program

    @staticmethod
    def missing(world):
        return None if world.microhttpd_program else "libmicrohttpd-dev is not installed"

    def command(self):
        return [self.program, str(self.port), self.root, *self.mode]


class MicrohttpdEpoll(Microhttpd):
    """The library's own event loop."""

    name = "libmicrohttpd-epoll"
    mode = ("epoll",)
