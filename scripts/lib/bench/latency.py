# SPDX-License-Identifier: MIT
"""How long a single request takes: alone, and on a fixed schedule beside others."""

import server
from bench import echo
from bench.report import Metric

METRICS = [
    Metric("p50", "us", plot=True),
    Metric("p99", "us", plot=True),
    Metric("p99.9", "us", plot=True),
    Metric("CPU per request", "us"),
]
ALONE = "1 connection, closed loop"
RATE = 20000  # requests per second: less than any side's most
SCHEDULED = f"1,000 connections, {RATE:,} requests/s, open loop"


def record(group, case, side, measured):
    samples = {
        "p50": measured.p50_us,
        "p99": measured.p99_us,
        "p99.9": measured.p999_us,
        "CPU per request": measured.cpu_per_request,
    }
    group.add(case, side, **samples)


def run(bench):
    group = bench.report.group(
        "latency", "Latency of an echo",
        "In the open loop a request is due at a fixed time, whatever the server does, and its "
        "latency counts from then.",
        METRICS,
    )  # fmt: skip
    sides = [server.NATIVE, server.UNTHREAD, "epoll"]
    cases = {
        ALONE: ["--connections", 1],
        SCHEDULED: ["--connections", 1000, "--rate", RATE],
    }
    for case, options in cases.items():
        options = [*options, "--seconds", bench.seconds]
        for turn, side in bench.in_turn(sides):
            bench.progress(f"latency, {case}, {side}, round {turn + 1}")
            record(group, case, side, echo.load(bench, side, options))
    note = bench.switch_note
    bench.report.ratio(group, "one connection: p50 / native", ALONE, "p50", 1.05, note=note)
