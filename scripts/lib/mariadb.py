# SPDX-License-Identifier: MIT
"""Debian's MariaDB: a data directory of our own, and its server on either side."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import server

PROGRAM = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
INSTALL = shutil.which("mariadb-install-db")
POOL = "pool-of-threads"  # the native server, with its own pool

# What a careful owner of production data has on, and Debian's defaults where nothing is said.
PRODUCTION = (
    "--performance-schema=ON",
    "--log-bin=binlog",
    "--sync-binlog=1",
    "--innodb-flush-log-at-trx-commit=1",
    "--event-scheduler=ON",
)


def missing():
    """Why there is nothing to run, or None."""
    return None if PROGRAM and INSTALL else "mariadb-server is not installed"


def _as_user():
    """The server refuses to run as root unless it is told to."""
    return ["--user=root"] if os.getuid() == 0 else []


class Database:
    """A directory with a fresh database. root has no password; only the loopback is listened to."""

    def __init__(self, server_id=1):
        self.directory = Path(tempfile.mkdtemp(prefix="unthread-mariadb-"))
        self.data = self.directory / "data"
        self.socket = self.directory / "socket"
        self.log = self.directory / "log.err"
        self._server_id = server_id
        done = subprocess.run(
            [INSTALL, "--no-defaults", f"--datadir={self.data}", "--skip-name-resolve", "--skip-test-db",
             "--auth-root-authentication-method=normal", *_as_user()],
            capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            self.remove()
            raise server.ServerFailed(f"mariadb-install-db: {done.stderr[-300:]}")

    def command(self, port, options=()):
        return [PROGRAM, "--no-defaults", *_as_user(), f"--datadir={self.data}", f"--port={port}",
                "--bind-address=127.0.0.1", f"--socket={self.socket}", f"--log-error={self.log}",
                f"--pid-file={self.directory / 'pid'}", f"--server-id={self._server_id}",
                "--skip-name-resolve", *options]  # fmt: skip

    def server(self, side, options=(), cpu=None, **more):
        """A server.Server, to be entered: native, POOL (native as well) or unthread."""
        port = server.free_port()
        if side == POOL:
            side, options = server.NATIVE, [*options, f"--thread-handling={POOL}"]
        return server.Server(self.command(port, options), side, port=port, cpu=cpu, **more)

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()
