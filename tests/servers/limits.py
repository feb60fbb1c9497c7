# SPDX-License-Identifier: MIT
"""Daemons at their resource limits: accept() without descriptors left, pthread_create() without memory left.

More clients come than fit. Each must end answered or refused, never forgotten; the daemon must live,
complain of the limit in its own words as natively, and serve again once the clients have gone."""

import asyncio
import collections
import resource
import tempfile
from dataclasses import dataclass, field

import process as processes
from daemons.echo import Echo
from daemons.microsocks import Microsocks
from daemons.python_http import PythonHttp
from logs import new_complaints
from scenario import FAILURES

MIB = 1 << 20
STACK_SIZE = 8 * MIB
CROWD_SECONDS = 30.0
LIMIT_SECONDS = 15.0
AFTERWARDS = 5


@dataclass
class Case:
    name: str
    daemon_class: type
    limits: dict
    clients: int
    # What the daemon itself says when the limit is reached.
    complaint: str
    # What is refused natively must be refused under unthread only if the runtime cannot do better.
    must_complain: bool = True
    # What it may say as well: whoever asks for memory next, when there is none, is the one to complain.
    kindred: tuple = ()


ADDRESS_SPACE = {resource.RLIMIT_STACK: STACK_SIZE, resource.RLIMIT_AS: 400 * MIB}
CASES = [
    Case("64 descriptors", Echo, {resource.RLIMIT_NOFILE: 64}, 100, "accept: EMFILE"),
    Case("64 descriptors", Microsocks, {resource.RLIMIT_NOFILE: 64}, 100, "failed to accept connection"),
    Case("400 MiB of address space", Echo, ADDRESS_SPACE, 150, "pthread_create: EAGAIN", False),
    Case("400 MiB of address space", PythonHttp, ADDRESS_SPACE, 100, "can't start new thread", False,
         ("MemoryError", r"\b404\b")),
]


@dataclass
class Outcome:
    clients: collections.Counter = field(default_factory=collections.Counter)
    complained: bool = False
    log: set = field(default_factory=set)


class Crush:
    """Clients that all come at once and hold what they got until they are let go."""

    def __init__(self, daemon, process, case):
        self.daemon = daemon
        self.process = process
        self.case = case
        self.log = ""
        self.seen = collections.Counter()
        self.leave = asyncio.Event()
        self.gate = asyncio.Semaphore(daemon.ramp)

    async def client(self, index):
        session = self.daemon.session(index)
        try:
            async with self.gate:
                await session.open()
                await session.ask(0)
            self.seen["answered while full" if not self.leave.is_set() else "answered later"] += 1
            await self.leave.wait()
            await session.close()
        except asyncio.CancelledError:
            self.seen["forgotten"] += 1
        except Exception:  # closed, reset, or an answer that says no
            self.seen["refused"] += 1
        finally:
            session.reset()

    def full(self):
        """The daemon says so, or there is nobody left who waits for an answer."""
        self.log += self.process.new_log()
        return self.case.complaint in self.log or sum(self.seen.values()) == self.case.clients

    async def run(self):
        clients = [asyncio.create_task(self.client(index)) for index in range(self.case.clients)]
        loop = asyncio.get_running_loop()
        deadline = loop.time() + LIMIT_SECONDS
        # The complaint is written while answers are under way: the crowd is full when they have all arrived.
        while not (self.full() and self.seen["answered while full"]) and loop.time() < deadline:
            await asyncio.sleep(0.02)
        await self.quiet(loop)
        self.leave.set()
        _, late = await asyncio.wait(clients, timeout=CROWD_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        return self.seen

    async def quiet(self, loop):
        """Waits until no client has got anything for a while; what is measured, not what is relied upon."""
        deadline, before, since = loop.time() + LIMIT_SECONDS, None, loop.time()
        while loop.time() < deadline and loop.time() - since < 0.3:
            now = dict(self.seen)
            if now != before:
                before, since = now, loop.time()
            await asyncio.sleep(0.02)


async def crush(daemon, process, case):
    crowd = Crush(daemon, process, case)
    outcome = Outcome(await crowd.run())
    crowd.log += process.new_log()
    outcome.complained = case.complaint in crowd.log
    outcome.log = daemon.complaints(crowd.log)
    return outcome


async def serves(daemon, count):
    """How many of `count` clients, one after the other, get right answers."""
    good = 0
    for index in range(count):
        session = daemon.session(index)
        try:
            await asyncio.wait_for(session.open(), LIMIT_SECONDS)
            await asyncio.wait_for(session.ask(0), LIMIT_SECONDS)
            await session.close()
            good += 1
        except Exception:  # counted by not being counted
            session.reset()
    return good


def run_case(case, side, prefix, world, report):
    subject = f"limits {case.daemon_class.name} {side}, {case.name}"
    with tempfile.TemporaryDirectory(prefix="servers-") as directory:
        daemon = case.daemon_class(directory, world)
        try:
            process = processes.start(daemon, prefix, case.limits)
        except FAILURES as error:
            report.check(False, subject + ": starts", repr(error))
            return None
        try:
            return check_case(daemon, process, case, subject, report)
        except FAILURES as error:
            report.check(False, subject, f"{error!r}, daemon: {process.outcome()} {process.new_log()[-400:]}")
            return None
        finally:
            process.kill()


def check_case(daemon, process, case, subject, report):
    outcome = asyncio.run(crush(daemon, process, case))
    seen = outcome.clients
    report.check(process.alive(), subject, "alive", process.outcome())
    report.check(seen["answered while full"] > 0 and seen["forgotten"] == 0, subject,
                 "every client answered or refused: " + ", ".join(f"{seen[key]} {key}" for key in sorted(seen)))
    explained = outcome.complained or (not case.must_complain and seen["refused"] == 0)
    report.check(explained, subject, f"says '{case.complaint}' where it refused")
    good = asyncio.run(serves(daemon, AFTERWARDS))
    report.check(good == AFTERWARDS, subject, "serves again afterwards", f"{good} of {AFTERWARDS}")
    back = processes.wait_until(lambda: process.connections() == 0, LIMIT_SECONDS)
    report.check(back, subject, "no connection is left", str(process.connections()))
    process.popen.terminate()
    ended = processes.wait_until(lambda: not process.alive(), LIMIT_SECONDS)
    report.check(ended, subject, f"SIGTERM stops it: {process.outcome()}")
    return outcome


def compare(case, native, unthread, report):
    subject = f"limits {case.daemon_class.name} both, {case.name}"
    full = {"native": native.clients["answered while full"], "unthread": unthread.clients["answered while full"]}
    report.check(2 * full["unthread"] >= full["native"], subject,
                 "at least half as many clients fit as natively, the runtime's share taken", str(full))
    new = new_complaints(unthread.log, native.log, case.kindred)
    report.check(not new, subject, "no new complaint in the log", " | ".join(sorted(new)[:4]))
    report.check(native.complained, subject, "the limit is reached natively")


def run(sides, prefixes, world, report):
    for case in CASES:
        outcomes = {side: run_case(case, side, prefixes[side], world, report) for side in sides}
        if len(outcomes) == 2 and all(outcomes.values()):
            compare(case, outcomes["native"], outcomes["unthread"], report)
