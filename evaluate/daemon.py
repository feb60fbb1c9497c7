# SPDX-License-Identifier: MIT
"""Starts a program in a session of its own, waits until it is ready, and ends all of it again."""

import ctypes
import os
import re
import shlex
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)
POLL = 0.02  # seconds
LAST_WORDS = 300  # letters of its output that a complaint shows


class Failed(Exception):
    """Something did not start, died, or did not stop; the text is one line for the user."""


def clean_environment():
    """Neither side may inherit a preload or settings from whoever runs this."""
    return {name: value for name, value in os.environ.items()
            if name != "LD_PRELOAD" and not name.startswith("UNTHREAD")}  # fmt: skip


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_listening(port):
    """Asks the kernel's table, because a trial connection would be one more for the server to
    handle."""
    wanted = f":{port:04X}"
    for name in ("tcp", "tcp6"):
        for line in Path("/proc/net", name).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[1].endswith(wanted) and fields[3] == "0A":
                return True
    return False


def dies_with_us():
    """For a child before exec: it ends when the thread that made it does, however that ends."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def pinned(cpus, words):
    return ["taskset", "-c", ",".join(map(str, cpus)), *words]


def outcome(code):
    """Of a process: "exit 0", or the name of the signal that ended it."""
    return f"exit {code}" if code >= 0 else signal.Signals(-code).name


def printable(text):
    """Programs print what they like; the terminal gets letters only."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


class Daemon:
    """A context in which the program runs. `words` may have {port} and {dir}, a fresh directory."""

    def __init__(self, words, port, cpus, ready=None, patience=30.0):
        self.port = port
        # It may have files of another user, or such that appear while they are removed.
        self._directory = tempfile.TemporaryDirectory(prefix="unthread-compare-", ignore_cleanup_errors=True)
        self._words = words
        self._cpus = cpus
        self._ready = ready
        self._patience = patience
        self._log = open(os.path.join(self._directory.name, "log"), "w+b")  # outside what {dir} is
        self.process = None
        self.ended = None

    def filled(self, word, **more):
        """With {port}, {dir} and what `more` names filled in."""
        for name, value in {"port": self.port, "dir": self.data, **more}.items():
            word = word.replace("{%s}" % name, str(value))
        return word

    def __enter__(self):
        try:
            self.data = os.path.join(self._directory.name, "dir")
            os.mkdir(self.data)
            words = [self.filled(word) for word in self._words]
            self.process = subprocess.Popen(
                pinned(self._cpus, words), stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
                env=clean_environment(), start_new_session=True, preexec_fn=dies_with_us)  # fmt: skip
            self._wait_until_ready()
        except OSError as error:
            self.clean_up()
            raise Failed(f"{self._words[0]}: {error}") from None
        except BaseException:
            self.clean_up()
            raise
        return self

    def __exit__(self, *_):
        self.clean_up()

    @property
    def pid(self):
        return self.process.pid

    def _is_ready(self):
        if not self._ready:
            return is_listening(self.port)
        asked = subprocess.run(self.filled(self._ready), shell=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, timeout=self._patience, env=clean_environment(),
                               preexec_fn=dies_with_us)  # fmt: skip
        return asked.returncode == 0

    def _wait_until_ready(self):
        end = time.monotonic() + self._patience
        while True:
            if self.process.poll() is not None:
                hint = ": does it go into the background?" if self.process.returncode == 0 else ""
                raise Failed(f"it ended before it was ready ({outcome(self.process.returncode)}{hint}){self.said()}")
            try:
                if self._is_ready():
                    return
            except subprocess.TimeoutExpired:
                raise Failed(f"--ready did not answer in {self._patience:g} s") from None
            if time.monotonic() > end:
                what = "--ready never succeeded" if self._ready else f"nothing listens on port {self.port}"
                raise Failed(f"not ready after {self._patience:g} s, {what}{self.said()}")
            time.sleep(POLL)

    def require_alive(self):
        if self.process.poll() is not None:
            raise Failed(f"the daemon died ({outcome(self.process.returncode)}){self.said()}")

    def log(self):
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def said(self):
        text = " ".join(self.log().split())
        return f", it said: …{printable(text[-LAST_WORDS:])}" if text else ""

    def stop(self, patience=20.0):
        """SIGTERM; remembers how it ended."""
        self.require_alive()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.ended = outcome(self.process.wait(patience))
        except subprocess.TimeoutExpired:
            self.ended = f"still there {patience:g} s after SIGTERM"
        return self.ended

    def clean_up(self):
        if self.process:
            end_session(self.process)
        self._log.close()
        self._directory.cleanup()


def end_session(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


CHANGING = re.compile(r"[\w+/=.:-]*\d[\w+/=.:-]*")  # words with a digit: dates, addresses, identifiers


def log_kinds(text, directory):
    """The lines of a log without what differs from run to run: what two runs can be compared by."""
    text = text.replace(directory, "{dir}")
    return {printable(CHANGING.sub("N", line.strip())) for line in text.splitlines() if line.strip()}


def command_line(words):
    return " ".join(map(shlex.quote, words))
