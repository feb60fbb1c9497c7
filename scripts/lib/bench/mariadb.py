# SPDX-License-Identifier: MIT
"""MariaDB: a thread for each connection, its own pool of threads, and unthread; the load is sysbench."""

import re
import shutil
import subprocess

import mariadb
import places
import sampler
import server
from bench.report import Metric
from bench.setting import Failed

SIDES = (server.NATIVE, mariadb.POOL, server.UNTHREAD)
TABLES = ("--tables=4", "--table-size=25000")
LUA = places.ROOT / "tests" / "bench" / "mariadb"
LOADS = {
    "SELECT 1": LUA / "select_1.lua",
    "point select": "oltp_point_select",
    "read only": "oltp_read_only",
    "read write": "oltp_read_write",
    "connect, query, disconnect": LUA / "connect.lua",
}
CONNECTIONS = (16, 64, 256, 1024, 4096)
CONNECTING = (16, 64, 256)  # at once: behind them is the listen backlog
MANY = 256  # from here on unthread has to gain
IDLE = 10000
OPTIONS = (
    *mariadb.PRODUCTION,
    "--max-connections=12000",
    "--back-log=4096",
    "--innodb-buffer-pool-size=512M",
    "--table-open-cache=8192",
    "--max-prepared-stmt-count=1000000",
)
COST, RATE, P99 = "CPU per query", "queries per second", "p99"
METRICS = [
    Metric(COST, "us", plot=True),
    Metric(RATE, "", plot=True, less_is_better=False),
    Metric("p95", "ms"),
    Metric(P99, "ms", plot=True),
    Metric("switches per query", ""),
    Metric("kernel threads", ""),
    Metric("resident", "MB"),
    Metric("kernel memory", "MB"),
]
HELD_AT = 0.75  # of a load's time
MEMORY_METRICS = [
    Metric("all of it", "KB", plot=True),
    Metric("resident", "KB"),
    Metric("kernel", "KB"),
    Metric("kernel threads", ""),
]


