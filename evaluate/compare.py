# SPDX-License-Identifier: MIT
"""Measures a daemon natively and under unthread, in turn, under a load of the user's, and says what
differs and how sure that is.

Each run starts every side afresh, warms it up, and climbs the ladder of connections. Daemon and load get CPUs of
their own. In commands stand {port} (a free one; fixed by --port), {dir} (a fresh directory for each start) and, in
the load's, {connections}, {seconds}, {threads} (CPUs of the load) and {pid} (of the daemon)."""

import argparse
import json
import os
import shlex
import shutil
import sys
import time
from pathlib import Path

import compare_page
import compare_text
import daemon
import fingerprint
import ladder
import verdict

DONE, CONDITION_HELD, REFUSED, INCOMPLETE = 0, 1, 2, 3
INTERRUPTED = 130
STATUS = """exit status: 0 measured; 1 a condition of --fail-if holds; 2 the request makes no sense; 3 something failed or
was missing, and what was measured before is in the report; 130 interrupted, the same."""
HERE = Path(__file__).resolve().parent


class Refused(Exception):
    """One line for the user."""


def parse_arguments(words):
    parser = argparse.ArgumentParser(prog="unthread compare", description=__doc__, epilog=STATUS,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    load = parser.add_mutually_exclusive_group(required=True)
    load.add_argument("--load", metavar="COMMAND", help="a shell command; the outputs of wrk, ab, h2load, hey, oha, siege, "
                      "sysbench, redis-benchmark and pgbench are understood")  # fmt: skip
    load.add_argument("--http", metavar="PATH", help="the load is this command's own: GET PATH over kept-alive connections")
    parser.add_argument("--rate", type=float, metavar="N", help="--http: N requests per second on a fixed schedule, whatever "
                        "the daemon does; times count from when a request was due")  # fmt: skip
    parser.add_argument("--new-connections", action="store_true", help="--http: a connection for each request")
    parser.add_argument("--levels", default="16,64,256,1024,4096", help="connections (%(default)s)")
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="of each side (%(default)s)")
    parser.add_argument("--seconds", type=float, default=5.0, help="of the load at each level (%(default)s)")
    parser.add_argument("--port", type=int, help="where the daemon listens, if its command has no {port}")
    parser.add_argument("--ready", metavar="COMMAND", help="succeeds once the daemon is ready (it listens on the port)")
    parser.add_argument("--setup", metavar="COMMAND", help="runs after each start")
    parser.add_argument("--sample", metavar="COMMAND", help="its output has to be the same on each side "
                        "(with --http: answers to PATH)")  # fmt: skip
    parser.add_argument("--pool", metavar="COMMAND", help="the daemon with its own thread pool: a third side")
    parser.add_argument("--options", default="", metavar="OPTIONS", help="of unthread, such as '--stack-size=64K'")
    parser.add_argument("--pattern", action="append", default=[], metavar="METRIC=REGEX", help="reads a number of the load's "
                        "output; a second group is the unit of a time")  # fmt: skip
    parser.add_argument("--patience", type=float, default=30.0, metavar="SECONDS", help="until it is ready (%(default)s)")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--csv", metavar="FILE")
    parser.add_argument("--html", metavar="FILE")
    parser.add_argument("--fail-if", action="append", default=[], metavar="CONDITION",
                        help="such as 'p99>1.1*native': exit status 1 if it holds at any level")  # fmt: skip
    parser.add_argument("daemon", nargs="+", metavar="DAEMON", help="and its arguments, after --; stays in the foreground")
    return parser.parse_args(words)


def own_load(unthread):
    """The load generator of this project: installed beside this file's folder, or in a build directory."""
    for place in (HERE.parent / "load", Path(unthread).parent.parent / "tests" / "bench" / "load"):
        if os.access(place, os.X_OK):
            return str(place)
    raise Refused("the load generator is not installed")


def http_commands(arguments, unthread):
    """The load of --http, and the sample that goes with it."""
    base = [own_load(unthread), "--port", "{port}", "--path", arguments.http]
    if arguments.new_connections:
        base.append("--new-connections")
    load = [*base, "--connections", "{connections}", "--seconds", "{seconds}"]
    if arguments.rate:
        load += ["--rate", f"{arguments.rate:g}"]
    # shlex would quote the braces, which is harmless: they are filled in before the shell sees them.
    sample = shlex.join([*base, "--connections", "4", "--requests", "16"])
    return shlex.join(load), sample + " | grep -o 'answers_hash.*'"


def pairs(patterns):
    found = []
    for text in patterns:
        name, equals, pattern = text.partition("=")
        if not equals or name not in ladder.BY_NAME and name != "requests":
            raise Refused(f"--pattern: not METRIC=REGEX with a metric of {', '.join(ladder.BY_NAME)}, requests: {text}")
        found.append((name, pattern))
    if found and "throughput" not in dict(found):
        raise Refused("--pattern: one for throughput is needed")
    return found


