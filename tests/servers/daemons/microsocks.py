# SPDX-License-Identifier: MIT
"""microsocks: SOCKS5, one thread with a 32 KiB stack per client, poll() between the two sockets."""

import socket
import struct

from pattern import pattern

from .base import Daemon, EchoSession, expect

GREETING = b"\x05\x01\x00"
SUCCEEDED = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"
BY_ADDRESS, BY_NAME = 1, 3


def connect_request(port, by_name):
    if by_name:
        name = b"localhost"
        target = bytes([BY_NAME, len(name)]) + name
    else:
        target = bytes([BY_ADDRESS]) + socket.inet_aton("127.0.0.1")
    return b"\x05\x01\x00" + target + struct.pack(">H", port)


class Microsocks(Daemon):
    name = "microsocks"
    program = "/usr/bin/microsocks"
    kinds = 5

    def configure(self):
        self.port = self.choose_port()

    def command(self):
        return [self.program, "-i", "127.0.0.1", "-p", str(self.port)]

    def session(self, index, pace=None):
        return SocksSession(self, index, pace)

    def raw_request(self):
        return self.port, GREETING + connect_request(self.world.echo, False) + pattern("raw", 3000)


class SocksSession(EchoSession):
    async def open(self):
        """Every eighth client lets the daemon resolve a name, so getaddrinfo() runs on small stacks too."""
        await self.connect(self.daemon.port)
        self.link.pace = None  # microsocks takes the handshake only in whole messages
        await self.link.send(GREETING)
        expect(await self.link.exactly(2), b"\x05\x00", "SOCKS method")
        await self.link.send(connect_request(self.daemon.world.echo, self.index % 8 == 0))
        expect(await self.link.exactly(10), SUCCEEDED, "SOCKS reply")
        self.link.pace = self.pace
