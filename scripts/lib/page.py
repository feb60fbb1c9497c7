# SPDX-License-Identifier: MIT
"""One HTML file from the dictionary that scripts/bench writes as JSON. All numbers are in tables; the
plots show them again."""

import statistics
from html import escape
from pathlib import Path

import webpage
from bench.report import number

HERE = Path(__file__).resolve().parent
LOGARITHMIC = 50  # from this ratio of the largest to the smallest median on
CROWDED = 4  # metrics beyond which a spread stands below its median, not beside it
TONES = {"unthread": 5, "peer": 7}  # how many of each page.css has
UNITS = {"x": "×", "us": "µs"}
VERDICTS = {"met": "✓", "missed": "✗", "not measured": "–"}
NUMBER = ' class="number"'


def _unit(one):
    """Of a bar or a metric."""
    return UNITS.get(one["unit"], one["unit"])


def _quantity(value, name):
    return escape(number(value) + ("" if name in ("", "×") else "\u00a0") + name)


def _with_spread(value, spread, unit=""):
    """`<small>` is there in any case: page.css aligns by it."""
    if value is None:
        return '<span class="faint">–</span> <small></small>'
    differs = spread and number(spread[0]) != number(spread[1])
    between = f"{number(spread[0])}…{number(spread[1])}" if differs else ""
    return f"{_quantity(value, unit)} <small>{between}</small>"


def _table(kind, heading, sections):
    """`heading` and cells are pairs of HTML and attributes; a section is a title and rows, a row a
    class and cells. Where it is too wide it scrolls by itself, with the keyboard as well."""

    def cells(tag, pairs):
        return "".join(f"<{tag}{attributes}>{html}</{tag}>" for html, attributes in pairs)

    bodies = "".join(
        f'<tbody><tr class="section"><th scope="rowgroup" colspan="{len(heading)}">'
        f"<span>{escape(title)}</span></th></tr>"
        + "".join(f'<tr class="{name}">{cells("td", row)}</tr>' for name, row in rows)
        + "</tbody>"
        for title, rows in sections
    )
    return (f'<div class="scroll" tabindex="0"><table class="{kind}"><thead><tr>'
            f"{cells('th', heading)}</tr></thead>{bodies}</table></div>")  # fmt: skip


def _verdict(name, count=""):
    words = f"{count} {name}".strip()
    return f'<span class="verdict {name.replace(" ", "-")}"><b>{VERDICTS[name]}</b> {words}</span>'


def _asked(bar):
    return f"{'≤' if bar['at_most'] else '≥'}&nbsp;{_quantity(bar['bar'], _unit(bar))}"


def _by(key, bars):
    found = {}
    for bar in bars:
        found.setdefault(bar.get(key) or "", []).append(bar)
    return found


def _distance(bar):
    """A bar may be missed by less than its figures show."""
    if not bar["bar"]:
        return ""
    ratio = bar["value"] / bar["bar"]
    percent = abs(ratio - 1) * 100
    if ratio >= 3:
        return f"{ratio:,.0f} times the bar"
    amount = f"{percent:.0f}" if percent >= 10 else f"{percent:.2g}"
    return f"{amount}&nbsp;% {'above' if bar['at_most'] else 'below'}"


def _missed(bars):
    """Those without a note first: nothing excuses them. What shares a note has it once."""
    parts = []
    for note, some in sorted(_by("note", bars).items(), key=lambda pair: pair[0] != ""):
        items = "".join(
            f'<li><span class="faint">{escape(bar["group"])}</span> '
            f"<span>{escape(bar['what'])}</span> "
            f"<span><strong>{_quantity(bar['value'], _unit(bar))}</strong></span> "
            f"<span>bar {_asked(bar)}</span> <span>{_distance(bar)}</span></li>"
            for bar in some
        )
        title = f"with the note “{escape(note)}”" if note else "without a note"
        parts.append(f"<h3>{len(some)} {title}</h3><ul>{items}</ul>")
    return f'<section class="misses"><h2>Missed</h2>{"".join(parts)}</section>' if bars else ""


def _headline(bars):
    if not bars:
        return '<p class="headline">This run has no bars.</p>'
    count = {name: sum(bar["verdict"] == name for bar in bars) for name in VERDICTS}
    shown = [name for name in VERDICTS if count[name]]
    tally = " ".join(_verdict(name, count[name]) for name in shown)
    strip = "".join(
        f'<i class="{name.replace(" ", "-")}" style="flex:{count[name]}"></i>' for name in shown
    )
    return (f'<p class="headline"><strong>{count["met"]} of {len(bars)}</strong> bars met</p>'
            f'<div class="strip" aria-hidden="true">{strip}</div>'
            f'<p class="tally">{tally}</p>')  # fmt: skip


