# SPDX-License-Identifier: MIT
"""The page of unthread check."""

import check_page
import check_text
import findings
from browser import HOSTILE, expect, text_of

SYMBOLS = {f"function_{number}": {"version": "GLIBC_2.34", "policy": "park", "family": "sockets"} for number in range(60)}


def report(blocked):
    made = findings.Report(f"/usr/bin/{HOSTILE}", shape="threads", shape_evidence=[HOSTILE], score=0 if blocked else 72,
                           terms=[(60, HOSTILE), (12, "calls")], gain=findings.GAINS["threads"], command=HOSTILE,
                           verdict=f"fits: {HOSTILE}", symbols=SYMBOLS, libraries=[f"lib{i}.so.{i}" for i in range(40)],
                           facts={"build-id": "0123456789abcdef" * 4, "machine": "EM_X86_64"})  # fmt: skip
    for kind in findings.KINDS if blocked else findings.KINDS[1:]:
        for number in range(2):
            made.add(kind, f"{kind} {number} {HOSTILE}", HOSTILE, [HOSTILE, "x" * 200], HOSTILE)
    return check_text.as_dict(made)


def html():
    return check_page.page(report(blocked=True), "2026-11-27 07:00 UTC")


def says_all(browser):
    wrong, whole = [], report(blocked=True)
    expect(wrong, "headline", text_of(browser, ".headline"), [" ".join(whole["verdict"].split())])
    kinds = [text.split(" ", 1)[1] for text in text_of(browser, ".verdict")]
    expect(wrong, "findings", kinds, [finding["kind"] for finding in whole["findings"]])
    expect(wrong, "symbols", len(text_of(browser, "table.figures:last-of-type tbody code")), len(SYMBOLS))
    if "Score: 0 of 100" not in " ".join(text_of(browser, "h2")):
        wrong.append("no score")
    if not browser.run("return Boolean(document.querySelector('.strip .met'))"):
        wrong.append("no plot of the score")
    expect(wrong, "fetched", browser.run("return performance.getEntriesByType('resource').length"), 0)
    expect(wrong, "bold of a hostile name", browser.run("return document.querySelectorAll('p b, li b').length"), 0)
    return wrong


def checks(browser):
    yield "says all", says_all(browser)
