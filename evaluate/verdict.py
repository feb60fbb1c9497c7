# SPDX-License-Identifier: MIT
"""What the samples of a comparison say, and what they do not."""

import operator
import re
from dataclasses import dataclass

import stats
from ladder import BY_NAME, METRICS

NATIVE = "native"
JUDGED = ("throughput", "cpu", "p99", "p99.9", "memory", "errors")  # changes of these are named
HEADLINE = ("throughput", "cpu", "p99")
WORTH = 0.02  # a change smaller than this is none, however sure
SATURATED = 0.9  # share of its CPUs from which on something is as fast as it can be
NOISE = 0.08  # share of the machine that others may use
DISAGREE = 1.35  # the largest ratio of a run by the smallest
SMALLEST_MEMORY = 8.0  # MiB; below, other programs of the machine are as large


@dataclass
class Change:
    """One metric of a side beside the native one; `level` None: all levels together."""
    side: str
    metric: str
    level: int | None
    ratio: float
    interval: tuple | None
    ratios: list

    @property
    def verdict(self):
        """better, worse, no difference; not sure: too few runs for an interval."""
        if self.interval is None:
            return "not sure"
        low, high = self.interval
        if low <= 1 <= high or abs(self.ratio - 1) < WORTH:
            return "no difference"
        return "better" if (self.ratio < 1) == bool(BY_NAME[self.metric].less_is_better) else "worse"

    def text(self):
        between = f" (95 % interval {self.interval[0]:.2f} to {self.interval[1]:.2f})" if self.interval else ""
        return f"{self.ratio:.2f}×{between}"

    def as_dict(self):
        return {**vars(self), "verdict": self.verdict}


class Samples:
    """Looks up what was measured."""

    def __init__(self, samples):
        self._values = {(one["side"], one["level"], one["run"]): one for one in samples}
        self.sides = list(dict.fromkeys(one["side"] for one in samples))
        self.levels = sorted({one["level"] for one in samples})
        self.runs = sorted({one["run"] for one in samples})

    def one(self, side, level, run):
        return self._values.get((side, level, run))

    def values(self, side, level, metric):
        found = (self.one(side, level, run) for run in self.runs)
        return [one["metrics"].get(metric) for one in found if one and one["metrics"].get(metric) is not None]

    def median(self, side, level, metric):
        return stats.median(self.values(side, level, metric))

    def ratios(self, side, level, metric):
        """Of each run that has both, {run: ratio}."""
        found = {}
        for run in self.runs:
            mine, theirs = self.one(side, level, run), self.one(NATIVE, level, run)
            if mine and theirs:
                a, b = mine["metrics"].get(metric), theirs["metrics"].get(metric)
                if a and b and a > 0 and b > 0 and not (metric in ("memory", "kernel") and b < SMALLEST_MEMORY):
                    found[run] = a / b
        return found

    def metrics(self):
        """Those that any sample has, in their order."""
        there = {name for one in self._values.values() for name in one["metrics"]}
        return [metric for metric in METRICS if metric.name in there]


def changes(samples, side):
    """Of each judged metric at each level, and of all levels together."""
    found = []
    for metric in JUDGED:
        by_level = {level: samples.ratios(side, level, metric) for level in samples.levels}
        by_level = {level: ratios for level, ratios in by_level.items() if ratios}
        for level, ratios in by_level.items():
            ratios = list(ratios.values())
            found.append(Change(side, metric, level, *stats.interval(ratios), ratios))
        complete = [run for run in samples.runs if all(run in ratios for ratios in by_level.values())]
        if by_level and complete:
            ratios = [stats.geometric_mean([ratios[run] for ratios in by_level.values()]) for run in complete]
            found.append(Change(side, metric, None, *stats.interval(ratios), ratios))
    return found


def _spans(levels):
    return f"{levels[0]:,} connections" if len(levels) == 1 else f"{levels[0]:,} to {levels[-1]:,} connections"


WORDS = {
    "throughput": "{} the throughput", "cpu": "{} the CPU time per request", "p99": "{} the p99", "p99.9": "{} the p99.9",
    "memory": "{} the memory", "errors": "{} the errors",
}  # fmt: skip


def sentence(samples, side, found):
    """The verdict on one side."""
    total = {change.metric: change for change in found if change.level is None}
    if not total:
        return f"{side}: nothing was measured on both sides."
    where, said = _spans(samples.levels), []
    for metric in HEADLINE:
        if metric in total:
            said.append((total[metric].verdict, WORDS[metric].format(total[metric].text())))
    verdicts = {verdict for verdict, _ in said}
    parts = ", ".join(text for _, text in said)
    if verdicts == {"not sure"}:
        return (f"{side} against native, {where}: {parts}. Too few runs to tell a difference from chance: "
                f"{stats.LEAST_RUNS} at least.")  # fmt: skip
    if verdicts == {"no difference"}:
        return f"No difference between {side} and native, {where}: {parts}."
    head = "better" if "worse" not in verdicts else "worse" if "better" not in verdicts else "better and worse"
    return f"{side} is {head} than native, {where}: {parts}."


