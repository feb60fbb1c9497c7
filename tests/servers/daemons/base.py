# SPDX-License-Identifier: MIT
"""What every daemon under test tells the scenario: how to configure and start it, how to talk to it."""

import os

from link import Link
from logs import templates
from pattern import pattern
from process import free_port


class WrongAnswer(Exception):
    """The daemon answered, but not with the bytes that it had to answer."""


def expect(actual, expected, what):
    """Raises unless the two are equal; says where byte strings begin to differ instead of printing them."""
    if actual == expected:
        return
    if isinstance(actual, bytes):
        same = os.path.commonprefix([actual, expected])
        raise WrongAnswer(f"{what}: {len(actual)} bytes for {len(expected)}, differ at {len(same)}")
    raise WrongAnswer(f"{what}: {actual!r} instead of {expected!r}")


class Daemon:
    name = ""
    program = ""
    # Connections in the making at a time: stays below the daemon's listen backlog, or SYNs get lost for seconds.
    ramp = 64
    # Requests of different kinds that a session knows; a round sends one kind per session.
    kinds = 1
    # Closed connections that it keeps, natively too, until the next client comes.
    keeps_closed = 0
    # What the daemon may log about aborting clients, a matter of timing natively too (regular
    # expressions).
    noise = ()

    def __init__(self, directory, world):
        self.directory = directory
        self.world = world
        self.given_port = None

    @classmethod
    def missing(cls, world):
        """Why it cannot be tested here, or None."""
        return None if not cls.program or os.path.exists(cls.program) else f"{cls.program} is not installed"

    def configure(self):
        """Chooses free ports and writes the configuration into self.directory."""
        raise NotImplementedError

    def command(self):
        raise NotImplementedError

    def choose_port(self):
        return self.given_port or free_port()

    def watched(self, pid):
        """The process that is measured, if it is not the one that was started."""
        return pid

    def ports(self):
        return [self.port]

    def session(self, index, pace=None):
        """A client with this number; what it asks depends on nothing but the number."""
        raise NotImplementedError

    def raw_request(self):
        """(port, bytes): what a well-behaved client writes first, for clients that are not well-behaved."""
        raise NotImplementedError

    def complaints(self, text):
        """The log in a form in which two runs can be compared."""
        return templates(text)

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w") as file:
            file.write(text)
        return path


class Session:
    """One client. open() then ask() any number of times then close() or reset()."""

    def __init__(self, daemon, index, pace=None):
        self.daemon = daemon
        self.index = index
        self.pace = pace
        self.link = None
        self.gate = None  # shared by a crowd: one of its clients at a time reconnects

    async def connect(self, port, tls=None):
        self.link = await Link.open(port, tls, self.pace)

    async def open(self):
        raise NotImplementedError

    async def ask(self, number):
        """Sends one request, checks the answer byte by byte, returns it in a form without volatile parts."""
        raise NotImplementedError

    async def abandon(self):
        """Begins an exchange with a large answer, takes a little of it and goes away with a RST."""
        raise NotImplementedError

    def reset(self):
        if self.link is not None:
            self.link.reset()

    async def close(self):
        if self.link is not None:
            await self.link.close()


ECHO_SIZES = (1, 100, 1500, 16384, 70000)
ABANDONED_SIZE = 3_000_000  # more than the socket buffers on the way hold


class EchoSession(Session):
    """A session whose open() ends with a clear line to an echo server."""

    async def ask(self, number):
        size = ECHO_SIZES[(self.index + number) % len(ECHO_SIZES)]
        if self.pace is not None:
            size = min(size, 100)
        data = pattern(f"{self.index}-{number}", size)
        answer = await self.link.exchange(data)
        expect(answer, data, f"echo of {size} bytes")
        return answer

    async def abandon(self):
        self.link.writer.write(pattern("abandoned", ABANDONED_SIZE))
        await self.link.exactly(1000)
        self.link.reset()
