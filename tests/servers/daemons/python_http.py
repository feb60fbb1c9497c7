# SPDX-License-Identifier: MIT
"""Debian's Python: `python3 -m http.server` and socketserver, threads under a global interpreter lock."""

import os
import re

from .base import Daemon, expect
from .echo import Echo, PlainSession
from .files import FILES, FileDaemon, FileSession

PROGRAM = "/usr/bin/python3"


def python_complaints(text):
    """Tracebacks of several threads come out mixed, even within a line: only whole names can be compared."""
    answers = set(re.findall(r'"[A-Z]+ [^"]*" \d+', text)) | set(re.findall(r"code \d+, message \w+", text))
    return answers | set(re.findall(r"[A-Z][A-Za-z]*(?:Error|Exception|Warning|Interrupt)\b", text))


class PythonHttp(FileDaemon):
    name = "python-http"
    program = PROGRAM
    ramp = 4  # socketserver listens with a backlog of 5; one place is for who comes back after a 404
    kinds = len(FILES) + 2
    closes_after_404 = True
    noise = ("^ConnectionResetError$", "^BrokenPipeError$")

    def configure(self):
        super().configure()
        os.makedirs(os.path.join(self.root, "folder"), exist_ok=True)
        for name, size in FILES.items():
            self.make_file(os.path.join("folder", name), name, size)

    def command(self):
        return [self.program, "-m", "http.server", "--bind", "127.0.0.1", "--directory", self.root,
                "--protocol", "HTTP/1.1", str(self.port)]

    def complaints(self, text):
        return python_complaints(text)

    def session(self, index, pace=None):
        return ListingSession(self, index, pace)


class ListingSession(FileSession):
    async def more(self, kind):
        return await self.get("/folder/", 200, check_listing)


def check_listing(body):
    for name in FILES:
        expect(f'<li><a href="{name}">{name}</a></li>'.encode() in body, True, f"{name} in the listing")


THREADING_TCP_SERVER = """\
import socketserver, sys

class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(65536):
            self.request.sendall(data)

class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

Server(("127.0.0.1", int(sys.argv[1])), Echo).serve_forever()
"""


class PythonSockets(Echo):
    name = "python-socketserver"
    noise = ("^ConnectionResetError$", "^BrokenPipeError$")

    def __init__(self, directory, world):
        Daemon.__init__(self, directory, world)
        self.program = PROGRAM

    def configure(self):
        self.port = self.choose_port()
        self.script = self.write("server.py", THREADING_TCP_SERVER)

    def command(self):
        return [self.program, self.script, str(self.port)]

    def complaints(self, text):
        return python_complaints(text)

    def session(self, index, pace=None):
        return PlainSession(self, index, pace)
