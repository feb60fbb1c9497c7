# SPDX-License-Identifier: MIT
"""What one daemon goes through on one side (natively, under unthread), and how the two sides compare."""

import asyncio
import os
import tempfile
import time
from dataclasses import dataclass, field

import nasty
import process as processes
from load import Crowd, Tally, run_load
from logs import new_complaints

SETTLE_SECONDS = 15.0
TERM_SECONDS = 10.0
WARM_UP_CLIENTS = 24
# Kernel threads that unthread may add to the one per CPU: main, monitor, maker, and one more.
THREADS_BESIDE_CPUS = 4
# And for moments, so many, or one for so many connections: each call that blocks in the kernel keeps its own, until the monitor has
# learnt that it does so for moments only. How many do at once is up to the machine (a file's lock, a disk that is slow).
THREADS_FOR_MOMENTS = 24
CONNECTIONS_FOR_A_MOMENT = 16
# Descriptors of the runtime's own that may appear after the warm-up, never sockets.
RUNTIME_DESCRIPTORS = 4
# By what the daemon may grow while clients are killed, more than natively: caches of the runtime that fill.
GROWTH_ALLOWED_KIB = 4096
FAILURES = (OSError, RuntimeError, EOFError, KeyError, asyncio.TimeoutError)


def system_calls_are_slow():
    """On such machines (virtual ones without help from the hardware) threads that allocate block each other
    for tens of milliseconds in mmap and munmap, and whoever blocks keeps a kernel thread."""
    calls = 2000
    began = time.perf_counter_ns()
    for _ in range(calls):
        os.getppid()
    return (time.perf_counter_ns() - began) / calls > 500


@dataclass
class Sizes:
    connections: int
    rounds: int
    terminated: int
    aborting: int
    slow: int
    killed: int
    killing_seconds: float


@dataclass
class Result:
    """What a side's comparison with the other needs."""
    digests: dict = field(default_factory=dict)
    load_log: set = field(default_factory=set)
    nasty_log: set = field(default_factory=set)
    half_closed: set = field(default_factory=set)
    dripped: set = field(default_factory=set)
    growth_kib: int = 0  # resident memory, by the second half of the killing
    term_outcome: str = "-"
    term_seconds: float = 0.0


