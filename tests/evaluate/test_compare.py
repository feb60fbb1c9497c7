# SPDX-License-Identifier: MIT
"""unthread compare: what load generators print, what samples say, and whole comparisons of small daemons."""

import csv
import json
import math
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "evaluate"))

import daemon  # noqa: E402
import loads  # noqa: E402
import stats  # noqa: E402
import verdict  # noqa: E402

SERVER = str(Path(__file__).resolve().parent / "threaded_http")
PATIENCE = 30


def expect(seen, wanted, what=""):
    assert seen == wanted, f"{what}: {seen!r} and not {wanted!r}"


# Load generators, as they print. Those that are small enough to run are run.


@contextmanager
def small_server(build):
    port = daemon.free_port()
    with daemon.Daemon([SERVER, str(port)], port, [0]):
        yield port


def output(*words):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=PATIENCE).stdout


def check_times(found, names):
    times = [found[name] for name in names]
    assert times == sorted(times) and times[0] > 0, found
    assert times[-1] < 1000 * PATIENCE, found


def check_rate(found, seconds):
    """Tools print rate and count: they must fit each other, whatever was taken for what."""
    assert found["throughput"] > 0, found
    taken = found["requests"] / found["throughput"]
    assert seconds / 2 < taken < seconds * 2, (found, taken)


def test_reads_wrk(build):
    with small_server(build) as port:
        found = loads.parse(output("wrk", "-t1", "-c4", "-d1", "--latency", f"http://127.0.0.1:{port}/"))
        check_rate(found, 1)
        check_times(found, ["p50", "p90", "p99", "max"])
        expect(found["errors"], 0)
        found = loads.parse(output("wrk", "-t1", "-c4", "-d1", f"http://127.0.0.1:{port}/missing"))
        expect(found["errors"], found["requests"], "each 404 is an error")
        assert "p99" not in found, "without --latency there is none"


def test_reads_ab(build):
    with small_server(build) as port:
        found = loads.parse(output("ab", "-q", "-c", 4, "-n", 400, f"http://127.0.0.1:{port}/"))
        expect((found["requests"], found["errors"]), (400, 0))
        assert found["throughput"] > 1 and found["p50"] <= found["p99"] <= found["max"], found
        found = loads.parse(output("ab", "-q", "-c", 4, "-n", 40, f"http://127.0.0.1:{port}/missing"))
        expect(found["errors"], 40)


def test_reads_h2load(build):
    with small_server(build) as port:
        found = loads.parse(output("h2load", "--h1", "-c4", "-n400", f"http://127.0.0.1:{port}/"))
        expect((found["requests"], found["errors"]), (400, 0))
        assert found["throughput"] > 1 and found["max"] > 0, found
        found = loads.parse(output("h2load", "--h1", "-c4", "-n40", f"http://127.0.0.1:{port}/missing"))
        expect(found["errors"], 40)


def test_reads_hey(build):
    with small_server(build) as port:
        found = loads.parse(output("hey", "-n", 400, "-c", 4, f"http://127.0.0.1:{port}/"))
        expect((found["requests"], found["errors"]), (400, 0))
        check_times(found, ["p50", "p90", "p99", "max"])
        found = loads.parse(output("hey", "-n", 40, "-c", 4, f"http://127.0.0.1:{port}/missing"))
        expect(found["errors"], 40)


def test_reads_siege(build):
    with small_server(build) as port, tempfile.TemporaryDirectory() as home:
        ran = subprocess.run(["siege", "-b", "-c4", "-r100", f"http://127.0.0.1:{port}/"], capture_output=True, text=True,
                             timeout=PATIENCE, env={**os.environ, "HOME": home})  # fmt: skip
        found = loads.parse(ran.stdout + ran.stderr)
        expect((found["requests"], found["errors"]), (400, 0))
        assert found["throughput"] > 1 and found["max"] >= 0, found


def test_reads_redis_benchmark(build):
    port = daemon.free_port()
    with daemon.Daemon(["redis-server", "--port", "{port}", "--save", "", "--dir", "{dir}"], port, [0]):
        base = ["redis-benchmark", "-p", port, "-n", 2000, "-c", 4, "-t", "get"]
        whole, brief, table = (loads.parse(output(*base, *more)) for more in ([], ["-q"], ["--csv"]))
    expect(whole["requests"], 2000)
    check_times(whole, ["p50", "p95", "p99", "max"])
    check_times(table, ["p50", "p95", "p99", "max"])
    for found in (whole, brief, table):
        assert found["throughput"] > 100, found


