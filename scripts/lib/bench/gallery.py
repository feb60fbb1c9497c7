# SPDX-License-Identifier: MIT
"""Daemons that nobody wrote for unthread, as Debian ships them: those that tests/servers runs, under a load that
measures."""

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import comparison
import demo_daemons as demo
import places
import server
from bench.report import Metric
from bench.setting import Failed

COST = "CPU per request"
METRICS = [
    Metric(COST, "us", plot=True),
    Metric("requests per second", "", plot=True, less_is_better=False),
    Metric("p99", "ms", plot=True),
    Metric("context switches per request", ""),
    Metric("kernel threads", "", plot=True),
    Metric("memory per connection", "KB", plot=True),
]
FEW, MANY = 64, 1000
# Of these two the daemon has another form, with an event loop: beside them, natively.
OWN_LOOP = {"apache-event": "apache-worker", "libmicrohttpd-epoll": "libmicrohttpd"}
LOOP = "its own event loop"
FILES = ["--path", "/one-kilobyte", "--path", "/large"]


class Tested(demo.Daemon):
    """One of tests/servers, which know how to configure and start it."""

    takes_port = True

    def __init__(self, kind, world, directory, load_cpu, options):
        super().__init__(directory, load_cpu)
        self._kind, self._world, self._options = kind, world, options
        self.name = kind.name

    def missing(self):
        return self._kind.missing(self._world)

    def prepare(self, stack):
        inside = self.directory / self.name
        inside.mkdir()
        self.directory.chmod(0o755)  # some change their user
        self._tested = self._kind(str(inside), self._world)

    def command(self, port):
        self._tested.given_port = port
        self._tested.configure()
        return self._tested.command()

    def load_options(self):
        volatile = getattr(self._kind, "volatile", ())
        return [*self._options, *(word for name in volatile for word in ("--volatile", name)),
                "--window", min(64, self._kind.ramp)]  # fmt: skip


def tested(directory, bench):
    """The daemons of tests/servers that have not been in scripts/demo."""
    here = places.ROOT / "tests" / "servers"
    sys.path.insert(0, str(here))
    import programs
    from daemons import apache, civetweb, java, microhttpd, python_http, webrick

    world = SimpleNamespace(microhttpd_program=programs.microhttpd(str(directory)))
    kinds = {
        apache.Apache: FILES, apache.ApacheEvent: FILES, civetweb.Civetweb: FILES, microhttpd.Microhttpd: FILES,
        microhttpd.MicrohttpdEpoll: FILES, webrick.Webrick: FILES,
        python_http.PythonSockets: [], java.Java: [],
    }  # fmt: skip
    return [Tested(kind, world, directory, bench.load_cpu, options) for kind, options in kinds.items()]


def measure(bench, group, daemon, side, connections):
    daemon.connections, daemon.active = connections, None
    name = OWN_LOOP.get(daemon.name, daemon.name)
    outcome = comparison.run_side(daemon, server.NATIVE if side == LOOP else side, bench.server_cpu)
    got = outcome.measured
    if outcome.complaints:
        raise Failed(f"{daemon.name}, {connections} connections, {side}: {outcome.complaints[0]}")
    group.add(
        f"{name}, {connections:,}", side,
        CPU_per_request=got.cpu_per_request,
        requests_per_second=got.requests_per_second,
        p99=got.p99_us / 1000,
        context_switches_per_request=got.switches_per_request,
        kernel_threads=got.threads,
        memory_per_connection=got.resident_per_connection + got.kernel_per_connection,
    )  # fmt: skip
    return got.answers_hash


def run(bench):
    group = bench.report.group(
        "gallery", "Daemons from Debian's packages",
        "Each on one CPU, with all connections open and asking in a closed loop; the answers are the same on both "
        "sides. Memory: of the process and the kernel, for each connection, with the sockets of both ends. Context "
        "switches of threads that have ended are not counted: those of a thread for each request.",
        METRICS,
    )  # fmt: skip
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="unthread-gallery-")))
        packaged = [kind(directory, bench.load_cpu) for kind in (demo.Microsocks, demo.Privoxy, demo.Tinyproxy, demo.Stunnel)]
        for daemon in [*packaged, *tested(directory, bench)]:
            if lacks := daemon.missing():
                bench.report.notes.append(f"{daemon.name} was not measured: {lacks}")
                continue
            daemon.prepare(stack)
            daemon.requests = 3000 if bench.short else round(10000 * bench.seconds)
            for connections in (FEW,) if bench.short else (FEW, MANY):
                gave = {}  # by hash of the answers: in which rounds
                sides = (LOOP,) if daemon.name in OWN_LOOP else server.SIDES
                for turn, side in bench.in_turn(sides):
                    bench.progress(f"gallery, {daemon.name}, {connections:,}, {side}, round {turn + 1}")
                    answers = measure(bench, group, daemon, side, connections)
                    gave.setdefault(answers, []).append(f"{side} {turn + 1}")
                if len(gave) > 1:
                    raise Failed(f"{daemon.name}, {connections} connections: not always the same answers: {gave}")
                if sides == (LOOP,):
                    continue
                case = f"{daemon.name}, {connections:,}"
                bench.report.ratio(group, f"{case}: CPU per request / native", case, COST, 1.0)
