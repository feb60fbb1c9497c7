# SPDX-License-Identifier: MIT
"""What the run scripts of the demos share: a conversation that is checked word by word, then a load
whose answers must be the same on both sides."""

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import comparison
import places
import server
from server import Server, ServerFailed


class WrongAnswer(Exception):
    """What the server said, and what it should have said."""


def expect(what, got, wanted):
    if got != wanted:
        raise WrongAnswer(f"{what}: got {got!r:.200}, expected {wanted!r:.200}")


def _talk(daemon, side, conversation):
    """Returns a complaint or None."""
    try:
        with ExitStack() as stack:
            running = stack.enter_context(Server(daemon.command(0), side))
            conversation(running.port)
            expect("exit status after SIGTERM", running.stop(), 0)
    except (ServerFailed, WrongAnswer, OSError) as failure:
        return f"{type(failure).__name__}: {failure}"
    return None


def _report_load(daemon, outcomes):
    well = True
    for side, outcome in outcomes.items():
        measured = outcome.measured
        if measured:
            print(
                f"{daemon.name}, {side}: {measured.requests} answers over {measured.connections} "
                f"connections, {measured.threads} kernel threads, "
                f"{measured.resident / 1024:.0f} MB, {measured.cpu_per_request:.1f} us CPU each, "
                f"hash {measured.answers_hash}"
            )
        for complaint in outcome.complaints:
            print(f"{daemon.name}, {side}: FAILED: {complaint}")
            well = False
    return well


def main(kind, conversation, **numbers):
    """`numbers` replace those of the daemon of scripts/demo; returns the exit status."""
    places.require_built(places.demo(kind.name), kind.program, places.SLOW_UPSTREAM)
    server.end_on_sigterm()
    well = True
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="unthread-run-")))
        daemon = kind(directory)
        for name, value in numbers.items():
            setattr(daemon, name, value)
        daemon.prepare(stack)
        for side in server.SIDES:
            complaint = _talk(daemon, side, lambda port: conversation(daemon, port))
            verdict = f"FAILED: {complaint}" if complaint else "right"
            print(f"{daemon.name}, {side}: conversation {verdict}")
            well = well and not complaint
        outcomes = comparison.run_both(daemon, patience=10)
        well = _report_load(daemon, outcomes) and well
    print(f"{kind.name}: " + ("the same natively and under unthread" if well else "FAILED"))
    sys.stdout.flush()
    return 0 if well else 1
