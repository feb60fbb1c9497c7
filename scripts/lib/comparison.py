# SPDX-License-Identifier: MIT
"""One daemon, natively and under unthread, with the same load; the two must give the same
answers."""

from contextlib import ExitStack

import loader
import server
from server import Server, ServerFailed


class Outcome:
    """One side: what was measured, how the program ended, and what was wrong."""

    def __init__(self):
        self.measured = None
        self.exit_status = None
        self.complaints = []


def run_side(daemon, side, server_cpu=None, patience=40):
    outcome = Outcome()
    port = server.free_port() if daemon.takes_port else None
    command = daemon.command(port or 0)
    try:
        with ExitStack() as stack:
            # Entered first, so that what stands between load and server ends before the server.
            running = stack.enter_context(
                Server(command, side, port=port, cpu=server_cpu, announcement=daemon.announcement)
            )
            with ExitStack() as front:
                entrance = daemon.entrance(front, running.port)
                outcome.measured = loader.run(
                    daemon.program, running, daemon.load(), entrance, daemon.load_cpu, patience
                )
            outcome.exit_status = running.stop()
        complaint = daemon.check(outcome.measured.requests)
        if complaint:
            outcome.complaints.append(complaint)
    except ServerFailed as failure:
        outcome.complaints.append(str(failure))
    measured = outcome.measured
    if measured and measured.errors:
        outcome.complaints.append(f"{measured.errors} errors: {measured.first_error}")
    return outcome


def differences(native, unthread):
    """What the unthread side did otherwise than the native one."""
    found = []
    if native.measured and unthread.measured:
        if native.measured.requests != unthread.measured.requests:
            found.append("another number of answers than natively")
        elif native.measured.answers_hash != unthread.measured.answers_hash:
            found.append("other answers than natively")
    if None not in (native.exit_status, unthread.exit_status):
        if native.exit_status != unthread.exit_status:
            found.append(f"exit status {unthread.exit_status}, natively {native.exit_status}")
    return found


def run_both(daemon, server_cpu=None, patience=40):
    """Returns the outcome of each side of a prepared daemon; differences are among the complaints
    of the unthread side."""
    outcomes = {side: run_side(daemon, side, server_cpu, patience) for side in server.SIDES}
    outcomes[server.UNTHREAD].complaints += differences(
        outcomes[server.NATIVE], outcomes[server.UNTHREAD]
    )
    return outcomes


def compare(daemon, server_cpu=None, patience=40):
    with ExitStack() as stack:
        daemon.prepare(stack)
        return run_both(daemon, server_cpu, patience)
