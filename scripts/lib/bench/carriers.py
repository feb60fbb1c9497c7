# SPDX-License-Identifier: MIT
"""What sharing costs: the same work by 1, 2, 4 and 8 carriers, in CPU time for each operation.

A machine with fewer CPUs than carriers shows what is worst: who holds a lock loses its CPU."""

import server
from bench.report import Metric
from bench.setting import output, thread_program, value

METRICS = [Metric("CPU per operation", "us", plot=True)]
COUNTS = (1, 2, 4, 8)

# case: program, its arguments, those of the short form, what it prints
CASES = {
    "64 pairs pass a turn (lot, run queues, stealing)":
        ("ping_pong", [5000, 64], [500, 64], "cpu_ns_per_round"),
    "16 creators make and join threads (pool, lot)":
        ("create", ["warm", 5000, 16], ["warm", 500, 16], "cpu_ns_per_thread"),
    "broadcast to 10,000, for each (one mutex)":
        ("broadcast", [10000, 10], [10000, 2], "cpu_us_per_broadcast"),
}  # fmt: skip
SCALE = {"cpu_us_per_broadcast": 1 / 10000}


def run(bench):
    group = bench.report.group(
        "carriers", "What sharing costs",
        "The same work with another number of carriers; natively beside it.", METRICS,
    )  # fmt: skip
    sides = {server.NATIVE: None, **{f"unthread, {count} carriers": count for count in COUNTS}}
    for case, (program, full, short, name) in CASES.items():
        for turn, side in bench.in_turn(sides):
            bench.progress(f"carriers, {case}, {side}, round {turn + 1}")
            command = [thread_program(program), *(short if bench.short else full)]
            text = output(command, side, carriers=sides[side])
            samples = {METRICS[0].name: value(text, name) * SCALE.get(name, 1e-3)}
            group.add(case, side, **samples)
