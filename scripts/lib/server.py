# SPDX-License-Identifier: MIT
"""Starts a program, natively or under unthread, and ends it again, whatever happens in between."""

import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time

import places
from daemon import clean_environment, free_port, is_listening  # noqa: F401: for our users, too

NATIVE = "native"
UNTHREAD = "unthread"
SIDES = (NATIVE, UNTHREAD)


class ServerFailed(Exception):
    """The program did not start, died or did not stop; the text says which."""


def end_on_sigterm():
    """SIGTERM then unwinds the script as Ctrl-C does, and what it started ends with it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


class Server:
    """A context: the program runs inside it and listens on `port`.

    `port` None: the program chooses, and announces it by a line that `announcement` matches.
    `options` are unthread's, on every side but the native one. `environment` is added to a clean one."""

    def __init__(
        self, command, side=NATIVE, port=None, cpu=None, announcement=r"listening on (\d+)",
        options=(), environment=None,
    ):  # fmt: skip
        self.port = port
        self.side = side
        self._announcement = re.compile(announcement)
        prefix = [] if cpu is None else ["taskset", "-c", str(cpu)]
        if side != NATIVE:
            prefix += [str(places.UNTHREAD), *options, "--"]
        self._command = prefix + [str(word) for word in command]
        self._environment = {**clean_environment(), **(environment or {})}
        self._errors = tempfile.TemporaryFile()
        self.status = None

    def __enter__(self):
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if self.port is None else subprocess.DEVNULL,
            stderr=self._errors,
            env=self._environment,
            start_new_session=True,
        )
        try:
            if self.port is None:
                self.port = self._read_announcement()
            else:
                self._wait_until_listening()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, kind, *_):
        if self.status is None and self._process.poll() is None and kind is None:
            try:
                self.stop()
            finally:
                self.kill()
        else:
            self.kill()

    @property
    def pid(self):
        return self._process.pid

    def _read_announcement(self, patience=20):
        pipe = self._process.stdout
        end = time.monotonic() + patience
        text = b""
        while time.monotonic() < end:
            if not select.select([pipe], [], [], max(0, end - time.monotonic()))[0]:
                break
            part = os.read(pipe.fileno(), 4096)
            text += part
            found = self._announcement.search(text.decode(errors="replace"))
            if found:
                return int(found[1])
            if not part:
                break
        raise ServerFailed("did not start: " + self.last_words())

    def _wait_until_listening(self, patience=20):
        end = time.monotonic() + patience
        while not is_listening(self.port):
            if self._process.poll() is not None or time.monotonic() > end:
                raise ServerFailed("did not start: " + self.last_words())
            time.sleep(0.02)

    def last_words(self):
        """How it ended, if it did, and the last line it wrote to standard error."""
        code = self._process.poll()
        ended = "runs" if code is None else f"status {code}"
        if code is not None and code < 0:
            ended = signal.Signals(-code).name
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").split("\n")
        lines = [line.strip() for line in lines if line.strip()]
        return ended + (f", said: {lines[-1][:150]}" if lines else "")

    def require_alive(self):
        if self._process.poll() is not None:
            raise ServerFailed("died: " + self.last_words())

    def stop(self, patience=15):
        """SIGTERM, and returns the exit status, negative for the signal that ended it."""
        self.require_alive()
        self._process.send_signal(signal.SIGTERM)
        return self.wait(patience)

    def wait(self, patience):
        """For its end, which somebody has asked it for."""
        try:
            self.status = self._process.wait(patience)
        except subprocess.TimeoutExpired:
            raise ServerFailed(f"still ran {patience} s after it was told to stop") from None
        return self.status

    def kill(self):
        """Ends the program's session, so that no child of it stays either."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        if not self._errors.closed:
            self._errors.close()
