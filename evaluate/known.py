# SPDX-License-Identifier: MIT
"""The database of programs that were tried: one JSON file each in known/, from runs, with version and date."""

import json
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "known"
FIELDS = ("program", "version", "date", "verdict", "evidence")


def load():
    found = [json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))]
    return sorted(found, key=lambda one: one["program"].lower())


def of(program):
    """Entries for the file name of a program."""
    return [one for one in load() if program in one.get("files", [one["program"]])]


def markdown():
    """As the README has it."""
    rows = [f"| `{one['program']}` {one['version']} | {one['verdict']} | {one['evidence']} |" for one in load()]
    return "\n".join(["| program | verdict | from |", "|---|---|---|", *rows])
