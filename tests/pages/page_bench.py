# SPDX-License-Identifier: MIT
"""The page of scripts/bench."""

import contextlib
import io
import statistics

import page
import webpage
from bench.report import number
from browser import HOSTILE, expect, text_of


def samples(median):
    return [median * 0.93, median, median * 1.2]


def group(name, cases, sides, metrics, missing=()):
    values = [
        {"case": case, "side": side, "metric": metric["name"],
         "samples": samples((7 + 3 * i + 5 * j) * metric.get("growth", 1) ** i * (k + 1))}
        for i, case in enumerate(cases) for j, side in enumerate(sides)
        for k, metric in enumerate(metrics) if (case, side) not in missing
    ]  # fmt: skip
    return {"name": name, "title": f"{name}: {HOSTILE}", "about": f"About {HOSTILE}.",
            "command": f"scripts/bench {name}", "cases": cases, "sides": sides, "metrics": metrics,
            "values": values}  # fmt: skip


def metric(name, unit, plot=True, **more):
    return {"name": name, "unit": unit, "plot": plot, "less_is_better": True, **more}


def bar(what, value, limit, verdict, **more):
    return {"group": "echo", "what": what, "value": value, "spread": None, "bar": limit,
            "at_most": True, "unit": "x", "verdict": verdict, "note": "", **more}  # fmt: skip


def fixture():
    sides = ["native", "unthread", "epoll", "libuv", "State Threads", "GNU Pth", "Go", "Asio"]
    metrics = [metric("CPU per request", "us"), metric("p99", "us", growth=30)]
    metrics += [metric(f"system calls of kind {i}", "", plot=False) for i in range(6)]
    cases = ["64", "1,000", "9,000", "64 of 9,000"]
    echo = group("echo", cases, sides, metrics, {("9,000", "GNU Pth")})
    cases = [f"case {i}, whose name is a long one" for i in range(12)]
    sides = ["native", "unthread", "unthread, 1 carrier", "unthread, 2 carriers"]
    threads = group("threads", cases, sides, [metric("time", "ms")])
    bars = [
        bar("64 connections: CPU per request / native", 0.41, 0.45, "met", spread=[0.38, 0.44]),
        bar("throughput", 1.1, 1.3, "missed", at_most=False, note=HOSTILE),
        bar("an idle connection", 0.3303, 0.33, "missed", group="memory"),
        bar("parked", 1e6, 1e6, "met", at_most=False, unit="kernel threads", group="memory"),
        bar("cold", None, 0.5, "not measured", group="threads", note="no such program"),
    ]
    return {"title": HOSTILE, "date": "2026-11-27T07:00:00Z", "commit": "abc123", "short": True,
            "duration_s": 812.0, "machine": {"CPU": HOSTILE, "kernel": "6.18"}, "bars": bars,
            "groups": [echo, threads], "notes": [f"noisy {HOSTILE}"]}  # fmt: skip


def html():
    return page.page(fixture())


def medians(groups):
    """In the order of the tables: `values` are by case, side and metric."""
    return [
        number(statistics.median(one["samples"])) for group in groups for one in group["values"]
    ]


def says_all(browser):
    wrong, report = [], fixture()
    groups = report["groups"]
    verdicts = [text.split(" ", 1)[1] for text in text_of(browser, ".bars .verdict")]
    expect(wrong, "verdicts", verdicts, [bar["verdict"] for bar in report["bars"]])
    expect(wrong, "headline", text_of(browser, ".headline"), ["2 of 5 bars met"])
    misses = [" ".join(text.split()) for text in text_of(browser, ".misses li")]
    expect(wrong, "misses", misses, [
        "memory an idle connection 0.33× bar ≤ 0.33× 0.091 % above",
        "echo throughput 1.10× bar ≥ 1.30× 15 % below",
    ])  # fmt: skip
    titles = [group["title"].strip() for group in groups]
    expect(wrong, "titles", text_of(browser, "section > h2")[-2:], titles)
    figures = [text.split()[0] for text in text_of(browser, ".figures td.number") if text]
    expect(wrong, "medians", figures, medians(groups))
    scales = browser.run(
        "return plots.map((plot, i) => Object.values(charts[i].scales)"
        ".find((scale) => scale.type !== 'category').type)"
    )
    expect(wrong, "scales", scales, ["linear", "logarithmic", "linear"])
    fetched = browser.run("return performance.getEntriesByType('resource').length")
    expect(wrong, "fetched", fetched, 0)
    return wrong


def notices(browser):
    """A check that finds nothing anywhere is none."""
    browser.run("""
        const wide = document.createElement("p");
        Object.assign(wide.style, { width: "2000px", maxWidth: "none",
                                    color: getComputedStyle(document.body).backgroundColor });
        wide.textContent = "words";
        document.body.append(wide);
        const canvas = document.querySelector("canvas");
        canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
        console.error("a complaint");
    """)
    seen = "\n".join(browser.complaints(dark=True))
    expected = ("a complaint", "the page is 2", "overflows: P", "contrast 1.0", "a light ground",
                "plot-0: Go is not")  # fmt: skip
    return [f"not noticed: {one}" for one in expected if one not in seen]


def without_chart():
    found, webpage.CHART = webpage.CHART, ()
    with contextlib.redirect_stderr(io.StringIO()) as errors:
        text = html()
    webpage.CHART = found
    says = "libjs-chart.js" in text and "libjs-chart.js" in errors.getvalue()
    return [] if says and "<script" not in text else ["nothing says what to install"]


def checks(browser):
    yield "says all", says_all(browser)
    yield "notices", notices(browser)
    yield "without Chart.js", without_chart()
