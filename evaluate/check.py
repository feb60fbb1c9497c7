# SPDX-License-Identifier: MIT
"""Says whether a program will port, what it gains, and what stands in the way: from its files, and with --trace from a
run. A PROGRAM is a file, a name to be found in PATH, or the ID of a process, of which the libraries are seen that it
has loaded by itself."""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import check_page
import check_text
import closure
import elfs
import findings
import known
import table
import trace
from daemon import Failed, clean_environment, printable

REFUSED = 2
STATUS = """exit status: 0 it fits; 1 it fits, with notes; 2 it does not, or cannot be read, or the request makes no sense."""


def parse_arguments(words):
    parser = argparse.ArgumentParser(prog="unthread check", description=__doc__, epilog=STATUS)
    parser.add_argument("--json", action="store_true", help="prints JSON")
    parser.add_argument("--html", metavar="FILE", help="writes a page as well")
    parser.add_argument("--symbols", action="store_true", help="lists the functions and what becomes of each")
    parser.add_argument("--trace", type=float, metavar="SECONDS", help="runs PROGRAM ARGS so long under unthread, or asks the "
                        "process")  # fmt: skip
    parser.add_argument("--load", metavar="COMMAND", help="--trace: a shell command that runs beside it")
    parser.add_argument("--known", action="store_true", help="prints the programs that were tried")
    parser.add_argument("program", nargs="?", metavar="PROGRAM|PID")
    parser.add_argument("arguments", nargs="*", metavar="ARGS", help="of the program, after --")
    arguments = parser.parse_args(words)
    if not arguments.program and not arguments.known:
        parser.error("no program given")
    if arguments.load and not arguments.trace:
        parser.error("--load belongs to --trace")
    if arguments.trace is not None and not 0 < arguments.trace <= 86400:
        parser.error("--trace: not a number of seconds")
    return arguments


def print_known(as_json):
    found = known.load()
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        print(table.aligned(["program", "version", "date", "verdict", "from"],
                            [[one[field] for field in known.FIELDS] for one in found]))  # fmt: skip
    return 0


def examine(unthread, program):
    """What the unthread command would execute, or None; and why it refuses, or None."""
    asked = subprocess.run([unthread, "examine", program], capture_output=True, env=clean_environment())
    if asked.returncode == 0:
        return os.fsdecode(asked.stdout.removesuffix(b"\n")), None
    said = os.fsdecode(asked.stderr).strip()
    return None, said.removeprefix("unthread: ").removeprefix(f"{program}: ")


def of_file(unthread, program):
    """A report on a program; what cannot be read at all is one with a blocker."""
    path, refusal = examine(unthread, program)
    try:
        gathered = closure.gather(path or program)
    except elfs.Unreadable as why:
        gathered = closure.Closure(elfs.Image(program))
        refusal = refusal or str(why)
    return findings.judge(gathered, refusal, known.of(os.path.basename(program)))


def of_process(pid):
    gathered = closure.of_process(pid)
    loaded = any(name.startswith("libunthread.so") for name in gathered.libraries)
    report = findings.judge(gathered, None, known.of(os.path.basename(gathered.program.path)))
    report.facts["process"] = f"{pid}, {len(os.listdir(f'/proc/{pid}/task'))} kernel threads" + (
        ", under unthread already" if loaded else ""
    )
    return report, loaded


def evaluate(unthread, arguments):
    program = arguments.program
    if program.isascii() and program.isdigit() and not os.path.exists(program):
        report, loaded = of_process(int(program))
        if arguments.trace:
            if not loaded:
                raise Failed(f"process {program} does not run under unthread: nothing can be asked of it")
            trace.add_findings(report, trace.attach(int(program), arguments.trace))
        return report
    report = of_file(unthread, program)
    if arguments.trace and not report.of(findings.BLOCKER):
        words = [program, *arguments.arguments]
        trace.add_findings(report, trace.run(unthread, words, arguments.trace, arguments.load))
    return report


def main(unthread, words):
    arguments = parse_arguments(words)
    if arguments.known:
        return print_known(arguments.json)
    elfs.bound_memory()
    try:
        report = evaluate(unthread, arguments)
        whole = check_text.as_dict(report)
        if arguments.html:
            page = check_page.page(whole, time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()))
            Path(arguments.html).write_text(page, encoding="utf-8", errors="replace")
        print(json.dumps(whole, indent=1) if arguments.json else check_text.text(whole, arguments.symbols))
        return report.status
    except (Failed, elfs.Unreadable, OSError) as why:
        print(f"unthread: {printable(f'{arguments.program}: {why}')}", file=sys.stderr)
        return REFUSED
