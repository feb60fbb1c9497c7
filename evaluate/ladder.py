# SPDX-License-Identifier: MIT
"""Climbs the ladder of connections with each side in turn, and measures."""

import hashlib
import os
import shlex
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import loads
import sampler
from daemon import Daemon, Failed, clean_environment, dies_with_us, end_session, is_listening, log_kinds, pinned, printable

HELD_AT = 0.75  # of the load's time: all connections are open, and it is not over
SERIES_PERIOD = 0.5  # seconds between the points of a time series
FREE_SECONDS = 10.0  # for a port to be free again
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Metric:
    name: str
    unit: str
    less_is_better: bool | None  # None: neither is
    about: str = ""


METRICS = [
    Metric("throughput", "/s", False),
    Metric("p50", "ms", True),
    Metric("p90", "ms", True),
    Metric("p95", "ms", True),
    Metric("p99", "ms", True),
    Metric("p99.9", "ms", True),
    Metric("max", "ms", True),
    Metric("mean", "ms", True),
    Metric("errors", "", True, "as the load counts them, answers that are no 2xx or 3xx with them"),
    Metric("cpu", "µs/request", True, "CPU time of the daemon's processes"),
    Metric("cpu user", "µs/request", True),
    Metric("cpu system", "µs/request", True),
    Metric("switches voluntary", "/request", True, "of the threads that are there at both ends"),
    Metric("switches involuntary", "/request", True),
    Metric("threads", "", None, "kernel threads, with all connections open"),
    Metric("rss", "MiB", True, "resident, of all processes"),
    Metric("pss", "MiB", True, "resident, shared pages counted once"),
    Metric("memory", "MiB", True, "less MemAvailable than before the load: with the kernel's share, "
           "and the load's own"),
    Metric("kernel", "MiB", True, "of that stacks, page tables and slabs of the kernel"),
    Metric("descriptors", "", None),
]  # fmt: skip
BY_NAME = {metric.name: metric for metric in METRICS}


@dataclass
class Side:
    name: str
    words: list


@dataclass
class Plan:
    sides: list
    levels: list
    runs: int
    seconds: float
    load: str
    fixed_port: int | None
    choose_port: object
    ready: str | None
    setup: str | None
    sample: str | None
    patterns: list
    daemon_cpus: list
    load_cpus: list
    patience: float
    progress: object


@dataclass
class Results:
    samples: list = field(default_factory=list)  # dictionaries: side, level, run, metrics, series, ...
    answers: dict = field(default_factory=dict)  # side -> set of hashes of what --sample printed
    ends: dict = field(default_factory=dict)  # side -> set of outcomes
    logs: dict = field(default_factory=dict)  # side -> set of kinds of lines
    failures: list = field(default_factory=list)
    interrupted: bool = False


@dataclass
class _Moment:
    """What is counted up, and what is there, of the daemon's processes."""
    time: float
    cpu: float
    ticks: tuple  # user, system
    switches: dict  # of each thread: voluntary, involuntary


def _moment(root):
    return _Moment(time.monotonic(), sampler.cpu_seconds(root), sampler.ticks(root), sampler.switches_by_thread(root))


def _pss(root):
    total = 0
    for pid in sampler.tree(root):
        try:
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        except OSError:
            continue
    return total


def _descriptors(root):
    total = 0
    for pid in sampler.tree(root):
        try:
            total += len(os.listdir(f"/proc/{pid}/fd"))
        except OSError:
            continue
    return total


def machine_busy():
    """Seconds that all CPUs have spent on something, stolen ones with them."""
    words = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    return (sum(map(int, words[:8])) - int(words[3]) - int(words[4])) / TICKS


