# SPDX-License-Identifier: MIT
"""Many clients at once: opened in a ramp, held open together, asking in rounds, answers recorded by client."""

import asyncio
import collections
import hashlib
import statistics
import time

STEP_TIMEOUT = 40.0  # one client's one step; natively the slowest takes a few seconds with 1,000 others
SAMPLE_INTERVAL = 0.05
SETTLE_INTERVAL = 0.6  # longer than an idle carrier lives
SETTLE_ROUNDS = 5


class Tally:
    """What the clients of one load saw: digests of the answers and errors by text."""

    def __init__(self):
        self.digests = {}
        self.errors = collections.Counter()

    def answered(self, index, number, answer):
        self.digests[index, number] = hashlib.sha256(answer).digest()

    def failed(self, step, error):
        text = str(error) or type(error).__name__
        self.errors[f"{step}: {text}"] += 1

    @property
    def answers(self):
        return len(self.digests)

    @property
    def error_count(self):
        return sum(self.errors.values())

    def summary(self):
        return "; ".join(f"{count} x {text}" for text, count in self.errors.most_common(4))


class Crowd:
    """`count` clients of one daemon. Every client that failed is left out of what follows."""

    def __init__(self, daemon, count, tally, first=0, pace=None):
        self.daemon = daemon
        self.tally = tally
        self.pace = pace
        self.indices = range(first, first + count)
        self.sessions = []
        self.reconnecting = asyncio.Semaphore(1)

    async def open(self):
        """Opens all; each asks once, which proves that the daemon itself has accepted it."""
        gate = asyncio.Semaphore(self.daemon.ramp)
        await asyncio.gather(*(self._open_one(index, gate) for index in self.indices))

    async def _open_one(self, index, gate):
        session = self.daemon.session(index, self.pace)
        session.gate = self.reconnecting
        async with gate:
            if await self._step(self._open_and_ask(session), "opening", session):
                self.sessions.append(session)

    async def _open_and_ask(self, session):
        await session.open()
        self.tally.answered(session.index, 0, await session.ask(0))

    async def round(self, number):
        """Every client asks once, all at the same time."""
        members = list(self.sessions)
        good = await asyncio.gather(*(
            self._step(self._ask(session, number), f"round {number}", session) for session in members))
        self.sessions = [session for session, answered in zip(members, good) if answered]

    async def _ask(self, session, number):
        self.tally.answered(session.index, number, await session.ask(number))

    async def _step(self, work, name, session):
        try:
            await asyncio.wait_for(work, STEP_TIMEOUT)
            return True
        except asyncio.TimeoutError:
            self.tally.failed(name, f"no answer within {STEP_TIMEOUT:.0f} s")
        except Exception as error:  # whatever went wrong is this client's result
            self.tally.failed(name, error)
        session.reset()
        return False

    async def close(self):
        await asyncio.gather(*(session.close() for session in self.sessions))
        self.sessions = []

    def reset(self):
        for session in self.sessions:
            session.reset()
        self.sessions = []


class Sampler:
    """The numbers of kernel threads seen in a process while a block runs."""

    def __init__(self, process):
        self.process = process
        self.seen = [process.threads()]

    async def __aenter__(self):
        self.task = asyncio.create_task(self._sample())
        return self

    async def __aexit__(self, *_):
        self.task.cancel()

    async def _sample(self):
        while self.process.alive():
            self.seen.append(self.process.threads())
            await asyncio.sleep(SAMPLE_INTERVAL)


async def settled_threads(process):
    """The number of kernel threads once it no longer changes: the idle ones of a burst end soon."""
    before = process.threads()
    for _ in range(SETTLE_ROUNDS):
        await asyncio.sleep(SETTLE_INTERVAL)
        now = process.threads()
        if now == before:
            break
        before = now
    return before


class Measured:
    """The figures of one load."""

    def __init__(self):
        self.tally = Tally()
        self.held = self.threads_held = self.threads_asking = self.threads_peak = 0
        self.resident_kib = 0
        self.seconds = self.cpu_seconds = 0.0


async def run_load(daemon, process, count, rounds):
    """Opens `count` clients, measures while all are open, lets all ask `rounds` times, closes all."""
    measured = Measured()
    crowd = Crowd(daemon, count, measured.tally)
    started, cpu = time.monotonic(), process.cpu_seconds()
    try:
        await crowd.open()
        measured.held = len(crowd.sessions)
        measured.threads_held = await settled_threads(process)
        async with Sampler(process) as sampler:
            for number in range(1, rounds + 1):
                await crowd.round(number)
        measured.threads_asking = statistics.median_high(sampler.seen)
        measured.threads_peak = max(sampler.seen)
        measured.resident_kib = process.resident_kib()
        await crowd.close()
    finally:
        crowd.reset()
    measured.seconds = time.monotonic() - started
    measured.cpu_seconds = process.cpu_seconds() - cpu
    return measured
