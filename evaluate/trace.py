# SPDX-License-Identifier: MIT
"""Runs a program under unthread for a while, or asks one that runs, and reads the account: which threads there were,
which locks they waited for, what held kernel threads, and what did not wait."""

import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import sampler
from daemon import Failed, clean_environment, dies_with_us, end_session, outcome, printable
from findings import DEGRADED, GOOD, NOTE

LOAD_AFTER = 1.0  # second, for the program to be ready
STOP_SECONDS = 10.0
ANSWER_SECONDS = 10.0  # for the account of a running process
COUNTER = re.compile(r"^\s*(\d+)  (\S.*)$")
KIND = re.compile(r"^\s*(\d+)\s+([\d.]+)\s+([\d.]+)  (\S.*)$")
DEEP = re.compile(r"^ {30,}(\S.*)$")
LONG = 10.0  # ms: a call that kept its kernel thread so long is named
COMPUTES = 0.6  # share of its CPU time outside the kernel from which on it counts as computing
LEAST_CPU = 0.1  # seconds, to say anything of how they were spent
MOST_KINDS = 5
MOST_LOCKS = 3
# The account's tables, by the title that it gives them.
TABLES = {"which threads there were": "threads", "which locks were waited for": "locks",
          "what held a kernel thread": "kinds"}  # fmt: skip
TITLE = re.compile("(" + "|".join(TABLES) + "): the worst of")
LOCK = re.compile(r"(\w+) of (.*)")  # the call, and where the lock is


def read_account(text):
    """Counters by what they count, and the tables' rows; of the last account in the text."""
    account, rows = {"counters": {}, **{name: [] for name in TABLES.values()}}, None
    for line in text.splitlines():
        line = re.sub(r"^unthread\[\d+\]: ", "", line)
        if found := TITLE.search(line):
            rows = account[TABLES[found[1]]] = []
        elif rows is not None and (found := KIND.match(line)):
            times, total, longest, what = found.groups()
            rows.append({"times": int(times), "total_ms": float(total), "longest_ms": float(longest),
                         "what": printable(what), "stack": []})  # fmt: skip
        elif rows and (found := DEEP.match(line)):
            rows[-1]["stack"].append(printable(found[1]))
        elif found := COUNTER.match(line):
            rows = None
            account["counters"][found[2]] = int(found[1])
    return account


def _watch(pid, seconds, process=None, then=None):
    """What the kernel says meanwhile; ends early with the process. `then` is called LOAD_AFTER its start."""
    start, cpu = time.monotonic(), sampler.cpu_seconds(pid)
    most, names, used, first, last = 0, set(), 0.0, sampler.ticks(pid), (0, 0)
    while time.monotonic() < start + seconds and (process is None or process.poll() is None):
        time.sleep(min(0.25, max(0.0, start + seconds - time.monotonic())))
        most = max(most, sampler.threads_and_resident(pid)[0])
        if then and time.monotonic() > start + LOAD_AFTER:
            then()
            then = None
        used, last = max(used, sampler.cpu_seconds(pid) - cpu), max(last, sampler.ticks(pid), key=sum)
        for task in Path(f"/proc/{pid}/task").glob("*/comm"):
            try:
                names.add(printable(task.read_text().strip()))
            except OSError:
                continue
    elapsed = time.monotonic() - start
    user, system = (max(0, after - before) for before, after in zip(first, last))
    return {"seconds": round(elapsed, 2), "cpu_seconds": round(used, 3), "kernel_threads": most,
            "cpu_share": round(used / elapsed / len(os.sched_getaffinity(0)), 4),
            "user_share": round(user / (user + system), 3) if user + system else None, "names": sorted(names)}  # fmt: skip


def _start(command, where=None):
    return subprocess.Popen(command, shell=isinstance(command, str), stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=clean_environment(), cwd=where,
                            start_new_session=True, preexec_fn=dies_with_us)  # fmt: skip


def run(unthread, words, seconds, load):
    """A trace of the program with these words, under the load of a shell command, if there is one."""
    with tempfile.TemporaryDirectory(prefix="unthread-check-") as folder:
        log = os.path.join(folder, "account")
        program = _start([unthread, "--stats", f"--log-file={log}", "--", *words])
        drivers = []
        try:
            watched = _watch(program.pid, seconds, program, (lambda: drivers.append(_start(load))) if load else None)
            ended_alone = program.poll() is not None
            if not ended_alone:
                program.send_signal(signal.SIGTERM)
            try:
                code = program.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                raise Failed(f"it did not end {STOP_SECONDS:g} s after SIGTERM: no account") from None
            if not os.path.exists(log) or not (text := Path(log).read_text(errors="replace")):
                raise Failed(f"it left no account ({outcome(code)}): did it end by a signal, or start another program?")
            return {**watched, **read_account(text), "outcome": outcome(code), "ended_alone": ended_alone}
        finally:
            for process in (*drivers, program):
                end_session(process)


