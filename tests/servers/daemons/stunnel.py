# SPDX-License-Identifier: MIT
"""stunnel: one process that ends TLS for a plain echo server and speaks TLS to another for plain clients."""

import ssl

from process import free_port

from .base import Daemon, EchoSession

CONFIGURATION = """\
foreground = yes
pid =
syslog = no
debug = notice
[ends-tls]
accept = 127.0.0.1:{tls_port}
connect = 127.0.0.1:{echo}
cert = {certificate}
key = {key}
[begins-tls]
client = yes
accept = 127.0.0.1:{plain_port}
connect = 127.0.0.1:{tls_echo}
CAfile = {certificate}
verifyPeer = yes
"""


class Stunnel(Daemon):
    name = "stunnel"
    program = "/usr/bin/stunnel4"
    kinds = 5
    noise = (
        r": (Connection reset by peer|Broken pipe|Transport endpoint is not connected) \(NUM\)$",
        r"unexpected eof while reading$",
        r"TLS socket closed \(SSL_\w+\)( with NUM unsent byte\(s\))?$",
        r"Connection (closed|reset|reset/closed): NUM byte\(s\) sent to TLS, NUM byte\(s\) sent to socket$",
    )

    def configure(self):
        self.tls_port, self.plain_port = free_port(), free_port()
        self.configuration = self.write("stunnel.conf", CONFIGURATION.format(
            tls_port=self.tls_port, plain_port=self.plain_port, **vars(self.world)))
        self.context = ssl.create_default_context(cafile=self.world.certificate)

    def command(self):
        return [self.program, self.configuration]

    def ports(self):
        return [self.tls_port, self.plain_port]

    def session(self, index, pace=None):
        return StunnelSession(self, index, pace)

    def raw_request(self):
        """A ClientHello: half of one leaves the daemon in the middle of a handshake."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = self.context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        try:
            client.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return self.tls_port, outgoing.read()


class StunnelSession(EchoSession):
    async def open(self):
        """Even clients speak TLS to the daemon, odd ones let the daemon speak it."""
        if self.index % 2 == 0:
            await self.connect(self.daemon.tls_port, self.daemon.context)
        else:
            await self.connect(self.daemon.plain_port)
