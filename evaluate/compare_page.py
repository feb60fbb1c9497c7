# SPDX-License-Identifier: MIT
"""A comparison as one HTML file: the verdict, what is worse and better, plots, and every number."""

from html import escape
from pathlib import Path

import stats
import verdict
import webpage
from compare_text import number

HERE = Path(__file__).resolve().parent
TONES = {"native": "native", "unthread": "unthread-1", "pool": "peer-5"}
BY_LEVEL = ("throughput", "p99", "cpu", "memory", "threads", "rss")
NINES = ("p50", "p90", "p99", "p99.9")
SCALES = {"throughput": "more is better", "threads": ""}
LOGARITHMIC = 30  # from this ratio of the largest to the smallest value on
SIGNS = {"better": ("met", "✓"), "worse": ("missed", "✗"), "no difference": ("not-measured", "="),
         "not sure": ("not-measured", "?")}  # fmt: skip


def _series(samples, side, levels, metric):
    found = [samples.values(side, level, metric) for level in levels]
    return {
        "name": side, "tone": TONES[side],
        "values": [stats.median(values) for values in found],
        "low": [min(values, default=None) for values in found],
        "high": [max(values, default=None) for values in found],
    }  # fmt: skip


def _plot(title, about, unit, labels, series, kind="category"):
    series = [one for one in series if any(value is not None for value in one["values"])]
    values = [value for one in series for value in one["values"] if value]
    if not values:
        return None
    return {"title": title, "about": about, "unit": unit, "labels": labels, "series": series, "kind": kind,
            "logarithmic": min(values) > 0 and max(values) > LOGARITHMIC * min(values)}  # fmt: skip


def _plots(whole, samples):
    units = {metric["name"]: metric["unit"] for metric in whole["metrics"]}
    labels = [f"{level:,}" for level in samples.levels]
    for name in BY_LEVEL:
        if name in units:
            yield _plot(name, SCALES.get(name, "less is better"), units[name], labels,
                        [_series(samples, side, samples.levels, name) for side in samples.sides])  # fmt: skip
    for level in samples.levels[-1:]:
        # One place for each nine: the tail has as much room as the middle.
        names = [name for name in NINES if name in units]
        found = []
        for side in samples.sides:
            values = [samples.values(side, level, name) for name in names]
            found.append({"name": side, "tone": TONES[side], "values": [stats.median(one) for one in values],
                          "low": [min(one, default=None) for one in values],
                          "high": [max(one, default=None) for one in values]})  # fmt: skip
        yield _plot(f"latency at {level:,} connections", "less is better", "ms", names, found)
        for key, unit, title in (("cpu", "CPUs", "CPU time"), ("rss", "MiB", "resident memory")):
            series = []
            for side in samples.sides:
                last = samples.one(side, level, max(samples.runs)) or samples.one(side, level, min(samples.runs))
                points = [{"x": point["t"], "y": point[key]} for point in last["series"]] if last else []
                series.append({"name": side, "tone": TONES[side], "points": points, "values": [p["y"] for p in points]})
            yield _plot(f"{title} over time, {level:,} connections", "one run", unit, [], series, "time")


def _figures(plots):
    return "".join(
        f'<figure><figcaption>{escape(plot["title"])} <small>{escape(plot["about"])}'
        f'{", logarithmic scale" if plot["logarithmic"] else ""}</small></figcaption>'
        f'<div class="canvas"><canvas id="plot-{index}" role="img" aria-label="{escape(plot["title"])}; the tables '
        f'below have the numbers"></canvas></div></figure>'
        for index, plot in enumerate(plots)
    )  # fmt: skip


