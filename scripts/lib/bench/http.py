# SPDX-License-Identifier: MIT
"""HTTP with a new connection, and so a new thread, for each request; the load is wrk."""

import re
import shutil
import subprocess

import places
import sampler
import server
from bench.report import Metric
from bench.setting import Failed

METRICS = [
    Metric("requests per second", "", plot=True, less_is_better=False),
    Metric("CPU per request", "us", plot=True),
]
CASE = "64 clients, a connection per request"


def wrk(bench, port):
    command = ["wrk", "-t1", "-c64", f"-d{max(1, round(bench.seconds))}s", "-H", "Connection: close",
               f"http://127.0.0.1:{port}/"]  # fmt: skip
    done = subprocess.run(
        ["taskset", "-c", str(bench.load_cpu), *command], capture_output=True, text=True
    )
    rate = re.search(r"Requests/sec:\s+([0-9.]+)", done.stdout)
    count = re.search(r"(\d+) requests in", done.stdout)
    if done.returncode or not rate or "Non-2xx" in done.stdout:
        raise Failed(f"wrk: {done.stdout[-300:]}{done.stderr[-300:]}")
    errors = re.search(r"Socket errors: (.*)", done.stdout)
    if errors and not re.fullmatch(r"connect 0, read 0, write 0, timeout 0", errors[1]):
        raise Failed(f"wrk: {errors[1]}")
    return float(rate[1]), int(count[1])


def run(bench):
    group = bench.report.group(
        "http", "HTTP, a new connection for each request (wrk)",
        "A thread per connection: accept, pthread_create, read, answer, close.",
        METRICS,
    )  # fmt: skip
    if not shutil.which("wrk"):
        bench.report.notes.append("http was not measured: wrk is not installed")
    else:
        for turn, side in bench.in_turn(server.SIDES):
            bench.progress(f"http, {side}, round {turn + 1}")
            command = [places.BUILD / "tests" / "bench" / "hello", 0]
            with server.Server(command, side, cpu=bench.server_cpu) as running:
                wrk(bench, running.port)  # warms up
                before = sampler.cpu_seconds(running.pid)
                rate, count = wrk(bench, running.port)
                cpu = sampler.cpu_seconds(running.pid) - before
                running.stop()
            group.add(CASE, side, requests_per_second=rate, CPU_per_request=cpu * 1e6 / count)
    bench.report.ratio(group, "a new connection per request: throughput / native", CASE,
                       "requests per second", 1.3, at_most=False)  # fmt: skip
