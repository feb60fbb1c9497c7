# SPDX-License-Identifier: MIT
"""tinyproxy: 256 KiB stacks, timeouts on blocking sockets, recv() with MSG_PEEK, joins, signals all threads at its end."""

import hashlib

from http_client import read_answer, request
from pattern import pattern

from .base import ABANDONED_SIZE, Daemon, Session, expect
from .privoxy import TunnelSession

CONFIGURATION = """\
Port {port}
Listen 127.0.0.1
Timeout 600
MaxClients 4000
LogLevel Warning
"""
SIZES = (0, 1, 1000, 65536, 200000)


class Tinyproxy(Daemon):
    name = "tinyproxy"
    program = "/usr/bin/tinyproxy"
    kinds = len(SIZES) + 1
    # Which call meets the reset is a matter of timing.
    noise = (r"(?i)(connection reset|broken pipe|could not|error|closed)",)

    def configure(self):
        self.port = self.choose_port()
        self.configuration = self.write("config", CONFIGURATION.format(port=self.port))

    def command(self):
        return [self.program, "-d", "-c", self.configuration]

    def session(self, index, pace=None):
        """It closes after each plain request, so most clients tunnel: those are held open."""
        return (RequestSession if index % 8 == 3 else TunnelSession)(self, index, pace)

    def raw_request(self):
        host = f"127.0.0.1:{self.world.http}"
        return self.port, request("GET", f"http://{host}/bytes/raw/1000", host, ["User-Agent: test"])


class RequestSession(Session):
    """A connection for each request, and one in between on which nothing has been asked yet."""

    async def open(self):
        await self.connect(self.daemon.port)

    def host(self):
        return f"127.0.0.1:{self.daemon.world.http}"

    async def ask(self, number):
        kind = (self.index + number) % self.daemon.kinds
        seed = f"{self.index}-{number}"
        if kind < len(SIZES):
            body, sent = pattern(seed, SIZES[kind]), b""
            message = request("GET", f"http://{self.host()}/bytes/{seed}/{SIZES[kind]}", self.host())
        else:
            sent = pattern(seed, 10000 if not self.pace else 100)
            body = hashlib.sha256(sent).hexdigest().encode()
            message = request("POST", f"http://{self.host()}/sum", self.host(), body=sent)
        await self.link.send(message)
        answer = await read_answer(self.link)
        expect(answer.status, 200, "status")
        expect(answer.body, body, "body")
        await self.link.close()
        await self.open()
        return answer.canonical()

    async def abandon(self):
        await self.link.send(request("GET", f"http://{self.host()}/bytes/abandoned/{ABANDONED_SIZE}", self.host()))
        await self.link.exactly(1000)
        self.link.reset()
