# SPDX-License-Identifier: MIT
"""One HTML file from the dictionary that scripts/bench writes as JSON; it needs no network. All
numbers are in tables; the plots, by Chart.js, show them again."""

import json
import statistics
from html import escape
from pathlib import Path

from bench.report import number

HERE = Path(__file__).resolve().parent
CHART = Path("/usr/share/javascript/chart.js/chart.min.js")  # Debian: libjs-chart.js
LOGARITHMIC = 50  # from this ratio of the largest to the smallest median on


def _cells(kind, words):
    return "".join(f"<{kind}{attributes}>{text}</{kind}>" for text, attributes in words)


def _table(heading, rows):
    """`rows` are pairs of a class and cells; a cell is a pair of HTML and attributes."""
    body = "".join(f'<tr class="{name}">{_cells("td", cells)}</tr>' for name, cells in rows)
    return (f'<div class="scroll"><table><thead><tr>{_cells("th", heading)}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>")  # fmt: skip


NUMBER = ' class="number"'


def _with_spread(value, spread):
    text = escape(number(value))
    if spread and number(spread[0]) != number(spread[1]):
        text += f" <small>{number(spread[0])}…{number(spread[1])}</small>"
    return text


def _bars(bars):
    rows = []
    for bar in bars:
        verdict = bar["verdict"]
        name = verdict if verdict in ("met", "missed") else "faint"
        sign = "≤" if bar["at_most"] else "≥"
        unit = "×" if bar["unit"] == "x" else bar["unit"]
        rows.append(("", [
            (escape(bar["group"]), ""),
            (escape(bar["what"]), ""),
            (_with_spread(bar["value"], bar["spread"]), NUMBER),
            (f"{sign}&nbsp;{number(bar['bar'])}&nbsp;{escape(unit)}", NUMBER),
            (f'<span class="{name}">{verdict}</span>', ""),
            (escape(bar["note"]), ' class="faint"'),
        ]))  # fmt: skip
    heading = [("group", ""), ("what", ""), ("measured", NUMBER), ("bar", NUMBER), ("verdict", ""),
               ("note", "")]  # fmt: skip
    return _table(heading, rows)


def _samples(group):
    return {(one["case"], one["side"], one["metric"]): one["samples"] for one in group["values"]}


def _figures(group):
    samples = _samples(group)
    rows = []
    for case in group["cases"]:
        for side in group["sides"]:
            found = [samples.get((case, side, metric["name"])) for metric in group["metrics"]]
            if any(found):
                cells = [(escape(case), ""), (escape(side), "")]
                cells += [
                    (_with_spread(statistics.median(one), (min(one), max(one))) if one else "", NUMBER)
                    for one in found
                ]
                rows.append(("ours" if side.startswith("unthread") else "", cells))
    heading = [("", ""), ("", "")] + [
        (escape(f"{metric['name']} {metric['unit']}".strip()), NUMBER) for metric in group["metrics"]
    ]
    return _table(heading, rows)


def _plot(group, metric):
    samples = _samples(group)

    def row(side, take):
        found = (samples.get((case, side, metric["name"])) for case in cases)
        return [take(one) if one else None for one in found]

    cases = [case for case in group["cases"]
             if any(key[0] == case and key[2] == metric["name"] for key in samples)]  # fmt: skip
    sides = [
        {"name": side, "medians": row(side, statistics.median),
         "spreads": row(side, lambda one: [min(one), max(one)])}
        for side in group["sides"]
    ]  # fmt: skip
    sides = [side for side in sides if any(value is not None for value in side["medians"])]
    values = [value for side in sides for value in side["medians"] if value]
    return {
        "cases": cases, "sides": sides, "unit": metric["unit"],
        "logarithmic": bool(values) and max(values) > LOGARITHMIC * min(values),
    }  # fmt: skip


def _group(group, plots):
    figures = []
    for metric in group["metrics"]:
        plot = _plot(group, metric) if metric["plot"] else None
        if plot and plot["sides"]:
            better = "less" if metric["less_is_better"] else "more"
            figures.append(
                f"<figure><figcaption>{escape(metric['name'])} "
                f'<small>({better} is better)</small></figcaption><div class="canvas">'
                f'<canvas id="plot-{len(plots)}"></canvas></div></figure>'
            )
            plots.append(plot)
    return (f'<section><h2>{escape(group["title"])}</h2><p>{escape(group["about"])} '
            f'<code>{escape(group["command"])}</code></p>'
            f'<div class="plots">{"".join(figures)}</div>{_figures(group)}</section>')  # fmt: skip


def _headline(bars):
    judged = [bar for bar in bars if bar["verdict"] != "not measured"]
    met = sum(bar["verdict"] == "met" for bar in judged)
    return f"{met} of {len(judged)} bars met, {len(judged) - met} missed"


def page(report):
    plots = []
    groups = "".join(_group(group, plots) for group in report["groups"])
    facts = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>"
        for name, value in report["machine"].items()
    )
    notes = "".join(f"<p>{escape(note)}</p>" for note in report["notes"])
    data = json.dumps(plots).replace("<", "\\u003c")
    title = escape(report["title"])
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{(HERE / "page.css").read_text()}</style></head><body>
<h1>{title}</h1>
<p class="faint">{escape(report["date"])}, commit {escape(report["commit"])}, {report["duration_s"]:.0f} s</p>
<p class="headline">{_headline(report["bars"])}</p>{notes}
{_bars(report["bars"])}
{groups}
<h2>The machine</h2><dl>{facts}</dl>
<noscript><p>The plots need JavaScript; every number is in the tables.</p></noscript>
<script type="application/json" id="plots">{data}</script>
<script>{CHART.read_text()}</script>
<script>{(HERE / "page.js").read_text()}</script>
</body></html>
"""