def levels_of(text):
    try:
        levels = sorted({int(word) for word in text.split(",")})
    except ValueError:
        raise Refused(f"--levels: not numbers with commas between: {text}") from None
    if levels[0] < 1:
        raise Refused("--levels: less than one connection")
    return levels


def words_of(name, text):
    try:
        return shlex.split(text)
    except ValueError as error:
        raise Refused(f"{name}: {error}") from None


def sides_of(arguments, unthread):
    options = words_of("--options", arguments.options)
    sides = [ladder.Side("native", arguments.daemon),
             ladder.Side("unthread", [unthread, *options, "--", *arguments.daemon])]  # fmt: skip
    if arguments.pool:
        sides.append(ladder.Side("pool", words_of("--pool", arguments.pool)))
    for side in sides:
        if not shutil.which(side.words[0]):
            raise Refused(f"{side.words[0]}: no such program")
        if not arguments.port and not any("{port}" in word for word in side.words):
            raise Refused(f"no {{port}} in the command of {side.name}: give --port")
    return sides


def split_cpus():
    """The first half for the daemon, the second for the load."""
    cpus = sorted(os.sched_getaffinity(0))
    half = (len(cpus) + 1) // 2
    return cpus[:half], cpus[half:] or cpus


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    else:
        print(text, file=sys.stderr, flush=True)


def plan_of(arguments, unthread):
    if arguments.runs < 1 or arguments.seconds <= 0:
        raise Refused("--runs and --seconds must be above 0")
    if (arguments.rate or arguments.new_connections) and not arguments.http:
        raise Refused("--rate and --new-connections belong to --http")
    load, sample = http_commands(arguments, unthread) if arguments.http else (arguments.load, None)
    daemon_cpus, load_cpus = split_cpus()
    return ladder.Plan(
        sides=sides_of(arguments, unthread), levels=levels_of(arguments.levels), runs=arguments.runs,
        seconds=arguments.seconds, load=load, fixed_port=arguments.port, choose_port=daemon.free_port,
        ready=arguments.ready, setup=arguments.setup, sample=arguments.sample or sample,
        patterns=pairs(arguments.pattern), daemon_cpus=daemon_cpus, load_cpus=load_cpus,
        patience=arguments.patience, progress=progress)  # fmt: skip


def sum_up(plan, results, words, began):
    """All there is to say, as one dictionary: what --json writes and the pages show."""
    samples = verdict.Samples(results.samples)
    others = [side.name for side in plan.sides if side.name != verdict.NATIVE]
    found = {side: verdict.changes(samples, side) for side in others}
    return {
        "title": f"{os.path.basename(plan.sides[0].words[0])}: native and unthread",
        "date": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()),
        "duration_s": round(time.monotonic() - began, 1),
        "command": shlex.join(["unthread", "compare", *words]),
        "sides": [{"name": side.name, "command": shlex.join(side.words)} for side in plan.sides],
        "load": plan.load,
        "levels": plan.levels,
        "runs": plan.runs,
        "seconds": plan.seconds,
        "verdicts": [verdict.sentence(samples, side, found[side]) for side in others],
        "regressions": [change.as_dict() for side in others for change in verdict.regressions(found[side])],
        "changes": [change.as_dict() for side in others for change in found[side]],
        "errors": [line for side in others for line in verdict.errors_appeared(samples, side)],
        "behaviour": [line for side in others for line in verdict.behaviour(results, side)],
        "warnings": verdict.warnings(samples, plan.daemon_cpus == plan.load_cpus),
        "failures": results.failures,
        "interrupted": results.interrupted,
        "machine": fingerprint.facts(plan.sides[0].words[0], plan),
        "metrics": [vars(metric) for metric in samples.metrics()],
        "samples": results.samples,
    }


def write(path, text):
    try:
        Path(path).write_text(text)
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}") from None


def report(arguments, whole):
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    print(compare_text.text(whole))
    if arguments.json:
        write(arguments.json, json.dumps(whole, indent=1, default=sorted))
    if arguments.csv:
        write(arguments.csv, compare_text.csv(whole))
    if arguments.html:
        write(arguments.html, compare_page.page(whole))


def status_of(results, samples, conditions):
    held = [line for condition in conditions for line in condition.held_at(samples)]
    for line in held:
        print(f"FAIL {line}")
    if results.interrupted:
        return INTERRUPTED
    if results.failures:
        return INCOMPLETE
    return CONDITION_HELD if held else DONE


def main(unthread, words):
    arguments = parse_arguments(words)
    began = time.monotonic()
    try:
        conditions = [verdict.Condition(text) for text in arguments.fail_if]
        plan = plan_of(arguments, unthread)
        for path in filter(None, (arguments.json, arguments.csv, arguments.html)):
            write(path, "")  # better now than after an hour
        results = ladder.climb(plan)
        report(arguments, sum_up(plan, results, words, began))
        return status_of(results, verdict.Samples(results.samples), conditions)
    except (Refused, verdict.BadCondition) as refused:
        print(f"unthread: {daemon.printable(str(refused))}", file=sys.stderr)
        return REFUSED
