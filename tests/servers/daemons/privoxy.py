# SPDX-License-Identifier: MIT
"""privoxy: HTTP proxy with keep-alive on both sides and CONNECT tunnels, one thread per client."""

import hashlib

from http_client import read_answer, request
from pattern import pattern

from .base import ABANDONED_SIZE, Daemon, EchoSession, Session, expect

CONFIGURATION = """\
confdir /etc/privoxy
listen-address 127.0.0.1:{port}
max-client-connections 8192
listen-backlog 1024
keep-alive-timeout 300
socket-timeout 300
tolerate-pipelining 1
enable-remote-toggle 0
debug 4096
debug 8192
"""
SIZES = (0, 1, 1000, 65536, 200000)
POSTED_SIZE = 10000


class Privoxy(Daemon):
    name = "privoxy"
    program = "/usr/sbin/privoxy"
    kinds = 7
    # The second is for a client that has gone just before its last bytes: natively in every second minute of killing.
    noise = (r"(Connection reset by peer|Broken pipe)$", r"Sending buffered bytes to the client failed\.$")

    def configure(self):
        self.port = self.choose_port()
        self.configuration = self.write("config", CONFIGURATION.format(port=self.port))

    def command(self):
        return [self.program, "--no-daemon", self.configuration]

    def session(self, index, pace=None):
        """Every fourth client tunnels."""
        return (TunnelSession if index % 4 == 3 else ProxySession)(self, index, pace)

    def raw_request(self):
        host = f"127.0.0.1:{self.world.http}"
        return self.port, request("GET", f"http://{host}/bytes/raw/1000", host, ["User-Agent: test"])


class ProxySession(Session):
    async def open(self):
        await self.connect(self.daemon.port)

    def target(self, path):
        return f"http://{self.host()}/{path}"

    def host(self):
        return f"127.0.0.1:{self.daemon.world.http}"

    async def ask(self, number):
        kind = (self.index + number) % self.daemon.kinds
        if kind < len(SIZES):
            return await self.get("bytes", f"{self.index}-{number}", SIZES[kind])
        if kind == len(SIZES):
            return await self.get("chunked", f"{self.index}-{number}", 30000)
        return await self.post(pattern(f"{self.index}-{number}", POSTED_SIZE if not self.pace else 100))

    async def get(self, kind, seed, size):
        await self.link.send(request("GET", self.target(f"{kind}/{seed}/{size}"), self.host()))
        return await self.check(pattern(seed, size), f"GET {kind} {size}")

    async def post(self, body):
        await self.link.send(request("POST", self.target("sum"), self.host(), body=body))
        return await self.check(hashlib.sha256(body).hexdigest().encode(), "POST")

    async def check(self, body, what):
        answer = await read_answer(self.link)
        expect(answer.status, 200, f"{what}: status")
        expect(answer.body, body, what)
        return answer.canonical()

    async def abandon(self):
        await self.link.send(request("GET", self.target(f"bytes/abandoned/{ABANDONED_SIZE}"), self.host()))
        await self.link.exactly(1000)
        self.link.reset()


class TunnelSession(EchoSession):
    async def open(self):
        await self.connect(self.daemon.port)
        host = f"127.0.0.1:{self.daemon.world.echo}"
        await self.link.send(request("CONNECT", host, host))
        answer = await read_answer(self.link, bodiless=True)
        expect(answer.status, 200, "CONNECT: status")