def _has_ended(process):
    """Without reaping it: what it used is asked for then."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


class Load:
    """One run of the load, and what the daemon did meanwhile."""

    def __init__(self, plan, daemon, connections, seconds):
        self._plan, self._daemon, self._seconds = plan, daemon, seconds
        self.command = daemon.filled(plan.load, connections=connections, seconds=f"{seconds:g}",
                                     threads=len(plan.load_cpus), pid=daemon.pid)  # fmt: skip
        self._over = threading.Event()
        self.series = []

    def _watch(self, start):
        cpu = sampler.cpu_seconds(self._daemon.pid)
        before = start
        while not self._over.wait(SERIES_PERIOD):
            now, threads, resident = time.monotonic(), *sampler.threads_and_resident(self._daemon.pid)
            used = sampler.cpu_seconds(self._daemon.pid)
            self.series.append({"t": round(now - start, 2), "cpu": (used - cpu) / (now - before),
                                "threads": threads, "rss": resident / 1024})  # fmt: skip
            cpu, before = used, now

    def run(self):
        """Metrics, and shares of CPU time that tell whether to believe them."""
        sampler.wait_for_memory()
        quiet = sampler.sample(self._daemon.pid)
        busy = machine_busy()
        begin = _moment(self._daemon.pid)
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                pinned(self._plan.load_cpus, ["/bin/sh", "-c", self.command]), stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, env=clean_environment(), start_new_session=True, preexec_fn=dies_with_us)  # fmt: skip
            watcher = threading.Thread(target=self._watch, args=(begin.time,), daemon=True)
            watcher.start()
            try:
                held = self._hold(process, begin.time)
                usage = self._await_end(process, begin.time)
            finally:
                self._over.set()
                watcher.join()
                if process.returncode is None:
                    end_session(process)
            end = _moment(self._daemon.pid)
            busy = machine_busy() - busy
            output.seek(0)
            text = output.read().decode(errors="replace")
        self._daemon.require_alive()
        if process.returncode != 0:
            raise Failed(f"the load ended with status {process.returncode}: {printable(' '.join(text.split())[-300:])}")
        try:
            found = loads.parse(text, self._plan.patterns)
        except loads.Unreadable as unreadable:
            raise Failed(f"{unreadable}; it printed: {printable(' '.join(text.split())[-300:])}") from None
        return self._sum_up(found, quiet, begin, held, end, usage, busy)

    def _hold(self, process, start):
        """Waits for the moment at which most is measured; what is there then."""
        due = start + HELD_AT * self._seconds
        while time.monotonic() < due and not _has_ended(process) and self._daemon.process.poll() is None:
            time.sleep(min(0.05, max(0, due - time.monotonic())))
        root = self._daemon.pid
        there = sampler.sample(root)
        return {"moment": _moment(root), "sample": there, "pss": _pss(root), "descriptors": _descriptors(root)}

    def _await_end(self, process, start):
        """Reaps it; the CPU seconds of it and its children."""
        end = start + self._seconds * 3 + self._plan.patience
        while time.monotonic() < end:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                process.returncode = os.waitstatus_to_exitcode(status)
                try:
                    os.killpg(pid, signal.SIGKILL)  # what it may have left behind
                except ProcessLookupError:
                    pass
                return usage.ru_utime + usage.ru_stime
            if self._daemon.process.poll() is not None:
                self._daemon.require_alive()
            time.sleep(0.01)
        raise Failed(f"the load did not end: {self.command}")

    def _sum_up(self, found, quiet, begin, held, end, load_cpu, busy):
        seconds, cpu = end.time - begin.time, end.cpu - begin.cpu
        requests = found.get("requests") or found.get("throughput", 0) * self._seconds
        if not requests:
            raise Failed("the load made no request")
        middle, there = held["moment"], held["sample"]
        user, system = (after - before for before, after in zip(begin.ticks, end.ticks))
        share = user / (user + system) if user + system else 0.5
        both = middle.switches.keys()
        voluntary, involuntary = (
            sum(middle.switches[task][kind] - begin.switches.get(task, (0, 0))[kind] for task in both) for kind in (0, 1)
        )  # fmt: skip
        asked = requests * (middle.time - begin.time) / seconds
        metrics = {name: value for name, value in found.items() if name in BY_NAME}
        metrics.update({
            "cpu": 1e6 * cpu / requests,
            "cpu user": 1e6 * cpu * share / requests,
            "cpu system": 1e6 * cpu * (1 - share) / requests,
            "switches voluntary": voluntary / asked,
            "switches involuntary": involuntary / asked,
            "threads": there.threads,
            "rss": there.resident / 1024,
            "pss": held["pss"] / 1024,
            "memory": (quiet.available - there.available) / 1024,
            "kernel": (there.kernel - quiet.kernel) / 1024,
            "descriptors": held["descriptors"],
        })  # fmt: skip
        return {
            "metrics": metrics,
            "series": self.series,
            "daemon_share": cpu / seconds / len(self._plan.daemon_cpus),
            "load_share": load_cpu / seconds / len(self._plan.load_cpus),
            "others_share": max(0.0, busy - cpu - load_cpu) / seconds / os.cpu_count(),
        }  # fmt: skip


def _shell(plan, daemon, command, what):
    """Output of a command of the user's that has to succeed."""
    filled = daemon.filled(command)
    ran = subprocess.run(pinned(plan.load_cpus, ["/bin/sh", "-c", filled]), stdin=subprocess.DEVNULL,
                         capture_output=True, timeout=plan.patience * 4, env=clean_environment(), preexec_fn=dies_with_us)  # fmt: skip
    if ran.returncode != 0:
        text = " ".join(ran.stderr.decode(errors="replace").split())[-200:]
        raise Failed(f"{what} failed with status {ran.returncode}: {printable(text)}")
    return ran.stdout


def _climb(plan, results, side, run):
    port = plan.fixed_port or plan.choose_port()
    end = time.monotonic() + FREE_SECONDS
    while is_listening(port):
        if time.monotonic() > end:
            raise Failed(f"port {port} is taken by another program")
        time.sleep(0.05)
    with Daemon(side.words, port, plan.daemon_cpus, plan.ready, plan.patience) as daemon:
        if plan.setup:
            _shell(plan, daemon, plan.setup, "--setup")
        plan.progress(f"run {run + 1} of {plan.runs}, {side.name}: warms up")
        Load(plan, daemon, plan.levels[0], min(1.0, plan.seconds)).run()
        if plan.sample:
            answer = _shell(plan, daemon, plan.sample, "--sample")
            results.answers.setdefault(side.name, set()).add(hashlib.sha256(answer).hexdigest())
        for level in plan.levels:
            plan.progress(f"run {run + 1} of {plan.runs}, {side.name}: {level:,} connections")
            measured = Load(plan, daemon, level, plan.seconds).run()
            results.samples.append({"side": side.name, "level": level, "run": run, **measured})
        results.ends.setdefault(side.name, set()).add(daemon.stop())
        results.logs.setdefault(side.name, set()).update(log_kinds(daemon.log(), daemon.data))


def climb(plan):
    """Each run takes the sides in turn, every second one in the other order: A B, B A. What was measured
    before something failed, or before the user had enough, is kept."""
    results = Results()
    try:
        for run in range(plan.runs):
            for side in plan.sides if run % 2 == 0 else reversed(plan.sides):
                try:
                    _climb(plan, results, side, run)
                except Failed as failure:
                    results.failures.append(f"{side.name}, run {run + 1}: {failure}")
                    return results
                except subprocess.TimeoutExpired as late:
                    results.failures.append(f"{side.name}, run {run + 1}: did not end: {shlex.join(late.cmd)}")
                    return results
    except (KeyboardInterrupt, SystemExit):
        results.interrupted = True
    return results