def test_reads_own_load(build):
    with small_server(build) as port:
        base = [build / "tests" / "bench" / "load", "--port", port, "--path", "/", "--connections", 4]
        found = loads.parse(output(*base, "--seconds", 1))
        check_rate(found, 1)
        check_times(found, ["p50", "p90", "p99", "p99.9", "max"])
        paced = loads.parse(output(*base, "--seconds", 1, "--rate", 200, "--new-connections"))
        assert 180 <= paced["throughput"] <= 220, paced
        expect((found["errors"], paced["errors"]), (0, 0))
        chunked = loads.parse(output(*base[:3], "--path", "/chunked", "--requests", 50))
        expect((chunked["requests"], chunked["errors"]), (50, 0))


SYSBENCH = """
SQL statistics:
    queries performed:
        read:                            30842
        total:                           44060
    transactions:                        2203   (220.05 per sec.)
    queries:                             44060  (4400.94 per sec.)
    ignored errors:                      3      (0.00 per sec.)
    reconnects:                          0      (0.00 per sec.)

Latency (ms):
         min:                                    2.44
         avg:                                    4.54
         max:                                   21.53
         95th percentile:                        6.91
         sum:                                 9996.92
"""
HISTOGRAM = """
Latency histogram (values are in milliseconds)
       value  ------------- distribution ------------- count
       1.000 |****************************************  50
       2.000 |********************                      45
       9.000 |*                                         5
"""
PGBENCH = """
number of clients: 10
number of transactions actually processed: 21503
number of failed transactions: 2 (0.009%)
latency average = 4.646 ms
initial connection time = 12.3 ms
tps = 2152.441003 (without initial connection time)
"""
OHA = json.dumps({"summary": {"requestsPerSec": 1234.5, "slowest": 0.05}, "statusCodeDistribution": {"200": 90, "503": 10},
                  "errorDistribution": {"connection closed": 2},
                  "latencyPercentiles": {"p50": 0.001, "p90": 0.002, "p99": 0.01, "p99.9": 0.02}})  # fmt: skip


def test_reads_what_others_printed(_):
    found = loads.parse(SYSBENCH)
    expect((found["throughput"], found["requests"], found["errors"], found["p95"], found["max"]),
           (4400.94, 44060, 3, 6.91, 21.53))
    found = loads.parse(HISTOGRAM + SYSBENCH)
    expect((found["p50"], found["p90"], found["p99"], found["p99.9"]), (1, 2, 9, 9))
    found = loads.parse(PGBENCH)
    expect((found["throughput"], found["requests"], found["errors"], found["mean"]), (2152.441003, 21503, 2, 4.646))
    found = loads.parse(OHA)
    expect((found["throughput"], found["requests"], found["errors"], found["p99"], found["max"]), (1234.5, 100, 12, 10, 50))


def test_reads_by_pattern(_):
    patterns = [("throughput", r"did ([\d,.]+) things"), ("p99", r"p99=([\d.]+)(\w+)")]
    found = loads.parse("did 1,200.5 things, p99=250us", patterns)
    expect(found, {"throughput": 1200.5, "p99": 0.25})
    for text in ("did nothing", "did 1 things, p99=1lightyear"):
        try:
            loads.parse(text, patterns)
        except loads.Unreadable:
            continue
        raise AssertionError(f"read from {text!r}")


def test_refuses_what_it_does_not_know(_):
    for text in ("", "hello", "{}", "[1]", '{"summary": 3}', "null", "Requests/sec: x"):
        try:
            found = loads.parse(text)
        except loads.Unreadable:
            continue
        raise AssertionError(f"{found} from {text!r}")


# Samples.


def test_interval_of_equal_ratios(_):
    center, (low, high) = stats.interval([1.25] * 5)
    assert all(math.isclose(value, 1.25) for value in (center, low, high))
    expect(stats.interval([1.0, 1.1])[1], None, "two runs")


def test_intervals_hold_what_they_promise(_):
    """Of experiments with a known truth, about 95 % have it in their interval; for five runs as well."""
    chance = random.Random(7)
    for runs in (5, 12):
        held, trials = 0, 300
        for _ in range(trials):
            low, high = stats.interval([1.2 * math.exp(chance.gauss(0, 0.08)) for _ in range(runs)])[1]
            held += low <= 1.2 <= high
        assert 0.91 <= held / trials <= 0.99, (runs, held / trials)


