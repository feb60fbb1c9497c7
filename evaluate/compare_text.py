# SPDX-License-Identifier: MIT
"""A comparison for the terminal, and as CSV."""

import csv as csv_module
import io

import table
import verdict


def number(value):
    if value is None:
        return ""
    size = abs(value)
    digits = 0 if size >= 1000 or value == int(value) else 1 if size >= 100 else 2 if size >= 0.1 else 4
    return f"{value:,.{digits}f}"


def _columns(samples):
    """Metrics as columns, and not more than a terminal holds."""
    wanted = ("throughput", "p50", "p99", "p99.9", "errors", "cpu", "switches voluntary", "threads", "rss", "memory")
    return [metric for metric in samples.metrics() if metric.name in wanted]


def _tables(samples):
    columns = _columns(samples)
    heading = ["connections", "side"] + [f"{metric.name} {metric.unit}".strip() for metric in columns]
    rows = []
    for level in samples.levels:
        for side in samples.sides:
            medians = [number(samples.median(side, level, metric.name)) for metric in columns]
            if any(medians):
                rows.append([f"{level:,}", side, *medians])
    return table.aligned(heading, rows) if rows else "nothing was measured"


def _change_lines(changes):
    return [f"  {change['side']}, {change['level']:,} connections: {change['metric']} "
            f"{number(change['ratio'])}× native (95 % {number(change['interval'][0])}…{number(change['interval'][1])})"
            for change in changes]  # fmt: skip


def _listed(title, lines):
    return [title, *(f"  {line}" for line in lines), ""] if lines else []


def text(whole):
    samples = verdict.Samples(whole["samples"])
    named = [change for change in whole["changes"] if change["level"] is not None]
    lines = [_tables(samples), "(medians)", ""]
    for title, which in (("Worse than native:", "worse"), ("Better than native:", "better")):
        some = _change_lines(change for change in named if change["verdict"] == which)
        lines += [title, *some, ""] if some else []
    lines += _listed("Errors:", whole["errors"])
    lines += _listed("Behaves differently:", whole["behaviour"])
    lines += _listed("Warnings:", whole["warnings"])
    lines += _listed("Failed:", whole["failures"])
    if whole["interrupted"]:
        lines += ["Interrupted: what follows is of what was measured until then.", ""]
    return "\n".join([*lines, *whole["verdicts"]])


def csv(whole):
    names = [metric["name"] for metric in whole["metrics"]]
    out = io.StringIO()
    writer = csv_module.writer(out)
    writer.writerow(["side", "connections", "run", *names])
    for one in whole["samples"]:
        writer.writerow([one["side"], one["level"], one["run"] + 1, *(one["metrics"].get(name, "") for name in names)])
    return out.getvalue()