class Scenario:
    def __init__(self, daemon, side, prefix, sizes, report):
        self.daemon = daemon
        self.side = side
        self.prefix = prefix
        self.sizes = sizes
        self.report = report
        self.result = Result()
        self.measured = None
        self.base = None
        self.after = None
        self.process = None

    def check(self, good, what, detail=""):
        return self.report.check(good, f"{self.daemon.name} {self.side}", what, detail)

    def run(self):
        try:
            self.process = processes.start(self.daemon, self.prefix)
        except FAILURES as error:
            self.check(False, "starts and accepts", repr(error))
            return self.result
        try:
            for phase in (self.identity, self.load, self.nasty, self.terminate):
                if not self.attempt(phase):
                    break
        finally:
            self.process.kill()
            self.add_row()
        return self.result

    def attempt(self, phase):
        """A phase that cannot go on is one failed check; a daemon that is gone ends the scenario."""
        try:
            phase()
        except FAILURES as error:
            self.check(False, f"{phase.__name__} phase", f"{error!r}, daemon: {self.process.outcome()}")
        if self.process.alive() or phase == self.terminate:
            return True
        tail = self.process.new_log()[-800:].strip()
        return self.check(False, "the daemon is alive", f"{self.process.outcome()} after {phase.__name__}: {tail}")

    def identity(self):
        """The process measured is the daemon, with the library or without it as this side says."""
        loaded = self.process.maps("libunthread.so")
        self.check(loaded == (self.side == "unthread"), "library loaded as this side says", f"loaded: {loaded}")

    def settled(self):
        """Whether the descriptors are those of the quiet daemon again."""
        now = self.process.descriptors()
        self.after = now
        extra = now - self.base
        if extra["socket"] and self.daemon.keeps_closed:
            asyncio.run(self.few_clients(Tally(), 1))
            extra["socket"] -= self.daemon.keeps_closed
            extra = +extra
        own = extra.pop("anon_inode", 0)
        allowed = RUNTIME_DESCRIPTORS if self.side == "unthread" else 0
        return not extra and own <= allowed

    def check_settled(self, what):
        good = processes.wait_until(self.settled, SETTLE_SECONDS)
        self.check(good, f"descriptors back to the baseline {what}", f"{dict(self.base)} -> {dict(self.after)}")

    def check_answers(self, what):
        tally = Tally()
        asyncio.run(self.few_clients(tally, 3))
        self.check(tally.error_count == 0, f"answers {what}", tally.summary())

    async def few_clients(self, tally, count):
        crowd = Crowd(self.daemon, count, tally)
        try:
            await crowd.open()
            await crowd.close()
        finally:
            crowd.reset()

    def quiet_descriptors(self):
        """The baseline: what is open after a warm-up, once no connection of it is left."""
        asyncio.run(self.few_clients(Tally(), WARM_UP_CLIENTS))
        def quiet_now():
            if self.daemon.keeps_closed:
                asyncio.run(self.few_clients(Tally(), 1))
            return self.process.connections() <= self.daemon.keeps_closed

        quiet = processes.wait_until(quiet_now, SETTLE_SECONDS)
        self.check(quiet, "warm-up leaves no connection", f"{self.process.connections()} left")
        return self.process.descriptors()

    def load(self):
        self.base = self.quiet_descriptors()
        self.process.new_log()  # what the readiness probes left there is nobody's business
        count, rounds = self.sizes.connections, self.sizes.rounds
        got = self.measured = asyncio.run(run_load(self.daemon, self.process, count, rounds))
        expected = count * (rounds + 1)
        self.check(got.held == count, f"{count} connections open at the same time", f"{got.held}")
        self.check(got.tally.error_count == 0 and got.tally.answers == expected,
                   f"{expected} answers, every byte right",
                   f"{got.tally.answers} answers, {got.tally.error_count} errors: {got.tally.summary()}")
        self.check_threads(got)
        self.result.digests = got.tally.digests
        self.check_settled("after the load")
        self.check_answers("after the load")
        self.result.load_log = self.daemon.complaints(self.process.new_log())

    def check_threads(self, got):
        if self.side == "native":
            least = self.sizes.connections * 3 // 10
            self.check(got.threads_held > least, f"the load is real: more than {least} kernel threads",
                       str(got.threads_held))
            return
        most = self.process.cpus() + THREADS_BESIDE_CPUS
        self.check(got.threads_held <= most, f"at most {most} kernel threads while all are open",
                   str(got.threads_held))
        # A coroutine that computes for long (a TLS handshake) keeps its kernel thread, and its lane
        # gets another one: one more for each CPU that is kept busy so.
        asking = most + self.process.cpus()
        peak = most + max(THREADS_FOR_MOMENTS, self.sizes.connections // CONNECTIONS_FOR_A_MOMENT)
        if system_calls_are_slow():
            asking = peak = max(peak, self.sizes.connections // 8)
        self.check(got.threads_asking <= asking, f"at most {asking} kernel threads while all ask",
                   f"median {got.threads_asking}")
        self.check(got.threads_peak <= peak, f"never more than {peak} kernel threads",
                   str(got.threads_peak))

    def nasty(self):
        sizes = self.sizes
        asyncio.run(nasty.abort_mid_request(self.daemon, sizes.aborting))
        asyncio.run(nasty.abort_mid_answer(self.daemon, sizes.aborting))
        self.check_answers("after clients that abort")
        seen = asyncio.run(nasty.half_close(self.daemon, sizes.aborting // 2))
        self.result.half_closed = set(seen)
        slow = asyncio.run(nasty.write_slowly(self.daemon, sizes.slow))
        self.check(slow.error_count == 0 and slow.answers == 2 * sizes.slow,
                   f"{sizes.slow} clients that write one byte at a time", slow.summary())
        killed = nasty.kill_clients(self.daemon, sizes.killed)
        self.check(killed == sizes.killed, f"{sizes.killed} clients killed at once", f"{killed} were open")
        with nasty.Drip(self.daemon, sizes.slow, sizes.killing_seconds) as drip:
            before = self.kill_for_a_while("at first")
            self.result.growth_kib = self.kill_for_a_while("and again") - before
        self.check(sum(drip.seen.values()) == sizes.slow, f"{sizes.slow} clients that drip", str(drip.seen))
        self.result.dripped = set(drip.seen)
        self.check_answers("after nasty clients")
        self.check_settled("after nasty clients")
        if self.side == "unthread":
            most = self.process.cpus() + THREADS_BESIDE_CPUS
            back = processes.wait_until(lambda: self.process.threads() <= most, SETTLE_SECONDS)
            self.check(back, f"at most {most} kernel threads after nasty clients", str(self.process.threads()))
        self.result.nasty_log = self.daemon.complaints(self.process.new_log())

    def kill_for_a_while(self, when):
        """Half of the time for killing. Returns how many KiB are resident afterwards."""
        seconds = self.sizes.killing_seconds / 2
        killed = nasty.kill_at_random(self.daemon, seconds)
        self.check(killed > seconds, f"clients killed at random moments, {when}", str(killed))
        self.check_answers("between dead clients")
        return self.process.resident_kib()

    def terminate(self):
        opened = asyncio.run(self.terminate_with_clients())
        self.check(opened == self.sizes.terminated, f"{self.sizes.terminated} connections open at SIGTERM",
                   str(opened))
        self.check(self.result.term_outcome != "running", "SIGTERM stops it",
                   f"still there after {TERM_SECONDS:.0f} s")

    async def terminate_with_clients(self):
        crowd = Crowd(self.daemon, self.sizes.terminated, Tally())
        try:
            await crowd.open()
            opened = len(crowd.sessions)
            started = time.monotonic()
            self.process.popen.terminate()
            while self.process.alive() and time.monotonic() - started < TERM_SECONDS:
                await asyncio.sleep(0.002)
            self.result.term_seconds = time.monotonic() - started
            self.result.term_outcome = self.process.outcome()
            return opened
        finally:
            crowd.reset()

    def add_row(self):
        got = self.measured
        if got is None:
            return
        after = sum(self.after.values()) if self.after else "-"
        self.report.row(
            self.daemon.name, self.side, got.held, got.tally.answers, got.tally.error_count, got.threads_held,
            got.threads_peak, f"{got.resident_kib / 1024:.1f}", f"{got.seconds:.1f}", f"{got.cpu_seconds:.2f}",
            f"{sum(self.base.values())}->{after}", self.result.term_outcome,
            f"{self.result.term_seconds * 1000:.0f} ms")


def run_side(make_daemon, world, side, prefix, sizes, report):
    with tempfile.TemporaryDirectory(prefix="servers-") as directory:
        return Scenario(make_daemon(directory, world), side, prefix, sizes, report).run()


def compare(daemon_class, native, unthread, report):
    """The checks that need both sides."""
    def check(good, what, detail=""):
        report.check(good, f"{daemon_class.name} both", what, detail)

    common = native.digests.keys() & unthread.digests.keys()
    differ = [key for key in common if native.digests[key] != unthread.digests[key]]
    check(common and not differ and native.digests.keys() == unthread.digests.keys(),
          f"the same {len(native.digests)} answers", f"{len(common)} in common, {len(differ)} differ")
    check(native.term_outcome == unthread.term_outcome, f"SIGTERM ends it with {native.term_outcome}",
          unthread.term_outcome)
    limit = max(1.0, native.term_seconds + 0.5)
    check(unthread.term_seconds <= limit, f"SIGTERM ends it within {limit:.1f} s",
          f"{unthread.term_seconds:.2f} s")
    check(unthread.half_closed <= native.half_closed, "half-closed clients see what they see natively",
          f"{unthread.half_closed} instead of {native.half_closed}")
    check(unthread.dripped <= native.dripped, "clients that drip see what they see natively",
          f"{unthread.dripped} instead of {native.dripped}")
    most = max(0, native.growth_kib) + GROWTH_ALLOWED_KIB
    check(unthread.growth_kib <= most, "clients that are killed leave no memory behind",
          f"{unthread.growth_kib} KiB more, natively {native.growth_kib} KiB")
    new = new_complaints(unthread.load_log, native.load_log, ())
    check(not new, "no new complaint in the log under load", " | ".join(sorted(new)[:4]))
    new = new_complaints(unthread.nasty_log, native.nasty_log | native.load_log, daemon_class.noise)
    check(not new, "no new complaint in the log with nasty clients", " | ".join(sorted(new)[:4]))
