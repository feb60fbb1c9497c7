# SPDX-License-Identifier: MIT
"""Memory of connections that wait, and how many threads and connections one process can have."""

import os
import resource
import statistics
import subprocess

import sampler
import server
from bench import echo
from bench.report import Metric
from bench.setting import LITTLE_STACKS, Failed, thread_program, words

METRICS = [
    Metric("all of it", "KB", plot=True),
    Metric("resident", "KB"),
    Metric("kernel", "KB"),
    Metric("MemAvailable", "KB"),
    Metric("kernel threads", ""),
]
SOCKETS = "sockets alone (epoll)"
IDLE = 9000
LIMIT = 100  # descriptors that the load generator needs besides its connections


def idle_connections(bench, group, count):
    case = f"an idle connection of {count:,}, without its sockets"
    sockets = None
    for turn, side in bench.in_turn(["epoll", server.NATIVE, server.UNTHREAD, LITTLE_STACKS]):
        bench.progress(f"memory, {count:,} connections, {side}, round {turn + 1}")
        options = ["--connections", count, "--active", 64, "--requests", 64]
        measured = echo.load(bench, side, options)
        resident, kernel = measured.resident_per_connection, measured.kernel_per_connection
        if side == "epoll":
            sockets = kernel
            group.add("the sockets of a connection, both ends", "every side", kernel=kernel)
            continue
        kernel -= sockets
        group.add(
            case, side, all_of_it=resident + kernel, resident=resident, kernel=kernel,
            MemAvailable=measured.machine_per_connection - sockets,
            kernel_threads=measured.threads,
        )  # fmt: skip
    report = bench.report
    report.ratio(group, "an idle connection, default stacks / native", case, "all of it", 0.45)
    report.ratio(group, "an idle connection, --stack-size=64K / native", case, "all of it", 0.33,
                 side=LITTLE_STACKS)  # fmt: skip


def most_connections(bench, group):
    """As many as the descriptor limit lets one process have, 1,000 of them asking."""
    count = min(19900, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - LIMIT)
    case = f"{count:,} connections in one process"
    bench.progress(f"memory, {case}")
    measured = echo.load(bench, server.UNTHREAD,
                         ["--connections", count, "--active", 1000, "--seconds", bench.seconds])  # fmt: skip
    group.add(case, server.UNTHREAD, kernel_threads=measured.threads,
              resident=measured.resident_per_connection, kernel=measured.kernel_per_connection)  # fmt: skip
    bench.report.absolute(group, f"{case}: held", case, "kernel threads", os.cpu_count() + 4,
                          "kernel threads")  # fmt: skip


def park(side, count):
    """(threads parked, KiB they took, kernel threads). Natively as many as can be made."""
    sampler.wait_for_memory()
    before = sampler.memory_available()
    with subprocess.Popen(
        words([thread_program("parked"), count], side), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True, env=server.clean_environment(),
    ) as process:  # fmt: skip
        try:
            said = dict(process.stdout.readline().split() for _ in range(2))
            sampler.wait_for_memory()  # the kernel threads that made them are freed little by little
            taken = before - sampler.memory_available()
            kernel_threads = sampler.sample(process.pid).threads
            process.stdin.write("\n")
            process.stdin.flush()
            if process.wait(300) != 0:
                raise Failed(f"parked, {side}: status {process.returncode}")
        finally:
            process.kill()
    return int(float(said["parked"])), taken, kernel_threads


def parked_threads(bench, group):
    """A million with small stacks; with default ones each has a page table of its own, and takes longer."""
    report = bench.report
    counts = {server.UNTHREAD: 100000, LITTLE_STACKS: 1000000, server.NATIVE: 100000}
    if bench.short:
        counts = {server.UNTHREAD: 30000, LITTLE_STACKS: 30000}
    for side, wanted in counts.items():
        case = f"{wanted:,} parked threads asked for"
        bench.progress(f"memory, {case}, {side}")
        # What the whole machine lost: few threads disappear in what others do meanwhile.
        rounds = [park(side, wanted) for _ in range(3 if bench.short else 1)]
        parked, taken, kernel_threads = (statistics.median(each) for each in zip(*rounds))
        group.add(case, side, all_of_it=taken / parked, kernel_threads=kernel_threads, parked=parked)
        if side == server.NATIVE:
            continue
        report.count(group, f"{wanted:,} parked threads, {side}: made", parked, wanted, False, "threads")
        report.count(group, f"{wanted:,} parked threads, {side}: memory", taken / 2**20,
                     11 * wanted / 1e6, True, "GiB")  # fmt: skip


def run(bench):
    group = bench.report.group(
        "memory", "Memory",
        "Of the process and of the kernel (kernel stacks, page tables, slab), for each connection or "
        "thread, in KB. The sockets themselves cost the same on all sides and are shown apart, as what they "
        "cost an epoll server. “MemAvailable”: what the whole machine lost.",
        [*METRICS, Metric("parked", "threads", less_is_better=False)],
    )  # fmt: skip
    idle_connections(bench, group, 2000 if bench.short else IDLE)
    if not bench.short:
        most_connections(bench, group)
    parked_threads(bench, group)