def attach(pid, seconds):
    """A trace of a process that was started with --stats-signal and --log-file."""
    environment = dict(word.split("=", 1) for word in Path(f"/proc/{pid}/environ").read_text().split("\0") if "=" in word)
    name, log = environment.get("UNTHREAD_STATS_SIGNAL", "off"), environment.get("UNTHREAD_LOG_FILE")
    if name == "off" or not log:
        raise Failed("to be asked while it runs, it must have been started with --stats-signal=usr2 and --log-file=FILE")
    watched = _watch(pid, seconds)
    path = Path(f"/proc/{pid}/root{log}" if log.startswith("/") else f"/proc/{pid}/cwd/{log}")
    size = path.stat().st_size if path.exists() else 0
    os.kill(pid, getattr(signal, "SIG" + name.upper()))
    end = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < end:
        text = path.read_text(errors="replace")[size:] if path.exists() else ""
        if "what held a kernel thread" in text:
            return {**watched, **read_account(text), "outcome": "runs", "ended_alone": False}
        time.sleep(0.05)
    raise Failed(f"no account in {path} after SIG{name.upper()}")


def _counter(trace, words):
    return next((count for text, count in trace["counters"].items() if text.startswith(words)), 0)


# Counters that are nothing to worry about at 0: how they begin, and what it means that they are not.
TELLING = (
    ("dlopen calls whose RTLD_DEEPBIND", "libraries that were to be loaded with RTLD_DEEPBIND were loaded without it"),
    ("syscall() numbers passed to the kernel unknown", "calls of syscall() that unthread does not know kept a kernel thread"),
    ("stacks without a guard", "stacks have no guard page: vm.max_map_count is too low (see unthread doctor)"),
    ("kinds of calls inside libc that could not", "libc's own waits, in name look-ups and stdio, keep kernel threads here"),
    ("threads that got a kernel thread of their own", "threads keep a kernel thread for life: they asked for CPUs of their own"),
)


def add_findings(report, trace):
    """What really happened, as findings."""
    report.trace = trace
    made = _counter(trace, "coroutines made")
    report.facts["traced"] = (f"{trace['seconds']:g} s, {made:,} threads were coroutines, at most {trace['kernel_threads']} "
                              f"kernel threads, {trace['cpu_share']:.0%} of the CPUs used")  # fmt: skip
    if not made:
        report.add(NOTE, "made no thread that became a coroutine", "The trace proves nothing about its threads.",
                   [f"ended with {trace['outcome']}"], "give --load, or more seconds")  # fmt: skip
    if trace["threads"]:
        report.facts["its threads"] = ", ".join(f"{row['times']:,} × {row['what']}" for row in trace["threads"][:MOST_KINDS])
    if native := _counter(trace, "threads left native"):
        report.add(DEGRADED, f"{native} threads stayed native", "They have stacks of the program's own, a real-time class, or were "
                   "excluded by an option.")  # fmt: skip
    for words, meaning in TELLING:
        if count := _counter(trace, words):
            report.add(NOTE, f"{count:,} × {words}…", meaning[0].upper() + meaning[1:] + ".")
    for kind in trace["kinds"][:MOST_KINDS]:
        computes = kind["what"].startswith("computing")
        if kind["longest_ms"] < LONG:
            continue
        why = ("The others went on with another kernel thread meanwhile." if computes else
               "It kept a kernel thread while it blocked; the others went on with another one.")  # fmt: skip
        report.add(NOTE, f"{kind['what']} held a kernel thread {kind['times']:,} times", why,
                   [f"{kind['total_ms']:,.0f} ms in all, {kind['longest_ms']:,.0f} ms the longest", *kind["stack"][:4]])  # fmt: skip
    for row in sorted(trace["locks"], key=lambda row: -row["longest_ms"])[:MOST_LOCKS]:
        if row["longest_ms"] < LONG or not (found := LOCK.fullmatch(row["what"])):
            continue
        call, lock = found.groups()
        futex = call == "futex"
        report.add(NOTE, f"threads slept {row['times']:,} times for {'the futex' if futex else 'the lock'} {lock}",
                   "A lock of the program's own, or something else that it waits for by futex(2)." if futex else
                   "Coroutines wait for one another as threads do: what a lock allows one at a time does not become faster.",
                   [call, f"{row['total_ms']:,.0f} ms in all, {row['longest_ms']:,.0f} ms the longest", *row["stack"][:4]])  # fmt: skip
    if made and not trace["kinds"]:
        report.add(GOOD, "nothing held a kernel thread", "Every thread that waited gave its kernel thread back.")
    if made and trace["cpu_seconds"] > LEAST_CPU and trace["user_share"] is not None:
        computes = trace["user_share"] > COMPUTES
        report.add(NOTE if computes else GOOD, "mostly computes" if computes else "mostly in the kernel, when it is not waiting",
                   "What a program computes is computed natively as well: only the kernel's part can become less.",
                   [f"{trace['cpu_share']:.0%} of the CPUs' time, {1 - trace['user_share']:.0%} of that in the kernel"])  # fmt: skip
