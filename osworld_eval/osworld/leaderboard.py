"""`agent eval leaderboard DIR...`: one HTML file with the figures and charts of several runs.

It loads nothing and runs nothing: charts are drawings in the page, with a table of the same figures below each, and a
content security policy allows the page's own style and no more. Names come from task files and are escaped.
"""

from __future__ import annotations

import base64
import hashlib
import html
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from osworld_eval.osworld.compare import Read, read_results
from osworld_eval.osworld.figures import PHASES, summary
from osworld_eval.osworld.manifest import ManifestUnusable
from osworld_eval.osworld.results import ResultsUnusable
from osworld_eval.osworld.row import Row

__all__ = ["main", "page"]

_STYLE = """
:root{--ink:#1a1c1f;--soft:#5a6068;--line:#d5d9de;--back:#fff;--bar:#2563a8;--other:#a9541b;--good:#1c7a3d;--bad:#b3261e}
@media (prefers-color-scheme:dark){:root{--ink:#e9ecef;--soft:#a8b0b8;--line:#3a4048;--back:#15181b;--bar:#7db4ef;
--other:#eaa36a;--good:#67c587;--bad:#f28b82}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--back);margin:0 auto;
max-width:70rem;padding:1.5rem}
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.2rem}p{max-width:46rem}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}th,td{padding:.3rem .7rem;text-align:left;
border-bottom:1px solid var(--line);vertical-align:top}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--soft);padding:.3rem 0}svg{max-width:100%;height:auto}
svg text{fill:var(--ink);font:13px system-ui,sans-serif}.bar{fill:var(--bar)}.mark{stroke:var(--ink);stroke-width:2}
.axis{stroke:var(--line)}.soft{fill:var(--soft)}.good{color:var(--good)}.bad{color:var(--bad)}.none{color:var(--soft)}
a{color:var(--bar)}details{margin:.6rem 0}summary{cursor:pointer}
"""
_PHASE_STYLE = "".join(
    f".phase-{name}{{fill:{colour}}}"
    for name, colour in zip(
        ("reset", "prepare", "settle", "model", "acting", "score"),
        ("#7a5ea8", "#2563a8", "#5b8a8f", "#a9541b", "#c98a2b", "#1c7a3d"),
        strict=True,
    )
)


def main(folders: Sequence[Path], to: Path, title: str) -> int:
    """Write the page; 2 where a folder holds no results."""
    try:
        reads = [read_results(folder) for folder in folders]
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(page(reads, title, to.parent), "utf-8")
    except (ManifestUnusable, ResultsUnusable) as problem:
        print(f"agent eval leaderboard: {problem}", file=sys.stderr)
        return 2
    except OSError as error:
        print(
            f"agent eval leaderboard: `{to}` cannot be written: {(error.strerror or 'error').lower()}", file=sys.stderr
        )
        return 2
    print(to)
    return 0


def page(reads: Sequence[Read], title: str, beside: Path) -> str:
    """The page as text; links to reports are relative to the folder `beside`, where they lead anywhere."""
    told = [(read, _summary(read)) for read in reads]
    told.sort(key=lambda pair: -(pair[1]["mean"] or 0.0))
    names = _names([read for read, _ in told])
    runs = [(name, read, figures) for name, (read, figures) in zip(names, told, strict=True)]
    style = _STYLE + _PHASE_STYLE
    allowed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{allowed}'; base-uri 'none'; form-action 'none'"
    body = "".join([
        f"<h1>{_text(title)}</h1>",
        "<p>Per cent of the full score. <strong>Scheduled</strong> counts everything that was to be played, and what "
        "has no score as 0; <strong>finished</strong> counts what has one. Lines are 95 % bootstrap intervals.</p>",
        _ranking(runs),
        _domains(runs),
        _phases(runs),
        *(_tasks(name, read, beside) for name, read, _ in runs),
    ])  # fmt: skip
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{_text(title)}</title><style>{style}</style></head><body><main>{body}</main></body></html>\n"
    )


Run = tuple[str, Read, Mapping[str, Any]]


def _summary(read: Read) -> dict[str, Any]:
    return summary(read.rows, read.manifest.scheduled, int(read.manifest.settings.get("steps", 15)))


def _names(reads: Sequence[Read]) -> list[str]:
    """The agents' names; with the folder's where two are alike."""
    plain = [read.manifest.agent for read in reads]
    return [
        name if plain.count(name) == 1 else f"{name} ({read.folder.name})"
        for name, read in zip(plain, reads, strict=True)
    ]


