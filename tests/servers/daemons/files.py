# SPDX-License-Identifier: MIT
"""What all servers of files share: the files, and a client that asks for them over one connection."""

import contextlib
import os

from http_client import read_answer, request
from pattern import pattern

from .base import ABANDONED_SIZE, Daemon, Session, expect

FILES = {"empty": 0, "one-kilobyte": 1024, "large": 200 * 1024}
ABANDONED = "abandoned"
WHEN = 1_600_000_000  # a fixed modification time, so that Last-Modified is the same on both sides
HOST = "localhost"


class FileDaemon(Daemon):
    kinds = len(FILES) + 1
    closes_after_404 = False
    fewest = b"ot found"  # what its page for a missing file says at least, case apart
    extra = ()  # request headers
    volatile = ()  # headers of answers that differ from time to time natively

    def configure(self):
        self.port = self.choose_port()
        self.root = os.path.join(self.directory, "root")
        os.makedirs(self.root, exist_ok=True)
        for name, size in {**FILES, ABANDONED: ABANDONED_SIZE}.items():
            self.make_file(name, name, size)

    def make_file(self, path, seed, size):
        path = os.path.join(self.root, path)
        with open(path, "wb") as file:
            file.write(pattern(seed, size))
        os.utime(path, (WHEN, WHEN))

    def session(self, index, pace=None):
        return FileSession(self, index, pace)

    def raw_request(self):
        return self.port, request("GET", "/large", HOST)


class FileSession(Session):
    async def open(self):
        await self.connect(self.daemon.port)

    async def ask(self, number):
        kind = (self.index + number) % self.daemon.kinds
        names = list(FILES)
        if kind < len(names):
            name = names[kind]
            return await self.get(f"/{name}", 200, lambda body: expect(body, pattern(name, FILES[name]), name))
        if kind == len(names):
            return await self.missing()
        return await self.more(kind)

    async def more(self, kind):
        raise NotImplementedError

    async def missing(self):
        answer = await self.get(
            "/missing", 404, lambda body: expect(self.daemon.fewest in body.lower(), True, "404 page"))
        if self.daemon.closes_after_404:
            await self.reopen()
        return answer

    async def reopen(self):
        """Hundreds coming back at once may overflow the listen backlog, and lost SYNs cost seconds natively
        too: one at a time, and only an answer proves that it has been accepted."""
        await self.link.close()
        async with self.gate or contextlib.nullcontext():
            await self.open()
            await self.get("/empty", 200, lambda body: expect(body, b"", "empty"))

    async def get(self, path, status, check):
        await self.link.send(request("GET", path, HOST, self.daemon.extra))
        answer = await read_answer(self.link)
        expect(answer.status, status, f"GET {path}: status")
        check(answer.body)
        return answer.canonical(self.daemon.volatile)

    async def abandon(self):
        await self.link.send(request("GET", f"/{ABANDONED}", HOST, self.daemon.extra))
        await self.link.exactly(1000)
        self.link.reset()
