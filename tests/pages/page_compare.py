# SPDX-License-Identifier: MIT
"""The page of unthread compare."""

import compare_page
import verdict
from browser import HOSTILE, expect, text_of
from ladder import METRICS

LEVELS = (16, 64, 256, 1024, 4096)
SIDES = ("native", "unthread", "pool")
RUNS = 5
FACTORS = {"native": 1, "unthread": 1.4, "pool": 1.15}
FAILURE = "unthread, run 5: the daemon died (SIGSEGV)"


def samples():
    """Each side has its own growth; at 4,096 connections unthread is worse."""
    for run in range(RUNS):
        for place, side in enumerate(SIDES):
            for level in LEVELS:
                factor = (1 + 0.02 * ((run * 7 + place * 3) % 5)) * FACTORS[side] ** (1 if level < 4096 else -1)
                time = 0.2 * level / factor
                metrics = {"throughput": 20000 * factor, "errors": 0, "cpu": 30 / factor, "threads": (level, 4, 30)[place],
                           "rss": 40 + level / 50 + 9 * place, "memory": 20 + level / 20 / factor}  # fmt: skip
                metrics |= {"p50": time, "p90": 2 * time, "p99": 5 * time, "p99.9": 30 * time}
                metrics |= {metric.name: 1.5 for metric in METRICS if metric.name not in metrics}
                series = [{"t": 0.5 * i, "cpu": 0.5 + 0.01 * i + 0.1 * place, "threads": 4, "rss": 40 + place + i} for i in range(9)]
                yield {"side": side, "level": level, "run": run, "metrics": metrics, "series": series,
                       "daemon_share": 0.9, "load_share": 0.4, "others_share": 0.0}  # fmt: skip


def whole():
    measured = list(samples())
    found = verdict.Samples(measured)
    changes = {side: verdict.changes(found, side) for side in SIDES[1:]}
    return {
        "title": HOSTILE, "date": "2026-11-27 07:00:00 UTC", "duration_s": 99.0, "command": f"unthread compare {HOSTILE}",
        "sides": [{"name": side, "command": HOSTILE} for side in SIDES], "load": HOSTILE, "levels": list(LEVELS),
        "runs": RUNS, "seconds": 5.0, "verdicts": [verdict.sentence(found, side, changes[side]) for side in SIDES[1:]],
        "regressions": [], "changes": [change.as_dict() for side in changes for change in changes[side]],
        "errors": [], "behaviour": [f"unthread: {HOSTILE}"], "warnings": [HOSTILE], "failures": [FAILURE],
        "interrupted": False, "machine": {"CPU": HOSTILE, "kernel": "6.18"},
        "metrics": [vars(metric) for metric in METRICS], "samples": measured,
    }  # fmt: skip


def html():
    return compare_page.page(whole())


def says_all(browser):
    wrong, report = [], whole()
    expect(wrong, "verdicts", text_of(browser, ".headline"), report["verdicts"])
    badges = [text.split(" ", 1)[1] for text in text_of(browser, ".verdict")]
    expect(wrong, "changes", sorted(badges), sorted(change["verdict"] for change in report["changes"]))
    worst = badges.index("better") if "better" in badges else len(badges)
    if "worse" in badges[worst:]:
        wrong.append("what is worse does not stand first")
    expect(wrong, "tables", len(text_of(browser, ".figures tbody tr")), len(LEVELS) * len(METRICS) + len(badges))
    if FAILURE not in " ".join(text_of(browser, ".misses p")):
        wrong.append("the failure is not seen")
    titles = " ".join(text_of(browser, "figcaption"))
    for name in ("throughput", "p99", "memory", "threads", "latency at 4,096 connections", "over time"):
        if name not in titles:
            wrong.append(f"no plot of {name}")
    expect(wrong, "plots drawn", browser.run("return charts.length"), len(text_of(browser, "figcaption")))
    expect(wrong, "fetched", browser.run("return performance.getEntriesByType('resource').length"), 0)
    return wrong


def empty():
    """Interrupted before anything was measured."""
    text = compare_page.page({**whole(), "samples": [], "changes": [], "verdicts": ["nothing"], "interrupted": True})
    return [] if "interrupted" in text else ["does not say that it was interrupted"]


def checks(browser):
    yield "says all", says_all(browser)
    yield "empty", empty()
