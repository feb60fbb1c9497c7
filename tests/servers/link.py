# SPDX-License-Identifier: MIT
"""One client connection, plain or TLS, on asyncio streams."""

import asyncio
import socket
import struct

OPEN_TIMEOUT = 20.0
CLOSE_TIMEOUT = 2.0


class Link:
    """A connection to a loopback port. With `pace` it writes one byte at a time, `pace` seconds apart."""

    def __init__(self, reader, writer, pace=None):
        self.reader = reader
        self.writer = writer
        self.pace = pace

    @classmethod
    async def open(cls, port, tls=None, pace=None):
        name = "localhost" if tls else None
        opening = asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=name)
        reader, writer = await asyncio.wait_for(opening, OPEN_TIMEOUT)
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(reader, writer, pace)

    async def send(self, data):
        if self.pace is None:
            self.writer.write(data)
            await self.writer.drain()
            return
        for position in range(len(data)):
            self.writer.write(data[position:position + 1])
            await self.writer.drain()
            await asyncio.sleep(self.pace)

    async def exactly(self, count):
        return await self.reader.readexactly(count)

    async def until(self, mark):
        return await self.reader.readuntil(mark)

    async def rest(self):
        return await self.reader.read()

    async def exchange(self, data):
        """Sends and reads as many bytes back, both at once: a large echo fills every buffer on its way."""
        _, answer = await asyncio.gather(self.send(data), self.exactly(len(data)))
        return answer

    def half_close(self):
        self.writer.write_eof()

    def reset(self):
        """Leaves with a RST instead of a FIN."""
        sock = self.writer.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def close(self):
        self.writer.close()
        try:
            await asyncio.wait_for(self.writer.wait_closed(), CLOSE_TIMEOUT)
        except (OSError, asyncio.TimeoutError):
            self.writer.transport.abort()