def regressions(found):
    return [change for change in found if change.level is not None and change.verdict == "worse"]


def errors_appeared(samples, side):
    """Levels at which a side has errors and the native one has fewer."""
    found = []
    for level in samples.levels:
        mine, theirs = (sum(samples.values(one, level, "errors")) for one in (side, NATIVE))
        if mine > theirs:
            found.append(f"{side}, {level:,} connections: {mine:,.0f} errors in all runs, natively {theirs:,.0f}")
    return found


def behaviour(results, side):
    """How a side behaves differently; a list of sentences."""
    found = []
    native = results.answers.get(NATIVE, set())
    mine = results.answers.get(side, set())
    if mine and native and not mine <= native:
        found.append(f"{side}: the sampled answer differs from every native one")
    ends, native_ends = results.ends.get(side, set()), results.ends.get(NATIVE, set())
    if native_ends and not ends <= native_ends:
        found.append(f"{side}: SIGTERM ended it with {', '.join(sorted(ends))}, natively {', '.join(sorted(native_ends))}")
    new = results.logs.get(side, set()) - results.logs.get(NATIVE, set())
    if NATIVE in results.logs and new:
        lines = sorted(new)
        more = f", and {len(lines) - 3} more" if len(lines) > 3 else ""
        found.append(f"{side}: prints what it does not print natively: "
                     + " | ".join(line[:120] for line in lines[:3]) + more)  # fmt: skip
    return found


def warnings(samples, one_cpu):
    found = []
    if one_cpu:
        found.append("Daemon and load share the only CPU: throughput says little.")
    for level in samples.levels:
        for side in samples.sides:
            there = [one for one in (samples.one(side, level, run) for run in samples.runs) if one]
            if not there:
                continue
            load, daemon = (stats.median([one[key] for one in there]) for key in ("load_share", "daemon_share"))
            if load > SATURATED > daemon:
                found.append(f"{side}, {level:,} connections: the load generator is the bottleneck "
                             f"({load:.0%} of its CPUs, the daemon {daemon:.0%}).")  # fmt: skip
            others = max(one["others_share"] for one in there)
            if others > NOISE:
                found.append(f"{side}, {level:,} connections: noisy, others used up to {others:.0%} of the machine.")
    for side in samples.sides:
        for level in samples.levels:
            ratios = list(samples.ratios(side, level, "throughput").values()) if side != NATIVE else []
            if ratios and max(ratios) > DISAGREE * min(ratios):
                found.append(f"{side}, {level:,} connections: runs disagree, throughput is {min(ratios):.2f} to "
                             f"{max(ratios):.2f} times the native one.")  # fmt: skip
    return found


class BadCondition(Exception):
    """Not a condition of --fail-if."""


CONDITION = re.compile(r"\s*([a-z0-9. ]*?[a-z0-9])\s*(<=|>=|<|>)\s*(?:([\d.]+)\s*(?:\*\s*([a-z-]+))?|([a-z-]+))\s*")
COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
ALIASES = {"p999": "p99.9"}


class Condition:
    """METRIC OP NUMBER, METRIC OP SIDE, or METRIC OP NUMBER*SIDE: of unthread's median, at any level."""

    def __init__(self, text):
        found = CONDITION.fullmatch(text)
        if not found:
            raise BadCondition(f"not a condition such as 'p99>1.1*native': {text}")
        name, sign, number, side, bare = found.groups()
        self.text, self.metric = text, ALIASES.get(name, name)
        if self.metric not in BY_NAME:
            raise BadCondition(f"no such metric: {name}; there are {', '.join(BY_NAME)}")
        try:
            self.factor = float(number) if number else 1.0
        except ValueError:
            raise BadCondition(f"not a number: {number}") from None
        self.holds_between, self.side = COMPARE[sign], side or bare

    def held_at(self, samples):
        """Sentences on the levels at which it holds. What was not measured makes it hold: it cannot be
        said to be well."""
        found = []
        for level in samples.levels or [0]:
            mine = samples.median("unthread", level, self.metric)
            limit = samples.median(self.side, level, self.metric) if self.side else 1.0
            if mine is None or limit is None:
                found.append(f"{self.text}: not measured at {level:,} connections")
            elif self.holds_between(mine, self.factor * limit):
                found.append(f"{self.text}: {mine:.4g} against {self.factor * limit:.4g} at {level:,} connections")
        return found
