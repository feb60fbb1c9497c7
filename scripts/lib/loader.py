# SPDX-License-Identifier: MIT
"""Runs a load generator against a server, and measures the server at its steps."""

import json
import selectors
import subprocess
import time
from dataclasses import dataclass

import sampler
from server import ServerFailed, clean_environment


@dataclass
class Measured:
    connections: int
    threads: int  # most kernel threads
    resident: int  # KiB, with all connections open
    resident_per_connection: float  # KiB by which opening them made the server grow
    kernel_per_connection: float  # KiB by which they made the kernel grow, for both ends
    machine_per_connection: float  # KiB of MemAvailable that they took, all in all
    requests: int
    errors: int
    first_error: str
    requests_per_second: float
    cpu_per_request: float  # microseconds of the server
    p50_us: float
    p99_us: float
    p999_us: float
    switches_per_request: float  # context switches of its kernel threads, of both kinds
    syscalls_per_request: float | None  # if `counting` asked for them
    answers_hash: str


class _Lines:
    """Lines of a pipe, each with a deadline."""

    def __init__(self, process, patience):
        self._process = process
        self._end = time.monotonic() + patience
        self._held = b""
        self._selector = selectors.DefaultSelector()
        self._selector.register(process.stdout, selectors.EVENT_READ)

    def next(self):
        while b"\n" not in self._held:
            if not self._selector.select(max(0, self._end - time.monotonic())):
                raise ServerFailed("the load did not end in time")
            part = self._process.stdout.read1(65536)
            if not part:
                raise ServerFailed(f"the load generator ended with status {self._process.wait()}")
            self._held += part
        line, _, self._held = self._held.partition(b"\n")
        return line.decode()


def _expect(lines, word):
    line = lines.next()
    if line != word:
        raise ServerFailed(f"the load generator said {line!r} instead of {word!r}")


def _step(process):
    process.stdin.write(b"\n")
    process.stdin.flush()


def run(program, server, arguments, port=None, cpu=None, patience=40, counting=None):
    """Loads the server, through `port` if that is another one than its own, and returns what was
    measured, or raises ServerFailed. `counting` is a syscalls.Counter, or None: counting makes
    system calls dearer, so its run is not for measuring time."""
    prefix = [] if cpu is None else ["taskset", "-c", str(cpu)]
    # The load gives up first, and says what it waited for.
    command = [*prefix, program, "--port", port or server.port, "--step",
               "--patience", max(2, patience // 3), *arguments]  # fmt: skip
    sampler.wait_for_memory()
    idle = sampler.sample(server.pid)
    with subprocess.Popen(
        [str(word) for word in command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=clean_environment(),
    ) as process:
        try:
            lines = _Lines(process, patience)
            _expect(lines, "open")
            opened = sampler.sample(server.pid)
            with sampler.Watcher(server.pid) as watcher:
                switches = sampler.switches(server.pid)
                if counting:
                    counting.begin()
                before = sampler.cpu_seconds(server.pid)
                _step(process)
                _expect(lines, "loaded")
                after = sampler.cpu_seconds(server.pid)
                calls = counting.end() if counting else None
                switches = sampler.switches(server.pid) - switches
            server.require_alive()
            _step(process)
            result = json.loads(lines.next())
        finally:
            process.kill()
    connections = max(1, result["connections"])
    requests = max(1, result["requests"])
    return Measured(
        connections=result["connections"],
        threads=max(opened.threads, watcher.threads),
        resident=opened.resident,
        resident_per_connection=(opened.resident - idle.resident) / connections,
        kernel_per_connection=(opened.kernel - idle.kernel) / connections,
        machine_per_connection=(idle.available - opened.available) / connections,
        requests=result["requests"],
        errors=result["errors"],
        first_error=result["first_error"],
        requests_per_second=result["requests_per_second"],
        cpu_per_request=(after - before) * 1e6 / requests,
        p50_us=result["p50_us"],
        p99_us=result["p99_us"],
        p999_us=result["p999_us"],
        switches_per_request=switches / requests,
        syscalls_per_request=None if calls is None else calls / requests,
        answers_hash=result["answers_hash"],
    )
