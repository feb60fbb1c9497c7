# SPDX-License-Identifier: MIT
"""Programs that never make a thread: the library must not be felt."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import places
import server
from bench.report import Metric
from bench.setting import Failed

METRICS = [Metric("time", "ms", plot=True)]
SCRIPT = """i=0; while [ $i -lt {count} ]; do i=$((i + 1)); x=$(echo $i); [ "$x" = $i ] || exit 1; done"""
START, SHELL, DATABASE = "/bin/true, started", "a shell script", "PostgreSQL, pgbench -S"


def environment(side):
    """As a user has it who preloads: the unthread command is not part of what is measured."""
    clean = server.clean_environment()
    return clean if side == server.NATIVE else {**clean, "LD_PRELOAD": str(places.LIBRARY)}


def milliseconds(command, side, times=1):
    before = time.perf_counter()
    for _ in range(times):
        subprocess.run(command, env=environment(side), check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - before) * 1e3 / times


def start_and_script(bench, group):
    times, count = (100, 200) if bench.short else (1000, 2000)
    for turn, side in bench.in_turn(server.SIDES):
        bench.progress(f"inert, start and script, {side}, round {turn + 1}")
        group.add(START, side, time=milliseconds(["/bin/true"], side, times))
        shell = ["dash", "-c", SCRIPT.format(count=count)]
        group.add(SHELL, side, time=milliseconds(shell, side))


class Cluster:
    """A PostgreSQL of our own in a temporary directory, reached by a socket file. Debian's server refuses
    to run as root, so it gets the user that its package made."""

    def __init__(self, binaries):
        self._binaries = binaries
        self.directory = Path(tempfile.mkdtemp(prefix="unthread-pg-"))
        self._user = []
        if os.getuid() == 0:
            pwd.getpwnam("postgres")
            self._user = ["runuser", "-u", "postgres", "--"]
            shutil.chown(self.directory, "postgres")

    def run(self, *command, side=server.NATIVE):
        words = [*self._user, "env", "-C", "/"]
        if side != server.NATIVE:
            words.append(f"LD_PRELOAD={places.LIBRARY}")
        done = subprocess.run(
            [*words, *(str(word) for word in command)], env=server.clean_environment(), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        if done.returncode != 0:
            raise Failed(f"{command[0]}: {done.stdout[-300:]}")
        return done.stdout

    def make(self):
        data = self.directory / "data"
        self.run(self._binaries / "initdb", "-D", data, "-A", "trust", "--no-sync")

    def control(self, action, side=server.NATIVE):
        options = f"-c listen_addresses= -c unix_socket_directories={self.directory}"
        self.run(self._binaries / "pg_ctl", "-D", self.directory / "data", "-w", "-o", options,
                 "-l", self.directory / "log", action, side=side)  # fmt: skip

    def bench(self, *options):
        return self.run(self._binaries / "pgbench", "-h", self.directory, *options, "postgres")

    def remove(self):
        shutil.rmtree(self.directory)


def binaries():
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"))
    return found[-1].parent if found else None


def database(bench, group):
    where = binaries()
    if not where:
        bench.report.notes.append("PostgreSQL was not measured: it is not installed")
        return
    cluster = Cluster(where)
    transactions = 2000 if bench.short else 20000
    try:
        cluster.make()
        for turn, side in bench.in_turn(server.SIDES):
            bench.progress(f"inert, PostgreSQL, {side}, round {turn + 1}")
            cluster.control("start", side)
            try:
                if turn == 0 and side == server.NATIVE:
                    cluster.bench("-i", "-q", "-s", "2")
                cluster.bench("-S", "-c", "4", "-t", transactions // 4)  # warms up
                began = time.perf_counter()
                cluster.bench("-S", "-c", "4", "-t", transactions)
                group.add(DATABASE, side, time=(time.perf_counter() - began) * 1e3)
            finally:
                cluster.control("stop")
    finally:
        cluster.remove()


def run(bench):
    group = bench.report.group(
        "inert", "Programs that never make a thread", "Preloaded and not.", METRICS
    )
    start_and_script(bench, group)
    database(bench, group)
    for case, bar in ((START, 1.12), (SHELL, 1.02), (DATABASE, 1.02)):
        bench.report.ratio(group, f"{case}: time / native", case, "time", bar)
