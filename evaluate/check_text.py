# SPDX-License-Identifier: MIT
"""An evaluation for the terminal, and as a dictionary for JSON."""

import textwrap

import table
from daemon import printable
from findings import KINDS, SHAPES

WIDTH = 100
SIGNS = {"blocker": "✗", "degraded": "!", "note": "·", "good news": "✓"}


def as_dict(report):
    return {
        "path": report.path, "verdict": report.verdict, "status": report.status, "score": report.score,
        "score_terms": [{"points": points, "for": what} for points, what in report.terms], "shape": report.shape,
        "shape_meaning": SHAPES.get(report.shape, ""), "shape_evidence": report.shape_evidence, "gain": report.gain,
        "command": report.command, "facts": report.facts, "findings": [vars(finding) for finding in report.findings],
        "symbols": report.symbols, "libraries": report.libraries, "trace": report.trace,
    }  # fmt: skip


def _wrapped(text, indent, first=None):
    lead = " " * indent
    return textwrap.wrap(printable(text), WIDTH, initial_indent=lead if first is None else first, subsequent_indent=lead)


def _finding(finding):
    lines = _wrapped(f"{finding['title']}. {finding['why']}", 4, f"  {SIGNS[finding['kind']]} ")
    for line in finding["evidence"]:
        lines += _wrapped(line, 8, "      - ")
    if finding["advice"]:
        lines += _wrapped(finding["advice"], 8, "      → ")
    return lines


def policies(symbols):
    """How many imported functions each policy has."""
    count = {}
    for symbol in symbols.values():
        count[symbol["policy"]] = count.get(symbol["policy"], 0) + 1
    return ", ".join(f"{number} {name}" for name, number in sorted(count.items(), key=lambda pair: -pair[1])) or "none"


def text(whole, every_symbol):
    lines = _wrapped(whole["verdict"], 0)
    lines += ["", f"score    {whole['score']} of 100"]
    lines += [f"         {term['points']:+d}  {printable(term['for'])}" for term in whole["score_terms"]]
    lines += _wrapped(f"{whole['shape_meaning']} (judged by its imports)", 9, "shape    ")
    for line in whole["shape_evidence"]:
        lines += _wrapped(line, 11, "         - ")
    lines += _wrapped(whole["gain"], 9, "gain     ")
    if whole["command"]:
        lines.append(f"run      {printable(whole['command'])}")
    for name, value in whole["facts"].items():
        lines += _wrapped(f"{name}: {value}", 9, "         ")
    for kind in KINDS:
        found = [finding for finding in whole["findings"] if finding["kind"] == kind]
        if found:
            lines += ["", f"{kind}:", *(line for finding in found for line in _finding(finding))]
    lines += ["", f"functions of libc that unthread sees: {policies(whole['symbols'])}" +
              ("" if every_symbol else "  (--symbols lists them)")]  # fmt: skip
    if every_symbol and whole["symbols"]:
        rows = [[name, one["version"], one["policy"], one["family"]] for name, one in sorted(whole["symbols"].items())]
        lines += ["", table.aligned(["function", "version", "policy", "family"], rows)]
    return "\n".join(lines)
