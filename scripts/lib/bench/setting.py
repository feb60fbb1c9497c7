# SPDX-License-Identifier: MIT
"""What all groups share: where things run, how often, and how a program is started on a side."""

import re
import subprocess
import sys
from dataclasses import dataclass

import cpus
import places
import server
from bench.report import Report

SLOW_SWITCH = "no FSGSBASE here: a switch is a system call"
LITTLE_STACKS = "unthread, 64K stacks"


class Failed(Exception):
    """A program under test failed; the text says which and how."""


@dataclass
class Bench:
    report: Report
    rounds: int
    seconds: float  # of each load
    short: bool  # the small form that CI runs
    fast_switch: bool  # user space may set the thread pointer

    def __post_init__(self):
        self.server_cpu, self.load_cpu = cpus.server_and_load()

    @property
    def switch_note(self):
        """Beside bars that a machine may miss because each switch is a system call there."""
        return "" if self.fast_switch else SLOW_SWITCH

    def progress(self, text):
        print(f"  {text}", file=sys.stderr, flush=True)

    def in_turn(self, sides):
        """A B A B …: all sides meet the same moods of the machine."""
        for turn in range(self.rounds):
            for side in sides:
                yield turn, side


def stack_options(side):
    return ["--stack-size=64K"] if side == LITTLE_STACKS else []


def words(command, side, carriers=None):
    prefix = []
    if side != server.NATIVE:
        options = stack_options(side) + ([f"--carriers={carriers}"] if carriers else [])
        prefix = [places.UNTHREAD, *options, "--"]
    return [str(word) for word in [*prefix, *command]]


def output(command, side, cpu=None, patience=300, carriers=None):
    """What the program prints; it must succeed."""
    prefix = [] if cpu is None else ["taskset", "-c", str(cpu)]
    done = subprocess.run(
        prefix + words(command, side, carriers), capture_output=True, text=True, timeout=patience,
        env=server.clean_environment(),
    )  # fmt: skip
    if done.returncode != 0:
        raise Failed(f"{command[0]}, {side}: status {done.returncode}: {done.stderr[-200:]}")
    return done.stdout


def value(text, name):
    return float(re.search(rf"^{name} ([0-9.]+)$", text, re.MULTILINE)[1])


def thread_program(name):
    return places.BUILD / "tests" / "bench" / "threads" / f"threads-{name}"
