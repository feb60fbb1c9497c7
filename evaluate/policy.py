# SPDX-License-Identifier: MIT
"""What unthread does with each function of libc, from the list that the library itself is made of."""

import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
PLACES = (HERE.parent / "shim" / "symbols.def", HERE.parent / "symbols.def")  # the source tree; installed
SYMBOL = re.compile(r"^SYMBOL\((\w+), (\w+), (\w+)\)", re.MULTILINE)
MEANINGS = {
    "park": "the thread waits without a kernel thread",
    "region": "keeps its kernel thread while it blocks; the others go on with another one",
    "virtual": "answered by unthread",
    "pass": "libc's, with a look at it",
    "refuse": "the thread that asks for it stays native",
}
# Threads with these stay kernel threads: shim/thread.c.
REFUSED = {"pthread_attr_setstack": "stack", "pthread_attr_setschedpolicy": "scheduling"}


def load():
    """(policy, family) by name."""
    text = next(place for place in PLACES if place.exists()).read_text()
    found = {name: (policy.lower(), family) for name, policy, family in SYMBOL.findall(text)}
    found.update({name: ("refuse", family) for name, family in REFUSED.items()})
    return found
