# SPDX-License-Identifier: MIT
"""Collects samples and judges them against the bars; knows nothing of how they are measured."""

import statistics
from dataclasses import dataclass, field

import table


@dataclass
class Metric:
    name: str
    unit: str
    plot: bool = False
    less_is_better: bool = True


@dataclass
class Group:
    name: str
    title: str
    about: str
    metrics: list
    samples: dict = field(default_factory=dict)  # (case, side, metric's name): list of numbers

    def add(self, case, side, **values):
        """`values` are by the metrics' names with `_` for a space."""
        for name, value in values.items():
            if value is not None:
                key = (case, side, name.replace("_", " "))
                self.samples.setdefault(key, []).append(value)

    def median(self, case, side, metric):
        """None if it was not measured."""
        found = self.samples.get((case, side, metric))
        return statistics.median(found) if found else None

    def _in_order(self, place):
        return list(dict.fromkeys(key[place] for key in self.samples))

    @property
    def cases(self):
        return self._in_order(0)

    @property
    def sides(self):
        return self._in_order(1)

    def as_dict(self):
        return {
            "name": self.name,
            "title": self.title,
            "about": self.about,
            "command": f"scripts/bench {self.name}",
            "cases": self.cases,
            "sides": self.sides,
            "metrics": [vars(metric) for metric in self.metrics],
            "values": [
                {"case": case, "side": side, "metric": metric, "samples": samples}
                for (case, side, metric), samples in self.samples.items()
            ],
        }


@dataclass
class Bar:
    """What was asked for, and what was measured. `spread` has the ratios of single rounds."""

    group: str
    what: str
    bar: float
    value: float | None
    spread: tuple | None = None
    at_most: bool = True
    unit: str = "x"
    note: str = ""
    base: float = 0.0  # of a difference: what it comes on top of. 30 % are 30 % of the whole

    @property
    def verdict(self):
        if self.value is None:
            return "not measured"
        return "met" if self._is_good(self.value) else "missed"

    def is_within(self, percent):
        """Measured, and not worse than the bar by more than so many percent in every round.

        A few short rounds on a shared machine differ by more than that: their median proves nothing
        while one of them is good."""
        if self.value is None:
            return False
        tolerance = 1 + percent / 100
        return any(self._is_good(value, tolerance) for value in (self.value, *(self.spread or ())))

    def _is_good(self, value, tolerance=1.0):
        value, bar = value + self.base, self.bar + self.base
        return value <= bar * tolerance if self.at_most else value >= bar / tolerance

    def as_dict(self):
        return {**vars(self), "verdict": self.verdict}


def number(value):
    if value is None:
        return ""
    size = abs(value)
    digits = 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 0.1 or not size else 4
    return f"{value:,.{digits}f}"


def span(spread):
    return f"{number(spread[0])}..{number(spread[1])}" if spread else ""


class Report:
    def __init__(self):
        self.groups = []
        self.bars = []
        self.notes = []

    def group(self, *arguments):
        self.groups.append(Group(*arguments))
        return self.groups[-1]

    def ratio(self, group, what, case, metric, bar, side="unthread", other="native", at_most=True,
              note="", other_case=None):  # fmt: skip
        """A bar on how `side` compares with `other`: of the medians, the spread of the rounds."""
        mine = group.samples.get((case, side, metric), [])
        theirs = group.samples.get((other_case or case, other, metric), [])
        value = spread = None
        if mine and theirs:
            value = statistics.median(mine) / statistics.median(theirs)
            rounds = [a / b for a, b in zip(mine, theirs) if b]
            spread = (min(rounds), max(rounds)) if rounds else None
        self.bars.append(Bar(group.name, what, bar, value, spread, at_most, note=note))

    def absolute(self, group, what, case, metric, bar, unit, side="unthread", at_most=True,
                 note=""):  # fmt: skip
        samples = group.samples.get((case, side, metric), [])
        value = statistics.median(samples) if samples else None
        spread = (min(samples), max(samples)) if samples else None
        self.bars.append(Bar(group.name, what, bar, value, spread, at_most, unit, note))

    def difference(self, group, what, case, metric, bar, unit, note=""):
        """A bar on by how much unthread's median exceeds the native one, with the spread of the rounds."""
        mine, theirs = (group.samples.get((case, side, metric), []) for side in ("unthread", "native"))
        value, spread, base = None, None, 0.0
        if mine and theirs:
            base = statistics.median(theirs)
            value = statistics.median(mine) - base
            rounds = [a - b for a, b in zip(mine, theirs)]
            spread = (min(rounds), max(rounds))
        self.bars.append(Bar(group.name, what, bar, value, spread, unit=unit, note=note, base=base))

    def count(self, group, what, value, bar, at_most, unit):
        self.bars.append(Bar(group.name, what, bar, value, None, at_most, unit))

    def as_dict(self):
        return {
            "bars": [bar.as_dict() for bar in self.bars],
            "groups": [group.as_dict() for group in self.groups],
            "notes": self.notes,
        }

    def _group_text(self, group):
        heading = [group.name, "side"] + [
            f"{metric.name} {metric.unit}".strip() for metric in group.metrics
        ]
        rows = []
        for case in group.cases:
            for side in group.sides:
                row = [case, side]
                row += [number(group.median(case, side, metric.name)) for metric in group.metrics]
                if any(row[2:]):
                    rows.append(row)
        return f"{group.title}\n\n{table.aligned(heading, rows)}"

    def _bars_text(self):
        rows = []
        for bar in self.bars:
            spread = span(bar.spread)
            sign = "at most" if bar.at_most else "at least"
            rows.append(
                [bar.group, bar.what, number(bar.value), spread, bar.unit, sign, number(bar.bar),
                 bar.verdict.upper() if bar.verdict == "missed" else bar.verdict, bar.note]
            )  # fmt: skip
        heading = ["group", "what", "value", "spread", "unit", "", "bar", "verdict", "note"]
        return table.aligned(heading, rows)

    def text(self):
        parts = [self._group_text(group) for group in self.groups] + [self._bars_text()]
        return "\n\n".join(parts + self.notes)
