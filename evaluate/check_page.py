# SPDX-License-Identifier: MIT
"""An evaluation as one HTML file."""

from html import escape

import webpage
from check_text import SIGNS, policies
from findings import KINDS
from policy import MEANINGS

CLASSES = {"blocker": "missed", "degraded": "missed", "note": "not-measured", "good news": "met"}
TITLES = {"blocker": "Blockers", "degraded": "Degraded", "note": "Notes", "good news": "Good news"}


def _badge(kind):
    return f'<span class="verdict {CLASSES[kind]}"><b>{SIGNS[kind]}</b> {kind}</span>'


def _list(lines):
    items = "".join(f"<li><code>{escape(line)}</code></li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""


def _finding(finding):
    advice = f"<p>→ {escape(finding['advice'])}</p>" if finding["advice"] else ""
    return (f"<h3>{_badge(finding['kind'])} {escape(finding['title'])}</h3><p>{escape(finding['why'])}</p>"
            f"{_list(finding['evidence'])}{advice}")  # fmt: skip


def _findings(whole):
    parts = []
    for kind in KINDS:
        found = [finding for finding in whole["findings"] if finding["kind"] == kind]
        if found:
            parts.append(f"<section><h2>{TITLES[kind]}</h2>{''.join(map(_finding, found))}</section>")
    return "".join(parts)


def _score(whole):
    rows = "".join(f'<tr><td class="number">{term["points"]:+d}</td><td>{escape(term["for"])}</td></tr>'
                   for term in whole["score_terms"])  # fmt: skip
    return (f'<section><h2>Score: {whole["score"]} of 100</h2><div class="strip" aria-hidden="true">'
            f'<i class="met" style="flex:{whole["score"]}"></i><i class="not-measured" style="flex:{100 - whole["score"]}"></i>'
            f'</div><div class="scroll" tabindex="0"><table class="figures"><tbody>{rows}</tbody></table></div></section>')  # fmt: skip


def _shape(whole):
    command = f"<p>Run: <code>{escape(whole['command'])}</code></p>" if whole["command"] else ""
    return (f"<section><h2>Shape and gain</h2><p>{escape(whole['shape_meaning'])} (judged by what it imports)</p>"
            f"{_list(whole['shape_evidence'])}<p>Gain: {escape(whole['gain'])}</p>{command}</section>")  # fmt: skip


def _symbols(whole):
    if not whole["symbols"]:
        return ""
    meanings = "".join(f"<div><dt>{name}</dt><dd>{escape(text)}</dd></div>" for name, text in MEANINGS.items())
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(one['version'])}</td><td>{one['policy']}</td>"
        f"<td>{one['family']}</td></tr>" for name, one in sorted(whole["symbols"].items())
    )  # fmt: skip
    return (f"<section><h2>Functions that unthread sees</h2><p>{escape(policies(whole['symbols']))}</p><dl>{meanings}</dl>"
            f'<div class="scroll" tabindex="0"><table class="figures"><thead><tr><th>function</th><th>version</th><th>policy</th>'
            f"<th>family</th></tr></thead><tbody>{rows}</tbody></table></div></section>")  # fmt: skip


def page(whole, date):
    facts = {**whole["facts"], "libraries": ", ".join(whole["libraries"])}
    return webpage.page(f"Will {whole['path']} run on coroutines?", escape(date), f"""
<p class="headline">{escape(whole["verdict"])}</p>
{_score(whole)}
{_shape(whole)}
{_findings(whole)}
<section><h2>The program</h2>{webpage.facts(facts)}</section>
{_symbols(whole)}
""")
