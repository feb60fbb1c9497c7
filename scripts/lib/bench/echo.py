# SPDX-License-Identifier: MIT
"""Raw echo: native threads, the same binary under unthread, and its peers."""

import loader
import places
import server
import syscalls
from bench.report import Metric
from bench.setting import Failed, stack_options

PEERS = {
    "epoll": "epoll",
    "libuv": "libuv",
    "State Threads": "state_threads",
    "GNU Pth": "pth",
    "Go": "go_net",
    "Boost.Asio": "asio",
}
MOST_OF_SELECT = 1000  # connections: GNU Pth waits by select()
COUNTED = 50000  # requests, where system calls are counted
COUNTED_CASES = ("64", "1,000")

COST = "CPU per request"
FEW_ASK = "64 of 9,000"  # beside native threads only
BARS = {"64": 0.85, "1,000": 0.45, "9,000": 0.45, FEW_ASK: 0.7}
METRICS = [
    Metric(COST, "us", plot=True),
    Metric("requests per second", "", plot=True, less_is_better=False),
    Metric("p50", "us"),
    Metric("p99", "us", plot=True),
    Metric("system calls per request", ""),
    Metric("context switches per request", ""),
    Metric("kernel threads", ""),
    Metric("resident", "MB"),
]


def peer(name):
    return places.BUILD / "tests" / "bench" / "peers" / f"peer-{PEERS[name]}"


def start(bench, side):
    """The echo server of a side, to be entered."""
    if side in PEERS:
        return server.Server([peer(side), 0], cpu=bench.server_cpu)
    return server.Server([places.demo("echo"), 0], side, cpu=bench.server_cpu,
                         options=stack_options(side))  # fmt: skip


def load(bench, side, options, counted=False):
    """One fresh server, one load."""
    with start(bench, side) as running:
        if counted:
            with syscalls.Counter(running.pid) as counter:
                measured = loader.run(places.LOAD, running, options, cpu=bench.load_cpu,
                                      patience=60, counting=counter)  # fmt: skip
        else:
            measured = loader.run(places.LOAD, running, options, cpu=bench.load_cpu, patience=60)
        if side not in PEERS:
            running.stop()
    if measured.errors:
        raise Failed(f"echo, {side}: {measured.errors} errors: {measured.first_error}")
    return measured


def cases(bench):
    found = {"64": (64, 64), "1,000": (1000, 1000)}
    if not bench.short:
        found["9,000"] = (9000, 9000)
    return {**found, FEW_ASK: (9000, 64)}


def sides_for(bench, connections):
    found = [server.NATIVE, server.UNTHREAD]
    for name in ["epoll"] if bench.short else PEERS:
        if peer(name).exists() and (name != "GNU Pth" or connections <= MOST_OF_SELECT):
            found.append(name)
    return found


def record(group, case, side, measured):
    group.add(
        case, side,
        CPU_per_request=measured.cpu_per_request,
        requests_per_second=measured.requests_per_second,
        p50=measured.p50_us,
        p99=measured.p99_us,
        context_switches_per_request=measured.switches_per_request,
        kernel_threads=measured.threads,
        resident=measured.resident / 1024,
    )  # fmt: skip


def count_calls(bench, group, case, sides, options):
    options = [*options, "--requests", COUNTED]
    for side in sides:
        measured = load(bench, side, options, counted=True)
        group.add(case, side, system_calls_per_request=measured.syscalls_per_request)


def judge(bench, group):
    report = bench.report
    slow = bench.switch_note
    for case, bar in BARS.items():
        if case not in group.cases:
            continue
        report.ratio(group, f"{case} connections: CPU per request / native", case, COST, bar,
                     note=slow)  # fmt: skip
        if case == FEW_ASK:
            continue
        report.ratio(group, f"{case} connections: CPU per request / epoll", case, COST, 1.05,
                     other="epoll", note=slow)  # fmt: skip
        for name in list(PEERS)[1:]:
            if group.median(case, name, COST):
                report.ratio(group, f"{case} connections: CPU per request / {name}", case, COST,
                             1.0, other=name, note=slow)  # fmt: skip
    if "9,000" in group.cases:
        report.ratio(group, "CPU per request at 9,000 / at 64", "9,000", COST, 1.6,
                     other="unthread", other_case="64")  # fmt: skip
    report.ratio(group, "parked threads cost nothing: CPU per request, 64 of 9,000 / 64",
                 FEW_ASK, COST, 1.15, other="unthread", other_case="64")  # fmt: skip


def run(bench):
    group = bench.report.group(
        "echo", "Echo of 64 bytes, closed loop, server on one CPU, load on another",
        "Each connection sends its next message when the last one has come back. "
        "“64 of 9,000”: 9,000 connections are open, 64 of them ask.",
        METRICS,
    )  # fmt: skip
    counts = syscalls.available()
    if not counts:
        bench.report.notes.append("System calls were not counted: perf has no event for them here.")
    options = {case: ["--connections", connections, "--active", active]
               for case, (connections, active) in cases(bench).items()}  # fmt: skip
    sides = {case: sides_for(bench, connections) for case, (connections, _) in cases(bench).items()}
    unable = set()
    # Cases in turn, too: some are compared with each other.
    for turn, (case, side) in bench.in_turn([(case, side) for case in sides for side in sides[case]]):
        if (case, side) in unable:
            continue
        bench.progress(f"echo, {case} connections, {side}, round {turn + 1}")
        try:
            measured = load(bench, side, [*options[case], "--seconds", bench.seconds])
            record(group, case, side, measured)
        except (Failed, server.ServerFailed) as failure:
            if side not in PEERS:
                raise
            unable.add((case, side))
            bench.report.notes.append(f"{side} cannot do {case} connections: {failure}")
    for case in COUNTED_CASES if counts else ():
        able = [side for side in sides[case] if (case, side) not in unable]
        count_calls(bench, group, case, able, options[case])
    judge(bench, group)
