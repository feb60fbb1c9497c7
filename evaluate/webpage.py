# SPDX-License-Identifier: MIT
"""The shell of a page that is one file: it needs no network, and its policy forbids any. Light and
dark, for print as well: page.css. Plots are by Chart.js, put into the page."""

import json
import sys
from html import escape
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHART = [Path("/usr/share") / place for place in (
    "javascript/chart.js/chart.min.js", "nodejs/chart.js/dist/chart.min.js")]  # fmt: skip
NO_CHART = "No plots: Chart.js was not found. Install Debian's libjs-chart.js and run it again."
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def facts(pairs):
    """A list of names and values, from a dictionary."""
    items = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(str(value))}</dd></div>"
                    for name, value in pairs.items())  # fmt: skip
    return f"<dl>{items}</dl>"


def plots(data, script):
    """The script, which finds `data` and more in what plots.js has."""
    chart = next((path for path in CHART if path.exists()), None)
    if not chart:
        print(NO_CHART, file=sys.stderr)
        return f"<p>{escape(NO_CHART)}</p>"
    text = json.dumps(data).replace("<", "\\u003c")  # or "</script>" in a name would end it
    return (f'<script type="application/json" id="plots">{text}</script>\n'
            f'<script>{chart.read_text(encoding="utf-8")}</script>\n'
            f'<script>{(HERE / "plots.js").read_text(encoding="utf-8")}</script>\n'
            f'<script>{script.read_text(encoding="utf-8")}</script>')  # fmt: skip


def page(title, subtitle, body):
    """A whole page; `subtitle` and `body` are HTML, `title` is text."""
    title = escape(title)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{(HERE / "page.css").read_text(encoding="utf-8")}</style></head><body>
<header><h1>{title}</h1><p class="faint">{subtitle}</p></header>
{body}
</body></html>
"""