def _bars(bars):
    def row(bar):
        return "", [
            (_verdict(bar["verdict"]), ' class="judged"'),
            (escape(bar["what"]), ' class="what"'),
            (_with_spread(bar["value"], bar.get("spread"), _unit(bar)), ' class="number value"'),
            (_asked(bar), ' class="number asked"'),
            (escape(bar.get("note") or ""), ' class="note faint"'),
        ]

    heading = [("verdict", ""), ("what", ""), ("measured <small></small>", NUMBER), ("bar", NUMBER),
               ("note", "")]  # fmt: skip
    sections = [(name, [row(bar) for bar in some]) for name, some in _by("group", bars).items()]
    table = _table("bars", heading, sections)
    return f"<section><h2>All bars</h2>{table}</section>" if bars else ""


def _tones(groups):
    """A side has one colour in the whole page, by the name that page.css gives it."""
    tones, used = {"native": "native", "unthread": "unthread-1"}, {"unthread": 1, "peer": 0}
    for side in (side for group in groups for side in group["sides"]):
        if side not in tones:
            kind = "unthread" if side.startswith("unthread") else "peer"
            tones[side] = f"{kind}-{used[kind] % TONES[kind] + 1}"
            used[kind] += 1
    return tones


def _samples(group):
    return {(one["case"], one["side"], one["metric"]): one["samples"] for one in group["values"]}


def _figures(group, tones):
    samples, metrics = _samples(group), group["metrics"]

    def figure(found):
        text = _with_spread(statistics.median(found), (min(found), max(found))) if found else ""
        return text, NUMBER

    def row(case, side):
        found = [samples.get((case, side, metric["name"])) for metric in metrics]
        swatch = f'<i class="swatch" style="background: var(--{tones[side]})"></i>'
        cells = [(swatch + escape(side), ' class="side"'), *map(figure, found)]
        return ("ours" if side.startswith("unthread") else "", cells) if any(found) else None

    sections = [(case, list(filter(None, (row(case, side) for side in group["sides"]))))
                for case in group["cases"]]  # fmt: skip
    heading = [('<span class="hidden">side</span>', ' class="side"')] + [
        (f"{escape(metric['name'])} <small>{escape(_unit(metric))}</small>", NUMBER)
        for metric in metrics
    ]
    crowded = " crowded" if len(metrics) > CROWDED else ""
    return _table("figures" + crowded, heading, [one for one in sections if one[1]])


def _plot(group, metric, tones):
    samples = _samples(group)

    def row(side, take):
        found = (samples.get((case, side, metric["name"])) for case in cases)
        return [take(one) if one else None for one in found]

    cases = [case for case in group["cases"]
             if any(key[0] == case and key[2] == metric["name"] for key in samples)]  # fmt: skip
    sides = [
        {"name": side, "tone": tones[side], "medians": row(side, statistics.median),
         "spreads": row(side, lambda one: [min(one), max(one)])}
        for side in group["sides"]
    ]  # fmt: skip
    sides = [side for side in sides if any(value is not None for value in side["medians"])]
    values = [value for side in sides for value in side["medians"] if value]
    return {
        "cases": cases, "sides": sides, "unit": _unit(metric),
        "logarithmic": bool(values) and max(values) > LOGARITHMIC * min(values),
    }  # fmt: skip


def _group(group, tones, plots):
    figures = []
    for metric in group["metrics"]:
        plot = _plot(group, metric, tones) if metric.get("plot") else None
        if plot and plot["sides"]:
            name = escape(metric["name"])
            says = "less is better" if metric["less_is_better"] else "more is better"
            says += ", logarithmic scale" if plot["logarithmic"] else ""
            figures.append(
                f"<figure><figcaption>{name} <small>{says}</small></figcaption>"
                f'<div class="canvas"><canvas id="plot-{len(plots)}" role="img" '
                f'aria-label="{name}, {says}; the table below has it"></canvas></div></figure>'
            )
            plots.append(plot)
    return (f'<section><h2>{escape(group["title"])}</h2><p>{escape(group["about"])}</p>'
            f'<p><code>{escape(group["command"])}</code></p>'
            f'<div class="plots">{"".join(figures)}</div>'
            f"{_figures(group, tones)}</section>")  # fmt: skip


def _subtitle(report):
    minutes, seconds = divmod(round(report["duration_s"]), 60)
    took = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    date = report["date"].replace("T", " ").replace("Z", " UTC")
    short = " · <strong>short run: fewer cases and rounds</strong>" if report["short"] else ""
    return f"{escape(date)} · commit <code>{escape(report['commit'])}</code> · took {took}{short}"


def page(report):
    plots, tones, bars = [], _tones(report["groups"]), report["bars"]
    groups = "".join(_group(group, tones, plots) for group in report["groups"])
    notes = "".join(f"<p>{escape(note)}</p>" for note in report["notes"])
    return webpage.page(report["title"], _subtitle(report), f"""
{_headline(bars)}
{f'<aside>{notes}</aside>' if notes else ""}
{_missed([bar for bar in bars if bar["verdict"] == "missed"])}
{_bars(bars)}
<section><h2>The machine</h2>{webpage.facts(report["machine"])}</section>
<noscript><p>The plots need JavaScript; every number is in the tables.</p></noscript>
{groups}
{webpage.plots(plots, HERE / "page.js")}
""")
