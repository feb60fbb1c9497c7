# SPDX-License-Identifier: MIT
"""One aligned table: words to the left, numbers to the right."""


def _looks_numeric(text):
    return text.replace(",", "").replace(".", "").replace("-", "").isdigit()


def aligned(heading, rows):
    """`heading` and each row are sequences of text; a row that is shorter ends with free text."""
    widths = [len(word) for word in heading]
    for row in rows:
        if len(row) == len(heading):
            widths = [max(width, len(word)) for width, word in zip(widths, row)]
    numeric = [
        all(_looks_numeric(row[i]) for row in rows if len(row) == len(heading)) and bool(rows)
        for i in range(len(heading))
    ]

    def line(row):
        full = len(row) == len(heading)
        words = []
        for i, word in enumerate(row):
            if not full and i == len(row) - 1:
                words.append(word)
            elif numeric[i] and full:
                words.append(word.rjust(widths[i]))
            else:
                words.append(word.ljust(widths[i]))
        return "  ".join(words).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([line(heading), rule, *map(line, rows)])
