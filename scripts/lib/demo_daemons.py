# SPDX-License-Identifier: MIT
"""The daemons of scripts/demo: how each is started, what it needs around it, and its load."""

import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path

import places
from server import Server, free_port

PYTHON = "/usr/bin/python3"


def write_pages(directory):
    """The same files on every run, the largest of them more than a socket buffer takes at once."""
    directory.mkdir()
    (directory / "index.html").write_text("<!doctype html><title>demo</title><p>Hello.\n")
    (directory / "large.txt").write_text("".join(f"line {i}\n" for i in range(30000)))
    return directory


class Daemon:
    """One row pair of the table. `prepare` runs once, the rest once for each side."""

    name = ""
    connections = 0
    requests = 0
    active = None  # how many connections go on asking; None: all
    program = places.LOAD
    announcement = r"listening on (\d+)"
    takes_port = False  # cannot choose a port itself and say which

    def __init__(self, directory: Path, load_cpu=None):
        self.directory = directory
        self.load_cpu = load_cpu

    def missing(self):
        """The executable that is not installed, or None."""

    def prepare(self, stack: ExitStack):
        """Files and backends; what `stack` holds is ended after both sides."""

    def command(self, port):
        raise NotImplementedError

    def load_options(self):
        return []

    def load(self):
        options = ["--connections", self.connections, "--requests", self.requests]
        if self.active:
            options += ["--active", self.active]
        return options + self.load_options()

    def entrance(self, stack, port):
        """The port that the load uses for a server that listens on `port`."""
        return port

    def check(self, requests):
        """What else must hold after a side has ended; returns a complaint or None."""

    def backend(self, stack, *command):
        """A native program beside the load; returns its port."""
        return stack.enter_context(Server(command, cpu=self.load_cpu)).port


class Packaged(Daemon):
    executable = ""

    def missing(self):
        found = shutil.which(self.executable, path="/usr/bin:/usr/sbin:/bin:/sbin")
        return None if found else self.executable


class Echo(Daemon):
    name = "echo"
    connections, active, requests = 10000, 1000, 150000

    def command(self, port):
        return [places.demo("echo"), port]


class Http(Daemon):
    name = "http"
    connections, requests = 1000, 15000

    def prepare(self, stack):
        self._pages = write_pages(self.directory / "pages")
        self._upstream = self.backend(stack, places.SLOW_UPSTREAM, 20)
        self._journal = self.directory / "journal"

    def command(self, port):
        self._journal.unlink(missing_ok=True)
        return [places.demo("http"), port, self._pages, "localhost", self._upstream, self._journal]

    def load_options(self):
        targets = ("/", "/slow/one", "/slow/two", "/slow/three")
        return [word for target in targets for word in ("--path", target)]

    def check(self, requests):
        lines = len(self._journal.read_text().splitlines())
        wanted = requests + self.connections
        return None if lines == wanted else f"{lines} journal lines for {wanted} answers"


class Chat(Daemon):
    name = "chat"
    connections, requests = 5000, 50000
    program = places.CHAT_LOAD

    def command(self, port):
        return [places.demo("chat"), port]


class Microsocks(Packaged):
    name = "microsocks"
    executable = "microsocks"
    connections, active, requests = 2000, 500, 60000
    takes_port = True

    def prepare(self, stack):
        self._echo = self.backend(stack, places.demo("echo"), 0)

    def command(self, port):
        return ["microsocks", "-i", "127.0.0.1", "-p", port]

    def load_options(self):
        return ["--socks5", self._echo]


class Privoxy(Packaged):
    name = "privoxy"
    executable = "privoxy"
    connections, active, requests = 1000, 100, 8000
    takes_port = True

    def prepare(self, stack):
        pages = write_pages(self.directory / f"{self.name}-pages")
        upstream = self.backend(stack, places.SLOW_UPSTREAM, 5)
        self._origin = self.backend(stack, places.demo("http"), 0, pages, "localhost", upstream)

    def command(self, port):
        config = self.directory / "privoxy.conf"
        config.write_text(
            f"listen-address 127.0.0.1:{port}\n"
            "confdir /etc/privoxy\n"
            f"logdir {self.directory}\n"
            "keep-alive-timeout 60\n"
            "tolerate-pipelining 1\n"
            "socket-timeout 60\n"
            "max-client-connections 2000\n"
            "listen-backlog 1000\n"
        )
        return ["/usr/sbin/privoxy", "--no-daemon", config]

    def load_options(self):
        origin = f"http://127.0.0.1:{self._origin}"
        return ["--path", f"{origin}/", "--path", f"{origin}/slow/one"]


class Tinyproxy(Privoxy):
    """A connection and a thread for each request."""

    name = "tinyproxy"
    executable = "tinyproxy"

    def command(self, port):
        config = self.directory / "tinyproxy.conf"
        config.write_text(f"Port {port}\nListen 127.0.0.1\nTimeout 600\nMaxClients 4000\nLogLevel Warning\n")
        return ["/usr/bin/tinyproxy", "-d", "-c", config]

    def load_options(self):
        return [*super().load_options(), "--new-connections"]  # it closes without having said so


class Stunnel(Packaged):
    name = "stunnel4"
    executable = "stunnel4"
    connections, active, requests = 1000, 200, 30000
    takes_port = True

    def prepare(self, stack):
        self._echo = self.backend(stack, places.demo("echo"), 0)
        self._certificate = self.directory / "certificate.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-keyout", self._certificate, "-out", self._certificate],
            check=True, capture_output=True,
        )  # fmt: skip

    def command(self, port):
        config = self.directory / "stunnel.conf"
        config.write_text(
            "foreground = yes\nsyslog = no\ndebug = 3\npid =\n"
            "socket = l:TCP_NODELAY=1\nsocket = r:TCP_NODELAY=1\n"
            f"[echo]\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{self._echo}\n"
            f"cert = {self._certificate}\nTIMEOUTclose = 0\n"
        )
        return ["/usr/bin/stunnel4", config]

    def entrance(self, stack, port):
        """The load speaks no TLS: a native stunnel beside it does, in the client's role."""
        config = self.directory / "client.conf"
        plain = free_port()
        config.write_text(
            "foreground = yes\nsyslog = no\ndebug = 3\npid =\nclient = yes\n"
            "socket = l:TCP_NODELAY=1\nsocket = r:TCP_NODELAY=1\n"
            f"[echo]\naccept = 127.0.0.1:{plain}\nconnect = 127.0.0.1:{port}\nTIMEOUTclose = 0\n"
        )
        stack.enter_context(Server(["/usr/bin/stunnel4", config], port=plain, cpu=self.load_cpu))
        return plain

    def load_options(self):
        return ["--window", 16]


class PythonHttp(Packaged):
    name = "python3 http.server"
    executable = PYTHON
    connections, active, requests = 300, 50, 5000
    announcement = r"port (\d+)"

    def prepare(self, stack):
        self._pages = write_pages(self.directory / "pages")

    def command(self, port):
        return [PYTHON, "-u", "-m", "http.server", port, "--bind", "127.0.0.1",
                "--protocol", "HTTP/1.1", "--directory", self._pages]  # fmt: skip

    def load_options(self):
        # Its backlog is 5.
        return ["--path", "/", "--path", "/large.txt", "--window", 4]


ALL = [Echo, Http, Chat, Microsocks, Privoxy, Stunnel, PythonHttp]
