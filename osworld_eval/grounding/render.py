"""From the hand-written pages to a suite of the plain layout, drawn by this machine's Chromium.

    python -m osworld_eval.grounding.render OUT [--size 1280x800] [--scale 1] [--npm FOLDER] [--only NAME]

A page is one HTML file in `pages/`. What may be asked stands on the element itself: `data-ask="Open the settings |
gear icon"`, with `data-kind="name|role|relation|position|icon"` (one for all, or one each between bars), and what is
not there in a list of texts in `<script type="application/json" id="absent">`. `<meta name="size" content="412x860">`
draws a page at a size of its own. Style sheets under `/npm/` are taken from the packages in FOLDER (the folder of a
`node_modules`); a page that needs a missing one is left out with a note.

Boxes come from the document, nodes from the runtime's own browser actuator. A box is where the element is drawn, cut to
the screen; an element that is covered or off the screen is left out with a note. The words of a box to tick belong to
it, since pressing them ticks it. The network is not used.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from actuators.geometry import Rect, Screen
from actuators.observation import Observation
from osworld_eval.grounding.nodes import plain_node

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Route

    from sandboxes.chromium import Chromium

__all__ = ["KINDS", "PageFault", "Rendered", "kinds_of", "main", "pages", "render"]

KINDS = ("name", "role", "relation", "position", "icon")
_ORIGIN = "http://pages.test"
_SIZE = re.compile(r"""<meta name="?size"? content="?(\d+)x(\d+)"?""")
_NPM = re.compile(r"""["'(]/npm/([^"')]+)""")
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
_WORST = 5

_READ = """() => [...document.querySelectorAll('[data-ask]')].map((one) => {
  const around = (a, b) => b.width && b.height ? { left: Math.min(a.left, b.left), top: Math.min(a.top, b.top),
    right: Math.max(a.right, b.right), bottom: Math.max(a.bottom, b.bottom) } : a;
  let box = one.getBoundingClientRect();
  for (const label of ['checkbox', 'radio'].includes(one.type) ? one.labels : []) {
    const written = document.createRange();
    written.selectNodeContents(label);
    box = around(box, written.getBoundingClientRect());
  }
  const left = Math.max(0, box.left), top = Math.max(0, box.top);
  const right = Math.min(innerWidth, box.right), bottom = Math.min(innerHeight, box.bottom);
  const shows = right - left >= 1 && bottom - top >= 1;
  const hit = shows && document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
  const labels = one.labels ? [...one.labels] : [];
  const own = hit && (one.contains(hit) || hit.contains(one) || labels.some((label) => label.contains(hit)));
  const typed = ['checkbox', 'radio', 'range'].includes(one.type) ? '' : one.value;
  const words = one.innerText?.trim() || one.placeholder || typed || '';
  const roles = { A: 'link', BUTTON: 'button', SELECT: 'combobox', TEXTAREA: 'textbox', SUMMARY: 'button' };
  const inputs = { checkbox: 'checkbox', radio: 'radio', range: 'slider', submit: 'button', button: 'button',
    number: 'spinbutton', search: 'textbox' };
  const role = one.tagName === 'INPUT' ? inputs[one.type] || 'textbox' : roles[one.tagName] || '';
  return {
    ask: one.dataset.ask, kind: one.dataset.kind || 'name', box: { left, top, right, bottom },
    seen: Boolean(own), words: words.length > 0,
    role: one.getAttribute('role') || role,
  };
})"""
_ABSENT = "() => JSON.parse(document.getElementById('absent')?.textContent || '[]')"


class PageFault(ValueError):
    """A page that was written wrongly. One line."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """What was written, and what was left out and why."""

    pages: int
    items: int
    absent: int
    notes: tuple[str, ...]


def pages(only: Sequence[str] = ()) -> dict[str, str]:
    """The bundled pages by name, or those of `only`."""
    folder = resources.files("osworld_eval.grounding").joinpath("pages")
    found = {file.name[:-5]: file for file in folder.iterdir() if file.name.endswith(".html")}
    unknown = [name for name in only if name not in found]
    if unknown:
        raise PageFault(f"no page `{unknown[0]}`, expected one of {', '.join(sorted(found))}")
    return {name: found[name].read_text("utf-8") for name in sorted(only or found)}


def render(
    out: Path,
    written: dict[str, str],
    size: tuple[int, int] = (1280, 800),
    scale: float = 1.0,
    npm: Path | None = None,
) -> Rendered:
    """Draw pages into `out`: images/, annotations.json, nodes.json.

    Args:
        written: HTML by page name.
        out: folder to write into; made if missing.
        size: CSS pixels, for pages that name no size of their own.
        scale: device pixels to one CSS pixel.
        npm: folder that holds `node_modules`.

    Raises:
        PageFault: an unknown kind, or kinds that do not fit the questions.
        SandboxUnavailable: no Chromium.
    """
    from sandboxes.chromium import Chromium

    (out / "images").mkdir(parents=True, exist_ok=True)
    entries: list[dict[str, Any]] = []
    nodes: dict[str, list[dict[str, Any]]] = {}
    notes: list[str] = []
    with Chromium(size, scale, may_load=lambda url, _method, _kind: url.startswith((_ORIGIN, "data:"))) as chromium:
        for name, text in written.items():
            if missing := _missing(text, npm):
                notes.append(f"{name}: left out, needs {missing}: npm install {missing}, then --npm FOLDER")
                continue
            with _shown(chromium, text, _size(text) or size, scale, npm) as (seen, told, absent):
                (out / "images" / f"{name}.png").write_bytes(seen.frame.png)
                nodes[f"{name}.png"] = [plain_node(node) for node in seen.nodes]
                entries += _entries(name, told, absent, seen.screen, notes)
    _write(out / "annotations.json", entries)
    _write(out / "nodes.json", nodes)
    gone = sum(entry["bbox"] is None for entry in entries)
    return Rendered(len(nodes), len(entries), gone, tuple(notes))


def _write(file: Path, data: object) -> None:
    file.write_text(json.dumps(data, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")


def _size(text: str) -> tuple[int, int] | None:
    found = _SIZE.search(text)
    return (int(found[1]), int(found[2])) if found else None


def _missing(text: str, npm: Path | None) -> str:
    """The first package that a page needs and that is not installed; empty for none."""
    for path in _NPM.findall(text):
        if npm is None or not (npm / "node_modules" / path).is_file():
            parts = path.split("/")
            return "/".join(parts[: 2 if path.startswith("@") else 1])
    return ""


@contextmanager
def _shown(
    chromium: Chromium, text: str, size: tuple[int, int], scale: float, npm: Path | None
) -> Iterator[tuple[Observation, list[dict[str, Any]], list[str]]]:
    """One page on the screen: what the actuator sees, what the document asks, and what is not there."""
    from actuators.browser import BrowserActuator
    from actuators.permit import Verifier

    context = chromium.new_context(scale, size)
    try:
        _serve(context, text, npm)
        page = context.new_page()
        nobody = Verifier(os.urandom(32), "render", "")
        actuator = BrowserActuator(context, nobody, scale=scale)  # looks only: nothing can sign a permit for it
        actuator.open(f"{_ORIGIN}/")
        page.evaluate("() => document.fonts.ready.then(() => true)")
        actuator.settle()
        yield actuator.observe(), page.evaluate(_READ), page.evaluate(_ABSENT)
        actuator.close()
    finally:
        context.close()


def _serve(context: BrowserContext, text: str, npm: Path | None) -> None:
    root = (npm / "node_modules").resolve() if npm else None

    def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path
        file = (root / path.removeprefix("/npm/")).resolve() if root and path.startswith("/npm/") else None
        if path == "/":
            route.fulfill(body=text, content_type="text/html; charset=utf-8")
        elif file and root and file.is_relative_to(root) and file.is_file():
            route.fulfill(body=file.read_bytes(), content_type=_TYPES.get(file.suffix, "application/octet-stream"))
        else:
            route.fulfill(status=404, body="")

    context.route("**/*", answer)


def _entries(
    name: str, told: list[dict[str, Any]], absent: list[str], screen: Screen, notes: list[str]
) -> Iterator[dict[str, Any]]:
    common = {"img_filename": f"{name}.png", "data_source": name}
    hidden = [one["ask"] for one in told if not one["seen"]]
    if hidden:
        more = f" and {len(hidden) - _WORST} more" if len(hidden) > _WORST else ""
        notes.append(f"{name}: covered or off the screen: {'; '.join(hidden[:_WORST])}{more}")
    for one in told:
        if not one["seen"]:
            continue
        box = _pixels(one["box"], screen)
        questions = [ask.strip() for ask in one["ask"].split("|")]
        for ask, kind in zip(questions, kinds_of(name, one["kind"], questions), strict=True):
            yield {
                **common,
                "bbox": [box.left, box.top, box.width, box.height],
                "instruction": ask,
                "data_type": "text" if one["words"] else "icon",
                "kind": kind,
                "role": one["role"],
            }
    for ask in absent:
        yield {**common, "bbox": None, "instruction": ask, "data_type": "text", "kind": "absent"}


def kinds_of(name: str, told: str, questions: list[str]) -> list[str]:
    """The kind of each question on one element of a page. Raises `PageFault`."""
    kinds = [kind.strip() for kind in told.split("|")]
    if len(kinds) == 1:
        kinds *= len(questions)
    if len(kinds) != len(questions) or not set(kinds) <= set(KINDS) or not all(questions):
        raise PageFault(
            f"{name}: `{' | '.join(questions)}` has the kinds `{told}`, expected {', '.join(KINDS)}, one each"
        )
    return kinds


def _pixels(box: dict[str, float], screen: Screen) -> Rect:
    """From CSS pixels to the picture's; the pixels that the element touches."""
    scale = screen.scale
    return Rect(
        math.floor(box["left"] * scale + 0.01),
        math.floor(box["top"] * scale + 0.01),
        math.ceil(box["right"] * scale - 0.01),
        math.ceil(box["bottom"] * scale - 0.01),
    ).intersect(screen.rect)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; see the module. 0 when it ran, 2 for what cannot be run."""
    from sandboxes.base import SandboxUnavailable

    parser = argparse.ArgumentParser(prog="python -m osworld_eval.grounding.render", description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path, help="folder to write: images/, annotations.json, nodes.json")
    parser.add_argument("--size", type=_pair, default=(1280, 800), help="WIDTHxHEIGHT in CSS pixels (1280x800)")
    parser.add_argument("--scale", type=float, default=1.0, help="device pixels to one CSS pixel (1)")
    parser.add_argument("--npm", type=Path, help="folder that holds node_modules with the CSS packages")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="one page; may be repeated")
    try:
        wanted = parser.parse_args(arguments)
    except SystemExit as ended:
        return int(ended.code or 0)
    try:
        done = render(wanted.out, pages(wanted.only), wanted.size, wanted.scale, wanted.npm)
    except (PageFault, SandboxUnavailable, OSError) as problem:
        print(f"render: {problem}", file=sys.stderr)
        return 2
    for note in done.notes:
        print(f"note: {note}", file=sys.stderr)
    print(f"{wanted.out}: {done.pages} pages, {done.items} items, {done.absent} of them absent")
    return 0


def _pair(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{2,5})x(\d{2,5})", text)
    if not found:
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT, for example 1280x800, got `{text}`")
    return int(found[1]), int(found[2])


if __name__ == "__main__":
    sys.exit(main())
