# SPDX-License-Identifier: MIT
"""Small programs that measure one thing about threads each: locks, hand-overs, creation."""

import server
from bench.report import Metric
from bench.setting import output, thread_program, value

METRICS = [Metric("time", "us", plot=True)]

# case: program, its arguments, the short form's, what it prints, microseconds in one of these
CASES = {
    "mutex and condition, 2 threads: a round":
        ("ping_pong", [200000, 1], [30000, 1], "ns_per_round", 1e-3),
    "semaphores, pipeline of 8 threads: an item":
        ("pipeline", [200000], [30000], "ns_per_item", 1e-3),
    "one mutex, 64 threads: a short section":
        ("contended", [50000], [50000], "ns_per_section", 1e-3),
    "pthread_create and join, warm":
        ("create", ["warm", 50000], ["warm", 5000], "ns_per_thread", 1e-3),
    "pthread_create and join, warm, by main":
        ("create", ["main", 50000], ["main", 5000], "ns_per_thread", 1e-3),
    "pthread_create and join, cold":
        ("create", ["cold", 10000], ["cold", 3000], "ns_per_thread", 1e-3),
    "broadcast to 10,000 threads":
        ("broadcast", [10000, 20], [10000, 3], "us_per_broadcast", 1),
    "broadcast to 10,000 threads: CPU":
        ("broadcast", [10000, 20], [10000, 3], "cpu_us_per_broadcast", 1),
    "lock and unlock, uncontended":
        ("uncontended", [20000000], [20000000], "ns_per_pair", 1e-3),
    "sched_yield, 2 threads on 1 CPU":
        ("yield", [2, 500000], [2, 50000], "ns_per_yield", 1e-3),
    "8 threads that compute":
        ("compute", [8, 200], [8, 50], "ms", 1e3),
}  # fmt: skip

SLOW_LOCK = 0.018  # us, natively: then three nanoseconds are less than they are meant to be
ONE_CPU = "sched_yield, 2 threads on 1 CPU"
LOCK = "lock and unlock, uncontended"
PROBE = "context switch"


def probe_switch(bench, group):
    """The switch alone, without a scheduler: of the runtime's own code, so it has one side."""
    for _ in range(bench.rounds):
        text = output([thread_program("switch"), 1000000], server.NATIVE, bench.server_cpu)
        group.add(PROBE, server.UNTHREAD, time=value(text, "ns_per_switch") / 1e3)


def judge(bench, group):
    report = bench.report

    def ratio(what, case, bar, note=""):
        report.ratio(group, f"{what} / native", case, "time", bar, note=note)

    slow = bench.switch_note
    ratio("broadcast to 10,000 threads: time", "broadcast to 10,000 threads", 1 / 3, slow)
    ratio("mutex and condition ping-pong: time", "mutex and condition, 2 threads: a round", 0.2, slow)
    ratio("semaphore pipeline: time", "semaphores, pipeline of 8 threads: an item", 0.2, slow)
    ratio("contended mutex: time", "one mutex, 64 threads: a short section", 1.0, slow)
    ratio("create and join, warm: time", "pthread_create and join, warm", 0.1, slow)
    ratio("create and join, warm, by main: time", "pthread_create and join, warm, by main", 0.1,
          "main is a kernel thread: two wake-ups between it and a lane")
    ratio("create and join, cold: time", "pthread_create and join, cold", 1.0)
    ratio("threads that compute: time", "8 threads that compute", 1 / 0.98)
    theirs = group.median(LOCK, server.NATIVE, "time")
    slow = theirs is not None and theirs > SLOW_LOCK
    report.difference(group, "lock and unlock: more than native", LOCK, "time", 0.003, "us",
                      note="a slow machine: natively it is dear, too" if slow else "")  # fmt: skip
    slow = bench.switch_note
    report.absolute(group, "context switch, warm", PROBE, "time", 0.030, "us", note=slow)


def run(bench):
    group = bench.report.group(
        "threads", "Locks, hand-overs and threads",
        "Small programs, each on all CPUs unless it says otherwise.", METRICS,
    )  # fmt: skip
    for case, (program, full, short, name, scale) in CASES.items():
        for turn, side in bench.in_turn(server.SIDES):
            bench.progress(f"threads, {case}, {side}, round {turn + 1}")
            command = [thread_program(program), *(short if bench.short else full)]
            text = output(command, side, bench.server_cpu if case == ONE_CPU else None)
            group.add(case, side, time=value(text, name) * scale)
    probe_switch(bench, group)
    judge(bench, group)
