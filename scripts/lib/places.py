# SPDX-License-Identifier: MIT
"""Where the built programs are. UNTHREAD_BUILD names another build directory than build/."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("UNTHREAD_BUILD", ROOT / "build")).resolve()

UNTHREAD = BUILD / "shim" / "unthread"
LIBRARY = BUILD / "shim" / "libunthread.so"
LOAD = BUILD / "tests" / "bench" / "load"
CHAT_LOAD = BUILD / "tests" / "bench" / "chat_load"
SLOW_UPSTREAM = BUILD / "tests" / "bench" / "slow_upstream"

NOT_BUILT = 2


def demo(name):
    return BUILD / "demos" / name / name


def require_built(*programs):
    """Ends the script with status 2 and says what is missing."""
    missing = [path for path in (UNTHREAD, LIBRARY, *programs) if not path.exists()]
    if missing:
        for path in missing:
            print(f"not built: {path}", file=sys.stderr)
        print(f"build first: meson setup {BUILD} && meson compile -C {BUILD}", file=sys.stderr)
        sys.exit(NOT_BUILT)
