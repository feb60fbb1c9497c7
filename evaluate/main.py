# SPDX-License-Identifier: MIT
"""unthread check and unthread compare. Not to be called by hand: the unthread command runs
`main.py PATH-OF-UNTHREAD check|compare ARGUMENTS...`."""

import importlib
import os
import signal
import sys

COMMANDS = ("check", "compare")


def end_on_sigterm():
    """SIGTERM and a closed terminal unwind as Ctrl-C does, so that what was started ends, too."""
    def leave(number, _):
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)


def main():
    if len(sys.argv) < 3 or sys.argv[2] not in COMMANDS:
        sys.exit(__doc__)
    end_on_sigterm()
    command = importlib.import_module(sys.argv[2])
    return command.main(sys.argv[1], sys.argv[3:])


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:  # nobody reads on; nor may the interpreter complain of it at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
