# SPDX-License-Identifier: MIT
"""The check lines, the table of figures and the closing count."""

COLUMNS = ("daemon", "side", "open", "answers", "errors", "threads", "peak", "RSS MiB", "seconds", "CPU s",
           "descriptors", "SIGTERM", "after")


class Report:
    def __init__(self):
        self.passed = self.failed = 0
        self.rows = []

    def check(self, good, subject, what, detail=""):
        """One line per check; the detail is printed when it fails."""
        if good:
            self.passed += 1
            print(f"ok   {subject}: {what}", flush=True)
        else:
            self.failed += 1
            print(f"FAIL {subject}: {what}" + (f" ({detail})" if detail else ""), flush=True)
        return good

    def skip(self, subject, reason):
        print(f"skip {subject}: {reason}", flush=True)

    def row(self, *cells):
        self.rows.append([str(cell) for cell in cells])

    def table(self):
        lines = [list(COLUMNS), *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
        print()
        for line in lines:
            print("  ".join(cell.rjust(width) if column > 1 else cell.ljust(width)
                            for column, (cell, width) in enumerate(zip(line, widths))))

    def close(self):
        if self.rows:
            self.table()
        print(f"\n{self.passed} passed, {self.failed} failed")
        return 1 if self.failed else 0