def made(side, level, run, **metrics):
    return {"side": side, "level": level, "run": run, "series": [], "load_share": 0.5, "daemon_share": 0.95,
            "others_share": 0.0, "metrics": {"errors": 0, **metrics}}  # fmt: skip


def samples_of(factor, noise=0.01, level=64, runs=5, **more):
    chance, found = random.Random(1), []
    for run in range(runs):
        for side, rate in (("native", 1000.0), ("unthread", 1000.0 * factor)):
            rate *= math.exp(chance.gauss(0, noise))
            found.append({**made(side, level, run, throughput=rate, p99=5000 / rate, cpu=1e6 / rate), **more})
    return found


def judged(found):
    samples = verdict.Samples(found)
    changes = verdict.changes(samples, "unthread")
    return samples, changes, verdict.sentence(samples, "unthread", changes)


def test_verdict_better(_):
    _, changes, sentence = judged(samples_of(1.3))
    assert "unthread is better than native, 64 connections: 1.3" in sentence, sentence
    expect(verdict.regressions(changes), [])


def test_verdict_worse(_):
    _, changes, sentence = judged(samples_of(0.8))
    assert "unthread is worse than native" in sentence, sentence
    expect({change.metric for change in verdict.regressions(changes)}, {"throughput", "cpu", "p99"})


def test_verdict_no_difference(_):
    for found in (samples_of(1.0), samples_of(1.05, noise=0.2), samples_of(1.005, noise=0.0001)):
        sentence = judged(found)[2]
        assert sentence.startswith("No difference between unthread and native"), sentence


def test_verdict_of_few_runs(_):
    sentence = judged(samples_of(1.3, runs=2))[2]
    assert "Too few runs" in sentence, sentence


def test_verdict_of_two_levels(_):
    """Better at one, worse at the other: the second has to be named."""
    _, changes, _ = judged(samples_of(1.5, level=16) + samples_of(0.7, level=256))
    expect({change.level for change in verdict.regressions(changes)}, {256})


def test_warnings(_):
    def warned(**more):
        return " ".join(verdict.warnings(verdict.Samples(samples_of(1, **more)), False))

    expect(warned(), "")
    assert "load generator is the bottleneck" in warned(load_share=0.97, daemon_share=0.4)
    assert "noisy" in warned(others_share=0.3)
    assert "runs disagree" in warned(noise=0.5)


def test_logs_that_differ_in_numbers_only(_):
    first = daemon.log_kinds("2026-11-27 7:00:01 3 [Note] at /tmp/a1/dir/x, uid DELMn3Kp=\nready\n", "/tmp/a1/dir")
    second = daemon.log_kinds("ready\n2026-11-28 9:10:11 4 [Note] at /tmp/bcd/dir/x, uid on0qTkfVj\n", "/tmp/bcd/dir")
    expect(first, second)
    assert daemon.log_kinds("[ERROR] at 1\n", "/x") - first


def test_conditions(_):
    samples = verdict.Samples(samples_of(0.8))
    for text, holds in (("p99>1.1*native", True), ("p99>1.5*native", False), ("throughput<native", True),
                        ("throughput < 900", True), ("errors>0", False), ("cpu>=2*native", False),
                        ("p999>1*native", True), ("throughput<1*pool", True)):  # fmt: skip
        expect(bool(verdict.Condition(text).held_at(samples)), holds, text)
    for text in ("", "p99", "p99>", "speed>1", "p99>>1", "p99>1.1.1*native", "p99>1*"):
        try:
            verdict.Condition(text)
        except verdict.BadCondition:
            continue
        raise AssertionError(f"taken for a condition: {text!r}")


# Whole comparisons.