def _table(heading, rows, kind="figures"):
    head = "".join(f"<th{attributes}>{cell}</th>" for cell, attributes in heading)
    body = "".join("<tr{}>{}</tr>".format(name, "".join(f"<td{attributes}>{cell}</td>" for cell, attributes in row))
                   for name, row in rows)  # fmt: skip
    return (f'<div class="scroll" tabindex="0"><table class="{kind}"><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>")  # fmt: skip


def _badge(word):
    name, sign = SIGNS[word]
    return f'<span class="verdict {name}"><b>{sign}</b> {word}</span>'


def _changes(whole):
    """Those that are worse first."""
    order = list(SIGNS)
    order = sorted(order, key=lambda word: word != "worse")
    number_class = ' class="number"'
    rows = []
    for word in order:
        for change in whole["changes"]:
            if change["verdict"] != word:
                continue
            between = change["interval"]
            between = f"{number(between[0])}…{number(between[1])}" if between else "too few runs"
            level = "all levels" if change["level"] is None else f"{change['level']:,}"
            rows.append(("", [(_badge(word), ""), (escape(change["side"]), ""), (escape(change["metric"]), ""),
                              (level, number_class), (f"{number(change['ratio'])}×", number_class),
                              (between, number_class)]))  # fmt: skip
    heading = [("verdict", ""), ("side", ""), ("metric", ""), ("connections", number_class),
               ("of native", number_class), ("95 % interval", number_class)]  # fmt: skip
    return f"<section><h2>Against native</h2>{_table(heading, rows)}</section>" if rows else ""


def _cell(values):
    spread = f"{number(min(values))}…{number(max(values))}" if values and min(values) != max(values) else ""
    return f"{number(stats.median(values))} <small>{spread}</small>", ' class="number"'


def _numbers(whole, samples):
    """Metrics stand below each other: there are more of them than of sides."""
    heading = [("metric", "")] + [
        (f'<i class="swatch" style="background: var(--{TONES[side]})"></i>{escape(side)} <small></small>',
         ' class="number"') for side in samples.sides
    ]  # fmt: skip
    parts = []
    for level in samples.levels:
        rows = [
            ("", [(f"{escape(metric['name'])} <small>{escape(metric['unit'])}</small>", ""),
                  *(_cell(samples.values(side, level, metric["name"])) for side in samples.sides)])
            for metric in whole["metrics"]
        ]  # fmt: skip
        parts.append(f"<h3>{level:,} connections</h3>{_table(heading, rows)}")
    return f'<section><h2>Every number</h2><p>Medians, and the least and the most of the runs.</p>{"".join(parts)}</section>'


def _list(title, lines, kind=""):
    items = "".join(f"<p>{escape(line)}</p>" for line in lines)
    return f'<section class="{kind}"><h2>{title}</h2>{items}</section>' if lines else ""


def _repeat(whole):
    sides = "".join(f"<p>{escape(side['name'])}: <code>{escape(side['command'])}</code></p>" for side in whole["sides"])
    return (f"<section><h2>To repeat it</h2><p><code>{escape(whole['command'])}</code></p>{sides}"
            f"<p>load: <code>{escape(whole['load'])}</code></p></section>")  # fmt: skip


def page(whole):
    samples = verdict.Samples(whole["samples"])
    plots = [plot for plot in _plots(whole, samples) if plot] if whole["samples"] else []
    subtitle = (f"{escape(whole['date'])} · {whole['runs']} runs of each side, {whole['seconds']:g} s at each level · "
                f"took {whole['duration_s']:g} s")  # fmt: skip
    verdicts = "".join(f'<p class="headline">{escape(line)}</p>' for line in whole["verdicts"])
    broken = whole["failures"] + (["interrupted: this is what was measured until then"] if whole["interrupted"] else [])
    return webpage.page(whole["title"], subtitle, f"""
{verdicts}
{_list("Not complete", broken, "misses")}
{_list("Errors", whole["errors"], "misses")}
{_list("Behaves differently", whole["behaviour"], "misses")}
{_changes(whole)}
{_list("Warnings", whole["warnings"])}
<noscript><p>The plots need JavaScript; every number is in the tables.</p></noscript>
<section><h2>Plots</h2><p>Medians; the whiskers are the least and the most of the runs.</p>
<div class="plots">{_figures(plots)}</div></section>
{_numbers(whole, samples)}
<section><h2>Machine and program</h2>{webpage.facts(whole["machine"])}</section>
{_repeat(whole)}
{webpage.plots(plots, HERE / "compare.js")}
""")