def sysbench(bench, port, load, *words):
    done = subprocess.run(
        ["taskset", "-c", str(bench.load_cpu), "sysbench", str(load), "--db-driver=mysql",
         "--mysql-host=127.0.0.1", f"--mysql-port={port}", "--mysql-user=root", "--mysql-db=sysbench",
         *(TABLES if isinstance(load, str) else ()), *words],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    if done.returncode:
        said = [line for line in done.stdout.splitlines() if "FATAL" in line] or [done.stderr]
        raise Failed(f"sysbench {load}: {said[0][-300:]}")
    return done.stdout


def number(pattern, text):
    return float(re.search(pattern, text)[1])


def percentile(text, percent):
    """Of sysbench's histogram, in ms: of whole transactions, as long as the client saw them take."""
    bins = [(float(value), int(count)) for value, count in
            re.findall(r"^\s*([0-9.]+) \|[* ]*\s(\d+)$", text, re.MULTILINE)]  # fmt: skip
    wanted = sum(count for _, count in bins) * percent / 100
    for value, count in bins:
        wanted -= count
        if wanted <= 0:
            return value
    raise Failed("sysbench printed no histogram")


def measure(bench, running, group, name, connections, side):
    load = LOADS[name]
    seconds = max(1, bench.seconds)
    words = [f"--threads={connections}", "--histogram=on", "--mysql-ignore-errors=all", f"--time={seconds:g}"]
    sampler.wait_for_memory()
    quiet = sampler.sample(running.pid)
    before = sampler.cpu_seconds(running.pid)
    with sampler.Watcher(running.pid, at=HELD_AT * seconds) as watcher:
        text = sysbench(bench, running.port, load, *words, "run")
    cpu = sampler.cpu_seconds(running.pid) - before
    running.require_alive()
    if number(r"ignored errors:\s+(\d+)", text) and name != "read write":  # there deadlocks are ignored, and counted
        raise Failed(f"{name}, {side}: the server gave errors")
    queries = number(r"total:\s+(\d+)", text)
    rate = queries / number(r"total time:\s+([0-9.]+)s", text)
    held = watcher.held  # None: the load was over before it could be taken
    group.add(
        f"{name}, {connections:,}", side,
        CPU_per_query=cpu * 1e6 / queries,
        queries_per_second=rate,
        p95=percentile(text, 95),
        p99=percentile(text, 99),
        switches_per_query=held and watcher.switches_per_second / rate,
        kernel_threads=watcher.threads,
        resident=held and held.resident / 1024,
        kernel_memory=held and (held.kernel - quiet.kernel) / 1024,
    )  # fmt: skip


def idle_connections(bench, database, group, count):
    """Connections that have said who they are and ask nothing more."""
    import pymysql

    case = f"an idle connection of {count:,}"
    for turn, side in bench.in_turn(SIDES):
        bench.progress(f"mariadb, {count:,} idle connections, {side}, round {turn + 1}")
        with database.server(side, OPTIONS, cpu=bench.server_cpu) as running:
            def connect():
                return pymysql.connect(host="127.0.0.1", port=running.port, user="root")

            for warm in [connect() for _ in range(50)]:
                warm.close()
            sampler.wait_for_memory()
            before = sampler.sample(running.pid)
            connections = [connect() for _ in range(count)]
            sampler.wait_for_memory()
            after = sampler.sample(running.pid)
            for connection in connections[:: count // 100]:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT 1")
            resident = (after.resident - before.resident) / count
            kernel = (after.kernel - before.kernel) / count
            group.add(case, side, all_of_it=resident + kernel, resident=resident, kernel=kernel,
                      kernel_threads=after.threads)  # fmt: skip
            for connection in connections:
                connection._force_close()
    bench.report.ratio(group, f"{case} / native", case, "all of it", 0.6)


def judge(bench, group):
    report = bench.report
    for case in group.cases:
        name, connections = case.rsplit(", ", 1)
        connections = int(connections.replace(",", ""))
        if name.startswith("connect"):
            report.ratio(group, f"{case}: throughput / native", case, RATE, 1.2, at_most=False)
            continue
        report.ratio(group, f"{case}: p99 / native", case, P99, 1.0)
        if connections >= MANY:
            report.ratio(group, f"{case}: CPU per query / native", case, COST, 0.9)
            report.ratio(group, f"{case}: throughput / {mariadb.POOL}", case, RATE, 1.0,
                         other=mariadb.POOL, at_most=False)  # fmt: skip
        elif connections == min(CONNECTIONS):
            report.ratio(group, f"{case}: throughput / native", case, RATE, 0.98, at_most=False)


def run(bench):
    lacks = mariadb.missing() or (None if shutil.which("sysbench") else "sysbench is not installed")
    if lacks:
        bench.report.notes.append(f"mariadb was not measured: {lacks}")
        return
    group = bench.report.group(
        "mariadb", "MariaDB under sysbench, by connections",
        "Debian's mariadbd with performance schema, binary log (synced at each commit) and event "
        "scheduler, on one CPU: a thread for each connection, its own pool-of-threads, unthread. "
        "Latencies are of whole transactions. Context switches and memory are taken with all connections at work; "
        "the kernel's is what it has more than before, with the sockets of both ends.",
        METRICS,
    )  # fmt: skip
    names = ("SELECT 1", "point select") if bench.short else LOADS
    with mariadb.Database() as database:
        with database.server(server.NATIVE, OPTIONS) as running:
            import pymysql

            pymysql.connect(host="127.0.0.1", port=running.port, user="root").cursor().execute(
                "CREATE DATABASE sysbench"
            )
            sysbench(bench, running.port, "oltp_read_only", "prepare")
        for turn, side in bench.in_turn(SIDES):
            with database.server(side, OPTIONS, cpu=bench.server_cpu) as running:
                sysbench(bench, running.port, "oltp_read_only", "--threads=16", "--time=2", "run")
                for name in names:
                    sizes = CONNECTING if name.startswith("connect") else CONNECTIONS
                    for connections in sizes[:2] if bench.short else sizes:
                        bench.progress(f"mariadb, {name}, {connections:,}, {side}, round {turn + 1}")
                        measure(bench, running, group, name, connections, side)
        judge(bench, group)
        memory = bench.report.group(
            "mariadb-memory", "MariaDB, idle connections",
            "Of the server and of the kernel (stacks, page tables, slab with the sockets of both ends), in KB.",
            MEMORY_METRICS,
        )  # fmt: skip
        idle_connections(bench, database, memory, 1000 if bench.short else IDLE)