def compare(build, *words, expected=0, keep=()):
    """Runs it; returns what it printed and the JSON."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory)
        ran = subprocess.run(
            [build / "shim" / "unthread", "compare", "--json", path / "whole.json", *keep, *words],
            capture_output=True, text=True, timeout=120, cwd=directory)  # fmt: skip
        text = ran.stdout + ran.stderr
        expect(ran.returncode, expected, text)
        assert "Traceback" not in text, text
        written = path / "whole.json"
        content = written.read_text() if written.exists() else ""
        whole = json.loads(content) if content else None
        others = {file.name: file.read_text() for file in path.iterdir() if file.is_file()}
    return text, whole, others


SHORT = ["--levels", "2,8", "--runs", "3", "--seconds", "0.4"]


def test_compares(build):
    text, whole, files = compare(
        build, *SHORT, "--http", "/", "--csv", "table.csv", "--html", "page.html", "--", SERVER, "{port}")
    expect(whole["failures"], [])
    expect([side["name"] for side in whole["sides"]], ["native", "unthread"])
    expect(len(whole["samples"]), 2 * 2 * 3)
    order = [one["side"] for one in whole["samples"] if one["level"] == 2]
    expect(order, ["native", "unthread", "unthread", "native", "native", "unthread"], "interleaved")
    for one in whole["samples"]:
        assert one["metrics"]["throughput"] > 0 and one["metrics"]["cpu"] > 0 and one["metrics"]["threads"] >= 1, one
    for name in ("p50", "p90", "p99", "p99.9", "max", "errors", "pss", "rss", "descriptors", "switches voluntary"):
        assert name in whole["samples"][0]["metrics"], name
    native = [one["metrics"]["threads"] for one in whole["samples"] if one["side"] == "native" and one["level"] == 8]
    assert min(native) >= 9, f"a thread for each of 8 connections: {native}"
    expect(whole["behaviour"], [])
    assert whole["machine"]["build-id"] and whole["verdicts"][0] in text
    rows = list(csv.DictReader(files["table.csv"].splitlines()))
    expect(len(rows), len(whole["samples"]))
    assert float(rows[0]["throughput"]) > 0
    page = files["page.html"]
    assert whole["verdicts"][0] in page.replace("&#x27;", "'")
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", page), "the page refers to the network"


def test_notices_another_answer_and_a_slower_side(build):
    """The server is slower, and answers something else, where the library is loaded."""
    text, whole, _ = compare(build, "--levels", "4", "--runs", "3", "--seconds", "0.5", "--http", "/preloaded",
                             "--fail-if", "throughput<0.8*native", "--", SERVER, "{port}", expected=1)  # fmt: skip
    assert "unthread is worse than native" in whole["verdicts"][0], whole["verdicts"]
    assert {one["metric"] for one in whole["regressions"]} >= {"throughput", "p99"}, whole["regressions"]
    assert any("answer differs" in line for line in whole["behaviour"]), whole["behaviour"]
    assert any("prints what it does not" in line for line in whole["behaviour"]), whole["behaviour"]
    assert "FAIL throughput<0.8*native" in text, text


def test_open_loop(build):
    """As many requests as were asked for, whatever the side; with a connection for each."""
    _, whole, _ = compare(build, "--levels", "4", "--runs", "1", "--seconds", "1", "--http", "/", "--rate", "200",
                          "--new-connections", "--", SERVER, "{port}")  # fmt: skip
    for one in whole["samples"]:
        assert 180 <= one["metrics"]["throughput"] <= 220 and one["metrics"]["p99.9"] > 0, one
        expect(one["metrics"]["errors"], 0)


def test_pool_is_a_third_side(build):
    load = f"{build}/tests/bench/load --port {{port}} --path / --connections {{connections}} --seconds {{seconds}}"
    _, whole, _ = compare(build, "--levels", "2", "--runs", "1", "--seconds", "0.3", "--load", load,
                          "--pool", f"{SERVER} {{port}} pool", "--", SERVER, "{port}")  # fmt: skip
    expect([one["side"] for one in whole["samples"]], ["native", "unthread", "pool"])
    assert len(whole["verdicts"]) == 2 and "Too few runs" in whole["verdicts"][0], whole["verdicts"]


LOAD = ["--levels", "2", "--runs", "1", "--seconds", "0.3"]


def test_daemon_that_does_not_start(build):
    text, whole, _ = compare(build, *LOAD, "--load", "true", "--", "/bin/sh", "-c", "echo no; exit 3", "{port}", expected=3)
    assert "ended before it was ready (exit 3), it said: …no" in text, text
    assert whole["failures"], whole
    text, _, _ = compare(build, *LOAD, "--load", "true", "--", "/bin/true", "{port}", expected=3)
    assert "does it go into the background?" in text, text


def test_daemon_that_never_listens(build):
    text, _, _ = compare(build, *LOAD, "--patience", "0.5", "--load", "true", "--", "/bin/sleep", "60", "{port}",
                         expected=3)  # fmt: skip
    assert "not ready after 0.5 s, nothing listens on port" in text, text


def test_daemon_that_dies_under_load(build):
    """The warm-up and the first level are good; then the load kills it. What was measured is kept."""
    load = (f"if [ {{connections}} = 8 ]; then kill -SEGV {{pid}}; sleep 5; fi; {build}/tests/bench/load --port {{port}} "
            "--path / --connections {connections} --seconds {seconds}")  # fmt: skip
    text, whole, _ = compare(build, "--levels", "2,8", "--runs", "2", "--seconds", "0.3", "--load", load, "--", SERVER,
                             "{port}", expected=3)  # fmt: skip
    assert "native, run 1: the daemon died (SIGSEGV)" in text, text
    expect([(one["side"], one["level"]) for one in whole["samples"]], [("native", 2)])


def test_load_that_fails(build):
    text, _, _ = compare(build, *LOAD, "--load", "echo broken; exit 7", "--", SERVER, "{port}", expected=3)
    assert "the load ended with status 7: broken" in text, text
    text, _, _ = compare(build, *LOAD, "--load", "echo what", "--", SERVER, "{port}", expected=3)
    assert "is of none of: wrk, ab" in text and "it printed: what" in text, text


def test_port_that_is_taken(build):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        text, _, _ = compare(build, *LOAD, "--port", str(port), "--load", "true", "--", SERVER, str(port), expected=3)
    assert f"port {port} is taken by another program" in text, text


def test_refusals(build):
    server = ["--", SERVER, "{port}"]
    for words, said in (
        (["--load", "true", "--", "/no/such/daemon", "{port}"], "no such program"),
        (["--load", "true", "--", SERVER], "no {port} in the command"),
        (["--load", "true", "--levels", "0", *server], "less than one"),
        (["--load", "true", "--levels", "many", *server], "not numbers"),
        (["--load", "true", "--fail-if", "speed>1", *server], "no such metric"),
        (["--load", "true", "--rate", "5", *server], "belong to --http"),
        (["--load", "true", "--pattern", "nonsense", *server], "METRIC=REGEX"),
        (["--load", "true", "--pool", "'", *server], "--pool"),
        (["--load", "true", "--html", "/no/such/place", *server], "No such file"),
        (["--load", "true", "--http", "/", *server], "not allowed with"),
        (server, "required"),
    ):
        text, _, _ = compare(build, *words, expected=2)
        assert said in text, (words, text)


def processes_with(mark):
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark in (entry / "cmdline").read_bytes():
                found.append(entry.name)
        except OSError:
            continue
    return found


def interrupted(build, number, expected):
    """Interrupted in the second run: it says so, keeps the first, and no process stays."""
    mark = f"mark-{os.getpid()}-{time.monotonic_ns()}"
    with tempfile.TemporaryDirectory() as directory:
        whole = Path(directory) / "whole.json"
        process = subprocess.Popen(
            [build / "shim" / "unthread", "compare", "--levels", "2", "--runs", "50", "--seconds", "0.3", "--http", "/",
             "--json", whole, "--", SERVER, "{port}", mark],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # in the background it may be ignored  # fmt: skip
        for line in process.stderr:
            if line.startswith("run 2 of 50, native: 2 conn"):
                break
        process.send_signal(number)
        text, _ = process.communicate(timeout=PATIENCE)
        expect(process.returncode, expected, text)
        assert "Interrupted" in text, text
        kept = json.loads(whole.read_text())
    assert kept["interrupted"] and len(kept["samples"]) >= 2, kept
    expect(processes_with(mark.encode()), [], "left behind")


def test_interrupted(build):
    interrupted(build, signal.SIGINT, 130)
    interrupted(build, signal.SIGTERM, 130)


def test_killed_leaves_nothing_behind(build):
    mark = f"mark-{os.getpid()}-{time.monotonic_ns()}"
    with tempfile.TemporaryDirectory() as directory:
        process = subprocess.Popen(
            [build / "shim" / "unthread", "compare", "--levels", "2", "--seconds", "60", "--http", "/", "--", SERVER, "{port}",
             mark], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": directory})  # fmt: skip
        for line in process.stderr:
            if "2 connections" in line:
                break
        process.kill()
        process.wait()
    end = time.monotonic() + PATIENCE
    while processes_with(mark.encode()):
        assert time.monotonic() < end, f"left behind: {processes_with(mark.encode())}"
        time.sleep(0.05)


def test_runs_where_it_is_installed(build):
    """In another place than it was made for: the tree has been moved."""
    with tempfile.TemporaryDirectory() as place:
        subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", place], check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip
        (unthread,) = Path(place).rglob("bin/unthread")
        ran = subprocess.run([unthread, "compare", *LOAD, "--http", "/", "--", SERVER, "{port}"], capture_output=True,
                             text=True, timeout=PATIENCE)  # fmt: skip
        expect(ran.returncode, 0, ran.stdout + ran.stderr)
