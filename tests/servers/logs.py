# SPDX-License-Identifier: MIT
"""Logs made comparable: distinct lines without what differs from run to run."""

import re


def templates(text):
    """Distinct lines; numbers, addresses and dates are all alike. syslog's level (LOG3) stays."""
    lines = set()
    for line in text.splitlines():
        line = re.sub(r"0x[0-9a-f]+|\b[0-9a-f]{8,}\b", "NUM", line)
        line = re.sub(r"\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b", "MONTH", line)
        line = re.sub(r"(?<!\bLOG)\d+", "NUM", line)
        line = re.sub(r"NUM([.:,]NUM)+", "NUM", line)
        if line.strip():
            lines.add(line.rstrip())
    return lines


def new_complaints(lines, known, noise):
    """The lines that are neither known nor noise; whatever the runtime itself says is never noise."""
    allowed = re.compile("|".join(noise) or "$^")
    return {line for line in lines - known if "unthread" in line or not allowed.search(line)}
