# SPDX-License-Identifier: MIT
"""Debian's `python3 -m http.server`: threads under a global interpreter lock, files, directory listings."""

import contextlib
import os
import re

from http_client import read_answer, request
from pattern import pattern
from process import free_port

from .base import ABANDONED_SIZE, Daemon, Session, expect

FILES = {"empty": 0, "one-kilobyte": 1024, "large": 200 * 1024}
ABANDONED = "abandoned"
WHEN = 1_600_000_000  # a fixed modification time, so that Last-Modified is the same on both sides
HOST = "localhost"


class PythonHttp(Daemon):
    name = "python-http"
    program = "/usr/bin/python3"
    ramp = 4  # socketserver listens with a backlog of 5; one place is for who comes back after a 404
    kinds = 5
    noise = ("^ConnectionResetError$", "^BrokenPipeError$")

    def configure(self):
        self.port = free_port()
        self.root = os.path.join(self.directory, "root")
        os.makedirs(os.path.join(self.root, "folder"), exist_ok=True)
        for name, size in FILES.items():
            for path in (os.path.join(self.root, name), os.path.join(self.root, "folder", name)):
                with open(path, "wb") as file:
                    file.write(pattern(name, size))
                os.utime(path, (WHEN, WHEN))

        with open(os.path.join(self.root, ABANDONED), "wb") as file:
            file.write(pattern(ABANDONED, ABANDONED_SIZE))

    def command(self):
        return [self.program, "-m", "http.server", "--bind", "127.0.0.1", "--directory", self.root,
                "--protocol", "HTTP/1.1", str(self.port)]

    def complaints(self, text):
        """Tracebacks of several threads come out mixed, even within a line: only whole names can be compared."""
        answers = set(re.findall(r'"[A-Z]+ [^"]*" \d+', text)) | set(re.findall(r"code \d+, message \w+", text))
        return answers | set(re.findall(r"[A-Z][A-Za-z]*(?:Error|Exception|Warning|Interrupt)\b", text))

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
            return await self.get("/folder/", 200, check_listing)
        answer = await self.get("/missing", 404, lambda body: expect(b"File not found" in body, True, "404 page"))
        await self.reopen()
        return answer

    async def reopen(self):
        """http.server closes after an error. Hundreds coming back at once would overflow its backlog, and lost
        SYNs cost seconds natively too: one at a time, and only an answer proves that it has been accepted."""
        await self.link.close()
        async with self.gate or contextlib.nullcontext():
            await self.open()
            await self.get("/empty", 200, lambda body: expect(body, b"", "empty"))

    async def get(self, path, status, check):
        await self.link.send(request("GET", path, HOST))
        answer = await read_answer(self.link)
        expect(answer.status, status, f"GET {path}: status")
        check(answer.body)
        return answer.canonical()

    async def abandon(self):
        await self.link.send(request("GET", f"/{ABANDONED}", HOST))
        await self.link.exactly(1000)
        self.link.reset()


def check_listing(body):
    for name in FILES:
        expect(f'<li><a href="{name}">{name}</a></li>'.encode() in body, True, f"{name} in the listing")