# Charts


def _ranking(runs: Sequence[Run]) -> str:
    rows = [(name, figures["mean"] or 0.0, figures["ci95"]) for name, _, figures in runs]
    cells = [
        [name, _n(f["mean"]), _range(f["ci95"]), _n(f["mean_finished"]), f"{f['finished']}/{f['scheduled']}",
         str(f["passed"]), _n(f["efficiency"]), _n(f["steps_to_pass"]), _n(f["seconds"]["median"]), _cost(f["cost"])]
        for name, _, f in runs
    ]  # fmt: skip
    head = ["agent", "scheduled", "95 %", "finished", "scored", "passed", "step efficiency", "steps to pass",
            "seconds an attempt", "cost"]  # fmt: skip
    return "<h2>Agents</h2>" + _bars("Mean score over everything scheduled", rows) + _table("All agents", head, cells)


def _bars(title: str, rows: Sequence[tuple[str, float, list[float] | None]]) -> str:
    """Bars from 0 to 100 with a line for the interval."""
    left, width, high = 240, 560, 30
    height = high * len(rows) + 34
    parts = []
    for at in range(0, 101, 20):
        x = left + width * at / 100
        parts.append(f'<line class="axis" x1="{x:g}" x2="{x:g}" y1="4" y2="{height - 26}"/>')
        parts.append(f'<text class="soft" x="{x:g}" y="{height - 8}" text-anchor="middle">{at}</text>')
    for place, (name, value, pair) in enumerate(rows):
        y = 8 + place * high
        parts.append(f'<text x="{left - 10}" y="{y + 15}" text-anchor="end">{_text(name[-32:])}</text>')
        parts.append(f'<rect class="bar" x="{left}" y="{y}" width="{width * value / 100:g}" height="20"/>')
        if pair is not None:
            low, up = (left + width * one / 100 for one in pair)
            parts.append(f'<line class="mark" x1="{low:g}" x2="{up:g}" y1="{y + 10}" y2="{y + 10}"/>')
        parts.append(f'<text x="{left + width + 8}" y="{y + 15}">{value:.1f}</text>')
    said = "; ".join(f"{name} {value:.1f} per cent" for name, value, _ in rows)
    return _drawing(title, said, left + width + 60, height, parts)


def _domains(runs: Sequence[Run]) -> str:
    names = list(dict.fromkeys(name for _, _, figures in runs for name in figures["domains"]))
    head = ["domain", *(name for name, _, _ in runs)]
    cells = [[domain, *(_part(figures["domains"].get(domain)) for _, _, figures in runs)] for domain in names]
    groups = list(dict.fromkeys(name for _, _, figures in runs for name in figures["groups"]))
    cells += [[group, *(_part(figures["groups"].get(group)) for _, _, figures in runs)] for group in groups]
    best = runs[0]
    rows = [(name, best[2]["domains"][name]["mean"] or 0.0, None) for name in names if name in best[2]["domains"]]
    chart = _bars(f"Mean score by domain: {best[0]}", rows)
    return "<h2>Domains</h2>" + chart + _table("Scheduled mean, and how many have a score", head, cells)


def _part(part: Mapping[str, Any] | None) -> str:
    return "-" if part is None else f"{_n(part['mean'])} ({part['finished']}/{part['scheduled']})"


def _phases(runs: Sequence[Run]) -> str:
    """Where the time goes: the part of an attempt that the model does not take is told apart from it."""
    shown = []
    for name, _, figures in runs:
        told = {phase: figures["seconds"]["phases"].get(phase) or 0.0 for phase in PHASES}
        told["acting"] = max(0.0, told.pop("agent") - told["model"])
        shown.append((name, {key: told[key] for key in ("reset", "prepare", "settle", "model", "acting", "score")}))
    most = max([sum(told.values()) for _, told in shown] + [1e-9])
    left, width, high = 240, 560, 30
    parts = []
    for place, (name, told) in enumerate(shown):
        x, y = float(left), 8 + place * high
        parts.append(f'<text x="{left - 10}" y="{y + 15}" text-anchor="end">{_text(name[-32:])}</text>')
        for phase, seconds in told.items():
            wide = width * seconds / most
            parts.append(
                f'<rect class="phase-{phase}" x="{x:.1f}" y="{y}" width="{wide:.1f}" height="20">'
                f"<title>{phase}: {seconds:.1f} s</title></rect>"
            )
            x += wide
    y = 8 + high * len(shown)
    for place, phase in enumerate(shown[0][1]):
        x = left + 94 * place
        parts.append(f'<rect class="phase-{phase}" x="{x}" y="{y}" width="14" height="14"/>')
        parts.append(f'<text x="{x + 20}" y="{y + 12}">{phase}</text>')
    said = "; ".join(f"{name}: " + ", ".join(f"{k} {v:.1f} s" for k, v in told.items()) for name, told in shown)
    chart = _drawing("Median seconds of an attempt by phase", said, left + width + 60, high * len(shown) + 34, parts)
    head = ["agent", *shown[0][1]]
    cells = [[name, *(_n(value) for value in told.values())] for name, told in shown]
    return (
        "<h2>Time</h2>" + chart + _table("Median seconds by phase; `acting` is the agent less its model", head, cells)
    )


