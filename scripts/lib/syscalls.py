# SPDX-License-Identifier: MIT
"""Counts the system calls of a process: by perf, which is quick, where the kernel lets us."""

import os
import subprocess
import tempfile

EVENT = "raw_syscalls:sys_enter"


def available():
    """Whether this machine can count them."""
    try:
        seen = subprocess.run(
            ["perf", "stat", "-x,", "-e", EVENT, "true"], capture_output=True, text=True
        )
    except FileNotFoundError:
        return False
    return seen.returncode == 0 and seen.stderr.split(",")[0].isdigit()


class Counter:
    """A context, around a running process: counts from begin() to end()."""

    def __init__(self, pid):
        self._report = tempfile.NamedTemporaryFile(prefix="unthread-perf-")
        control, self._orders = os.pipe()
        self._answers, answer = os.pipe()
        try:
            self._perf = subprocess.Popen(
                ["perf", "stat", "-x,", "-e", EVENT, "-p", str(pid), "-o", self._report.name,
                 "--delay=-1", f"--control=fd:{control},{answer}"],
                pass_fds=(control, answer), stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )  # fmt: skip
        finally:
            os.close(control)
            os.close(answer)

    def _order(self, word):
        os.write(self._orders, word.encode() + b"\n")
        if not os.read(self._answers, 16).startswith(b"ack"):
            raise OSError("perf does not answer")

    def begin(self):
        self._order("enable")

    def end(self):
        self._order("disable")
        self._perf.send_signal(2)
        self._perf.wait()
        for line in self._report.read().decode().splitlines():
            if EVENT in line:
                return int(line.split(",")[0])
        raise OSError("perf has counted nothing")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._perf.kill()
        self._perf.wait()
        os.close(self._orders)
        os.close(self._answers)
        self._report.close()