def _drawing(title: str, said: str, width: float, height: float, parts: Iterable[str]) -> str:
    name = hashlib.sha256(f"{title}{said}".encode()).hexdigest()[:10]
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" role="img" '
        f'aria-labelledby="t{name} d{name}"><title id="t{name}">{_text(title)}</title>'
        f'<desc id="d{name}">{_text(said)}</desc>{"".join(parts)}</svg>'
    )


# Tables


def _table(caption: str, head: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    top = "".join(f'<th scope="col"{_right(place)}>{_text(name)}</th>' for place, name in enumerate(head))
    rows = "".join(
        "<tr>"
        + f'<th scope="row">{_text(row[0])}</th>'
        + "".join(f'<td class="n">{_text(one)}</td>' for one in row[1:])
        + "</tr>"
        for row in cells
    )
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{_text(caption)}"><table>'
        f"<caption>{_text(caption)}</caption><thead><tr>{top}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _right(place: int) -> str:
    return ' class="n"' if place else ""


def _tasks(name: str, read: Read, beside: Path) -> str:
    """Every task of one agent, with a link to the report of its run."""
    rows = []
    for key in read.manifest.scheduled:
        row = read.rows.get(key)
        rows.append(_task(key, row, read.folder, beside))
    top = "".join(
        f'<th scope="col">{one}</th>'
        for one in ("task", "repeat", "score", "ended", "steps", "seconds", "why", "report")
    )
    return (
        f"<h2>{_text(name)}</h2><p>Manifest {read.manifest.digest[:16]}, {len(read.manifest.tasks)} tasks, "
        f"{read.manifest.repeat} repeats.</p><details><summary>Every attempt that counts</summary>"
        f'<div class="wide" tabindex="0" role="region" aria-label="Attempts of {_text(name)}"><table><thead>'
        f"<tr>{top}</tr></thead><tbody>{''.join(rows)}</tbody></table></div></details>"
    )


def _task(key: tuple[str, int], row: Row | None, folder: Path, beside: Path) -> str:
    if row is None:
        empty = '<td class="none">not played</td>' + "<td></td>" * 5
        return f'<tr><th scope="row">{_text(key[0])}</th><td>{key[1]}</td>{empty}</tr>'
    kind = "none" if row.score is None else "good" if row.score == 1.0 else "bad" if row.score == 0.0 else ""
    score = "no score" if row.score is None else f"{row.score:g}"
    report = folder / "runs" / row.run / "report.html" if row.run else None
    link = ""
    if report is not None and report.is_file():
        where = os.path.relpath(report, beside).replace(os.sep, "/")
        link = f'<a href="{_text(where)}">report<span class="none"> {_text(row.task.rpartition("/")[2][:8])}</span></a>'
    return (
        f'<tr><th scope="row">{_text(row.task)}</th><td>{row.repeat}</td><td class="{kind}">{score}</td>'
        f'<td>{_text(row.outcome or row.status)}</td><td class="n">{row.steps}</td><td class="n">{row.seconds:.1f}</td>'
        f"<td>{_text(row.reason[:200])}</td><td>{link}</td></tr>"
    )


def _text(value: object) -> str:
    """Escaped, control and direction characters taken out."""
    plain = "".join(
        c for c in str(value) if c.isprintable() and c not in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    )
    return html.escape(plain, quote=True)


def _n(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _range(pair: Sequence[float] | None) -> str:
    return "-" if pair is None else f"{pair[0]:.1f} to {pair[1]:.1f}"


def _cost(costs: Mapping[str, float]) -> str:
    return " + ".join(f"{value:.4f} {currency}" for currency, value in costs.items()) or "-"
